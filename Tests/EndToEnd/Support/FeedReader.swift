import Foundation
import Synchronization

/// Follows every event of a server as NDJSON on a thread of its own, breaking off and going on where
/// it was, and keeps account of which processes came and went.
final class FeedReader: Sendable {
    /// What was seen so far.
    struct Account {
        /// The last event's number.
        var sequence: UInt64 = 0
        var events = 0
        var connections = 0
        /// Processes that came and did not end yet.
        var live: Set<UInt64> = []
        var spawned = 0
        var exited = 0
        /// What must not be: a hole, an event twice, an end without a beginning.
        var troubles: [String] = []
        var isOver = false
    }

    private let account = Mutex(Account())
    private let stopping = Atomic<Bool>(false)

    /// Reads from the oldest event on.
    init(_ server: RunningServer, reconnectAfterMilliseconds: Double) {
        Thread.detachNewThread { [self] in
            do {
                var last: String?
                while !stopping.load(ordering: .relaxed) {
                    try follow(server, &last, forMilliseconds: reconnectAfterMilliseconds)
                }
            } catch {
                account.withLock { $0.troubles.append("\(error)") }
            }
            account.withLock { $0.isOver = true }
        }
    }

    var now: Account { account.withLock { $0 } }
    var sequence: UInt64 { account.withLock { $0.sequence } }

    /// Lets the thread end at its next event.
    func stop() { stopping.store(true, ordering: .relaxed) }

    /// One connection, from the event after `last` until its time is over.
    private func follow(
        _ server: RunningServer,
        _ last: inout String?,
        forMilliseconds limit: Double
    ) throws {
        let connection = try RawConnection(server)
        let resume = last.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        try connection.send(
            "GET /v1/events?since=oldest HTTP/1.1\r\nHost: localhost\r\n"
                + "Accept: application/x-ndjson\r\n\(resume)\r\n"
        )
        guard try connection.readHead().status == 200 else { throw WireFailure.nonsense("status") }
        account.withLock { $0.connections += 1 }
        let watch = Stopwatch()
        var pending = ByteQueue()
        while let chunk = try connection.readChunk() {
            pending.append(chunk[...])
            while let line = pending.takeLine() {
                if let id = note(line) { last = id }
            }
            // Wherever in an event the bytes so far end.
            if watch.milliseconds > limit || stopping.load(ordering: .relaxed) { return }
        }
    }

    /// Books an event; returns its id, or nil for what is not an event.
    private func note(_ line: [UInt8]) -> String? {
        // The first members of each event; reading all of its JSON is too slow here.
        guard let id = Self.member("id", of: line), let kind = Self.member("kind", of: line),
            let number = Self.number(after: "-", in: id)
        else { return nil }
        if kind == "hello" { return nil }
        let process = Self.member("from", of: line).flatMap { Self.number(after: ".", in: $0) }
        account.withLock { account in
            if kind == "gap" || kind == "bye" || number != account.sequence + 1 {
                account.troubles.append("\(kind) \(id) after \(account.sequence)")
            }
            account.sequence = number
            account.events += 1
            switch (kind, process) {
            case ("SPAWN", let process?):
                account.spawned += 1
                if !account.live.insert(process).inserted {
                    account.troubles.append("\(process) came twice")
                }
            case ("EXIT", let process?):
                account.exited += 1
                if account.live.remove(process) == nil {
                    account.troubles.append("\(process) ended without having come, or twice")
                }
            default: break
            }
        }
        return id
    }

    /// The text of a member among the first of an event: id, kind, from.
    private static func member(_ name: String, of line: [UInt8]) -> String? {
        String(decoding: line.prefix(200), as: UTF8.self).withCString { head in
            guard let key = strstr(head, "\"\(name)\":\"") else { return nil }
            let start = key + name.utf8.count + 4
            guard let end = strchr(start, 34) else { return nil }
            return String(
                decoding: UnsafeRawBufferPointer(start: start, count: end - start),
                as: UTF8.self
            )
        }
    }

    private static func number(after mark: Character, in text: String) -> UInt64? {
        text.lastIndex(of: mark).flatMap { UInt64(text[text.index(after: $0)...]) }
    }
}
