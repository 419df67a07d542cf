/// Bounds how often something happens: `burst` times at once, `perSecond` times in the long run.
///
/// Kept as one moment: when the bucket will be full again. Taking a token moves it on by the time one
/// token takes to come back.
struct TokenBucket {
    private let tokenNanoseconds: UInt64
    private let burst: UInt64
    private var fullAt: UInt64 = 0

    init(_ rate: HTTP2Limits.Rate) {
        precondition(rate.burst > 0 && rate.perSecond > 0, "a rate is positive")
        tokenNanoseconds = 1_000_000_000 / UInt64(rate.perSecond)
        burst = UInt64(rate.burst)
    }

    /// Takes one token; false if there is none.
    mutating func take(now: UInt64) -> Bool {
        let from = max(fullAt, now)
        guard from - now <= (burst - 1) * tokenNanoseconds else { return false }
        fullAt = from + tokenNanoseconds
        return true
    }

    /// Puts tokens back, as many as there is room for.
    mutating func give(_ count: Int) {
        let gain = UInt64(count) * tokenNanoseconds
        fullAt = fullAt > gain ? fullAt - gain : 0
    }
}
