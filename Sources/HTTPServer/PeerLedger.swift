import Synchronization

/// Counts what is open, in all and by peer: connections, streams.
final class PeerLedger: Sendable {
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
