// What all connections of a server share.

import HTTP
import Logging
import Posix
import Synchronization

/// The server's handler, limits and counts; safe to use from any thread.
final class ServerServices: Sendable {
    let handler: any Handler
    let limits: ConnectionLimits
    let ledger: ConnectionLedger
    let streamLedger: ConnectionLedger
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
        ledger = ConnectionLedger(
            max: configuration.connectionsMax,
            perPeerMax: configuration.connectionsPerPeerMax
        )
        streamLedger = ConnectionLedger(
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

/// Who a connection counts for: an IPv4 address, or an IPv6 /64, as one subscriber holds all of it.
///
/// Programs of this machine that come by a path have no address. They are many clients of one user, or
/// a proxy with clients of its own, so no limit for a peer holds for them (`isLimited`): the file's
/// permissions say who may, the limits in all say how much.
struct PeerKey: Hashable, Sendable {
    private let word: UInt64
    private let isIPv6: Bool
    /// Whether what it opens is limited beside what all open.
    let isLimited: Bool
    /// The whole address, for people: `127.0.0.1`, `2001:db8::1`; empty where there is none.
    let address: String

    init(_ address: SocketAddress?) {
        let bytes = address?.unmapped ?? []
        word = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        isIPv6 = bytes.count == 16
        isLimited = !bytes.isEmpty
        // An IPv4 address fits into a string without a block of memory.
        self.address = bytes.isEmpty ? "" : address?.unmappedHost ?? ""
    }

    static func == (left: PeerKey, right: PeerKey) -> Bool {
        left.word == right.word && left.isIPv6 == right.isIPv6
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(word)
        hasher.combine(isIPv6)
    }
}

/// Counts what is open, in all and by peer.
final class ConnectionLedger: Sendable {
    private struct Counts {
        var total = 0
        var byPeer: [PeerKey: Int] = [:]
        var onEmpty: (@Sendable () -> Void)?
    }

    private let max: Int
    private let perPeerMax: Int
    private let counts = Mutex(Counts())

    init(max: Int, perPeerMax: Int) {
        self.max = max
        self.perPeerMax = perPeerMax
    }

    /// Counts one more; false, counting nothing, if that were too many.
    func admit(_ peer: PeerKey) -> Bool {
        counts.withLock { counts in
            let ofPeer = counts.byPeer[peer, default: 0]
            guard counts.total < max, !peer.isLimited || ofPeer < perPeerMax else { return false }
            counts.total += 1
            counts.byPeer[peer] = ofPeer + 1
            return true
        }
    }

    /// Counts one less of an admitted peer.
    func release(_ peer: PeerKey) {
        let whenEmpty = counts.withLock { counts -> (@Sendable () -> Void)? in
            guard let ofPeer = counts.byPeer[peer] else { return nil }
            counts.total -= 1
            counts.byPeer[peer] = ofPeer > 1 ? ofPeer - 1 : nil
            return counts.total == 0 ? counts.onEmpty : nil
        }
        whenEmpty?()
    }

    /// Calls `action` whenever the count has fallen to none, on whichever thread did it.
    func onEmpty(_ action: @escaping @Sendable () -> Void) {
        counts.withLock { $0.onEmpty = action }
    }

    var total: Int { counts.withLock { $0.total } }
}
