// What all connections of a server share.

import HTTP
import Logging
import Synchronization

/// The server's handler, limits and counts; safe to use from any thread.
final class ServerServices: Sendable {
    let handler: any Handler
    let limits: ConnectionLimits
    let ledger: PeerLedger
    let streamLedger: PeerLedger
    /// How often each of the server's own refusals was given, by its code.
    private let refusals = Mutex<[String: UInt64]>([:])
    let notices: Notices
    /// Bytes of heads that HTTP/2 connections hold; relaxed, a count orders nothing.
    private let headBytes = Atomic<Int>(0)
    private let headsBytesMax: Int
    /// Set once; read relaxed: a connection that misses it by a moment is told by its loop.
    private let draining = Atomic<Bool>(false)

    init(_ configuration: ServerConfiguration, handler: any Handler, logger: Logger) {
        self.handler = handler
        notices = Notices(logger)
        limits = configuration.limits
        headsBytesMax = configuration.headsBytesMax
        ledger = PeerLedger(
            max: configuration.connectionsMax,
            perPeerMax: configuration.connectionsPerPeerMax
        )
        streamLedger = PeerLedger(
            max: .max,
            perPeerMax: configuration.streamsPerPeerMax
        )
    }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDraining() { draining.store(true, ordering: .relaxed) }

    /// Whether a connection may hold a head of so many bytes more.
    func hasRoom(forHead bytes: Int) -> Bool {
        headBytes.load(ordering: .relaxed) + bytes <= headsBytesMax
    }

    /// A head is held, or, with a negative count, no longer.
    func holdHead(_ bytes: Int) { headBytes.add(bytes, ordering: .relaxed) }

    /// The server's own refusals so far, by code.
    var refusalCounts: [String: UInt64] { refusals.withLock { $0 } }

    /// Counts a refusal.
    func note(_ fault: Fault) { refusals.withLock { $0[fault.code, default: 0] += 1 } }

    /// The answer to what the server refuses by itself; it counts as given.
    func refusal(_ fault: Fault, of request: Request?) -> Response {
        note(fault)
        return handler.refuse(fault, of: request)
    }

    /// A refusal in place of an answer, which it counts for.
    func refusal(_ fault: Fault, insteadOf answer: Response) -> Response {
        note(fault)
        return handler.refuse(fault, insteadOf: answer)
    }
}
