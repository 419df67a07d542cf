/// How much one process may log: a bucket of bytes, refilled with time.
///
/// A script that prints without end must not fill the disk nor hold up a worker; what is left out is
/// counted and told with the next line that passes.
struct LogLimiter {
    /// Bytes a second, and at once.
    static let bytesPerSecond = 64 * 1_024
    /// Longer lines are cut.
    static let lineBytesMax = 8 * 1_024

    private var tokens = LogLimiter.bytesPerSecond
    private var refilledAt: UInt64 = 0
    private var dropped = 0

    enum Verdict: Equatable {
        case drop
        /// Log it; so many lines were left out before.
        case pass(dropped: Int)
    }

    /// Decides about a line of `bytes` at `now` (monotonic nanoseconds).
    mutating func admit(bytes: Int, now: UInt64) -> Verdict {
        let elapsed = now &- refilledAt
        if elapsed > 0 {
            let refill = min(elapsed / 1_000, 1_000_000) * UInt64(Self.bytesPerSecond) / 1_000_000
            tokens = min(tokens + Int(refill), Self.bytesPerSecond)
            refilledAt = now
        }
        let cost = min(bytes, Self.lineBytesMax) + 64
        guard tokens >= cost else {
            dropped += 1
            return .drop
        }
        tokens -= cost
        defer { dropped = 0 }
        return .pass(dropped: dropped)
    }
}
