import Access
import HTTP

/// What becomes of requests that carry an `Idempotency-Key`: which is new, at work, or answered.
///
/// A key is, in this order:
/// 1. *unknown*: `begin` hands out a ticket, and the key is at work;
/// 2. *at work* until its ticket is used: `finish` keeps the answer, `abandon` makes the key
///    unknown again;
/// 3. *answered* for `lifetimeNanoseconds` from the answer on, or until newer answers need the
///    room: the oldest goes first; then it is unknown again.
///
/// A key at work is never dropped, or a retry would do the work twice; there are no more of them
/// than requests without an answer, detached processes and detached calls, which have bounds of
/// their own. Only answers are counted here.
///
/// Of a request's body its SHA-256 digest is kept: nobody can make two that look the same. A value:
/// no lock, no clock.
struct IdempotencyTable: Sendable {
    /// What a key stands for.
    struct Fingerprint: Sendable, Equatable {
        var method: String
        /// As sent, percent-encoded.
        var path: String
        var body: Digest

        /// Its bytes, without method and path.
        static let bodyBytes = 32

        init(method: String, path: String, body: [UInt8]) {
            self.method = method
            self.path = path
            self.body = Digest(of: body)
        }
    }

    /// The right to end one request's work on a key; a used or outdated one has no effect.
    struct Ticket: Sendable, Equatable {
        fileprivate let key: String
        fileprivate let number: UInt64
    }

    enum Verdict: Sendable {
        /// Do the work, and use the ticket.
        case fresh(Ticket)
        /// Give this answer again.
        case replay(Response)
        /// The same request is at work.
        case inProgress
        /// The key belongs to another request.
        case reused
    }

    private enum State: Sendable {
        case atWork(UInt64)
        case answered(Response, at: UInt64, bytes: Int)
    }

    private struct Entry: Sendable {
        let fingerprint: Fingerprint
        var state: State
    }

    private let keysMax: Int
    private let bytesMax: Int
    private let lifetimeNanoseconds: UInt64

    private var entries: [String: Entry] = [:]
    /// The answered keys, by the order of their answers: the numbers from `oldest` to before `next`.
    private var order: [UInt64: String] = [:]
    private var oldest: UInt64 = 0
    private var next: UInt64 = 0
    private var ticketCount: UInt64 = 0
    /// What the answers hold, their keys and requests included.
    private(set) var bytes = 0

    /// Makes an empty table for at most `keysMax` answers and `bytesMax` bytes of them.
    init(keysMax: Int, bytesMax: Int, lifetimeNanoseconds: UInt64) {
        self.keysMax = keysMax
        self.bytesMax = bytesMax
        self.lifetimeNanoseconds = lifetimeNanoseconds
    }

    var answeredCount: Int { order.count }
    var atWorkCount: Int { entries.count - order.count }

    /// Says what to do with a request; `now` is monotonic nanoseconds.
    mutating func begin(_ key: String, _ fingerprint: Fingerprint, now: UInt64) -> Verdict {
        dropExpired(now)
        if let entry = entries[key] {
            guard entry.fingerprint == fingerprint else { return .reused }
            switch entry.state {
            case .atWork: return .inProgress
            case .answered(let response, _, _): return .replay(response)
            }
        }
        ticketCount += 1
        entries[key] = Entry(fingerprint: fingerprint, state: .atWork(ticketCount))
        return .fresh(Ticket(key: key, number: ticketCount))
    }

    /// Keeps the answer, where it is one to keep (or `evenFailed`); else abandons.
    mutating func finish(
        _ ticket: Ticket,
        _ response: Response,
        evenFailed: Bool = false,
        now: UInt64
    ) {
        guard var entry = take(ticket) else { return }
        guard evenFailed || IdempotencyTable.isFinal(response),
            let size = IdempotencyTable.size(ticket.key, entry.fingerprint, response),
            size <= bytesMax, keysMax > 0
        else { return }
        entry.state = .answered(response, at: now, bytes: size)
        entries[ticket.key] = entry
        order[next] = ticket.key
        next += 1
        bytes += size
        while order.count > keysMax || bytes > bytesMax { dropOldest() }
    }

    /// Forgets the request: the next one with its key does the work.
    mutating func abandon(_ ticket: Ticket) { _ = take(ticket) }

    private mutating func take(_ ticket: Ticket) -> Entry? {
        guard let entry = entries[ticket.key], case .atWork(ticket.number) = entry.state else {
            return nil
        }
        entries[ticket.key] = nil
        return entry
    }

    private mutating func dropExpired(_ now: UInt64) {
        while let key = order[oldest], case .answered(_, let at, _)? = entries[key]?.state,
            now >= at, now - at >= lifetimeNanoseconds
        {
            dropOldest()
        }
    }

    private mutating func dropOldest() {
        guard let key = order.removeValue(forKey: oldest) else { return }
        oldest += 1
        guard let entry = entries.removeValue(forKey: key) else { return }
        if case .answered(_, _, let size) = entry.state { bytes -= size }
    }

    /// Whether another try cannot do better, as it may after the server's failures, when a mailbox
    /// is full now, and where it was not allowed: what a token covers changes with names.
    private static func isFinal(_ response: Response) -> Bool {
        response.status < 500 && ![401, 403, 429].contains(response.status)
    }

    /// What an answer costs, or nil for a stream, which cannot be given twice.
    private static func size(
        _ key: String,
        _ fingerprint: Fingerprint,
        _ response: Response
    ) -> Int? {
        var size = key.utf8.count + fingerprint.path.utf8.count + Fingerprint.bodyBytes
        for field in response.headers.fields {
            size += field.name.utf8.count + field.value.utf8.count
        }
        switch response.body {
        case .none: return size
        case .bytes(let bytes): return size + bytes.count
        case .stream: return nil
        }
    }
}
