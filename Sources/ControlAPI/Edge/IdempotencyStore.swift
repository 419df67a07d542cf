import Access
import HTTP
import HTTPServer
import Synchronization

/// The `Idempotency-Key`s of all requests; asked before an endpoint runs.
///
/// Any thread may call. Its lock is a leaf: nothing is called while it is held.
final class IdempotencyStore: Sendable {
    /// Where a request goes on.
    enum Outcome: Sendable {
        /// To the endpoint; the claim, if there is a key, goes along.
        case proceed(IdempotencyClaim?)
        /// To nobody: it has been answered before.
        case replay(Response)
    }

    private let table: Mutex<IdempotencyTable>
    private let now: @Sendable () -> UInt64

    /// Makes an empty store; `now` is the monotonic time in nanoseconds.
    init(_ configuration: ControlConfiguration, now: @escaping @Sendable () -> UInt64) {
        table = Mutex(
            IdempotencyTable(
                keysMax: configuration.idempotencyKeysMax,
                bytesMax: configuration.idempotencyBytesMax,
                lifetimeNanoseconds: configuration.idempotencyNanoseconds
            )
        )
        self.now = now
    }

    /// Looks at the request's key; throws where it cannot be one, is at work, or is another's.
    ///
    /// Each token has keys of its own, in whichever session, as long as it allows the same; what it
    /// got when it allowed more is not given again. Without tokens all clients share the keys.
    func begin(
        _ request: Request,
        _ body: [UInt8],
        for identity: Identity?
    ) throws(Problem) -> Outcome {
        guard var key = request.headers["Idempotency-Key"] else { return .proceed(nil) }
        let keys = request.headers.all("Idempotency-Key")
        guard keys.count == 1, IdempotencyStore.isKey(key) else { throw .badIdempotencyKey() }
        // Each with the same number of digits before it.
        if let identity { key = identity.token.grant.hexadecimal + key }
        let fingerprint = IdempotencyTable.Fingerprint(
            method: request.method,
            path: request.path,
            body: body
        )
        let now = self.now()
        switch table.withLock({ $0.begin(key, fingerprint, now: now) }) {
        case .fresh(let ticket): return .proceed(IdempotencyClaim(self, ticket))
        case .replay(var response):
            response.headers.set("Idempotency-Replayed", "true")
            return .replay(response)
        case .inProgress: throw .idempotencyInProgress()
        case .reused: throw .idempotencyKeyReused()
        }
    }

    fileprivate func finish(
        _ ticket: IdempotencyTable.Ticket,
        _ response: Response,
        evenFailed: Bool
    ) {
        let now = self.now()
        table.withLock { $0.finish(ticket, response, evenFailed: evenFailed, now: now) }
    }

    fileprivate func abandon(_ ticket: IdempotencyTable.Ticket) {
        table.withLock { $0.abandon(ticket) }
    }

    /// Whether a key is 1 to 255 printable ASCII characters.
    private static func isKey(_ key: String) -> Bool {
        (1...255).contains(key.utf8.count) && key.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

/// One request's hold on its key, ended once: by the answer, or by being released without one.
///
/// Released without one means that nobody will answer any more (the client went away, and the work
/// was stopped), so the key is free for a retry. An exchange treats its own release the same way.
final class IdempotencyClaim: Sendable {
    private let store: IdempotencyStore
    private let ticket: Mutex<IdempotencyTable.Ticket?>

    init(_ store: IdempotencyStore, _ ticket: IdempotencyTable.Ticket) {
        self.store = store
        self.ticket = Mutex(ticket)
    }

    deinit {
        if let ticket = ticket.withLock({ $0.take() }) { store.abandon(ticket) }
    }

    /// Keeps the answer for retries; the first call counts.
    ///
    /// `evenFailed` keeps a failure, too, after which another try would do the work twice.
    func finish(_ response: Response, evenFailed: Bool = false) {
        if let ticket = ticket.withLock({ $0.take() }) {
            store.finish(ticket, response, evenFailed: evenFailed)
        }
    }

    /// A claim that goes on where this one ends; nil where it has ended already.
    func handOver() -> IdempotencyClaim? {
        ticket.withLock { $0.take() }.map { IdempotencyClaim(store, $0) }
    }
}
