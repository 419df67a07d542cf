/// How often each peer may fail to log in: a burst, and then one failure in each interval.
///
/// Peers share nothing, so that one who guesses is no other's burden. There are at most `peersMax`
/// of them here; when more come, the one that is nearest to its whole burst is forgotten. A value:
/// no lock, no clock.
struct AttemptLimiter: Sendable {
    private let burst: UInt64
    private let intervalNanoseconds: UInt64
    private let peersMax: Int
    /// When each peer would have its whole burst again: as many intervals ahead as it has used up.
    private var restedAt: [String: UInt64] = [:]

    init(burst: Int, intervalNanoseconds: UInt64, peersMax: Int) {
        self.burst = UInt64(burst)
        self.intervalNanoseconds = intervalNanoseconds
        self.peersMax = peersMax
    }

    var peerCount: Int { restedAt.count }

    /// Counts one failure of a peer; false, counting nothing, where it is one too many.
    mutating func admit(_ peer: String, now: UInt64) -> Bool {
        let rested = max(restedAt[peer] ?? 0, now)
        guard rested - now <= (burst - 1) * intervalNanoseconds else { return false }
        if restedAt[peer] == nil, restedAt.count >= peersMax { makeRoom(now) }
        restedAt[peer] = rested + intervalNanoseconds
        return true
    }

    private mutating func makeRoom(_ now: UInt64) {
        restedAt = restedAt.filter { $0.value > now }
        while restedAt.count >= peersMax, let first = restedAt.min(by: { $0.value < $1.value }) {
            restedAt[first.key] = nil
        }
    }
}
