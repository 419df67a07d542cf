import Posix

/// Wake-ups of workers that a thread outside the pool keeps back while it does several things at once.
///
/// A loop thread takes what dozens of clients sent in one go. If it woke a worker for the first of
/// many messages to one process, the worker would find one message, park, and be woken again for the
/// next: a wake-up, which takes longer than the rest of such a request, for each message. Kept back
/// to the end of the round it is one for all of them. Those who have `heldMax` processes to run are
/// woken at once: then there is work for another core, and a worker that runs finds the rest itself.
struct WakeBatch {
    /// Of the calling thread: the pool's number and one more than how many are kept back; zero
    /// outside of a batch.
    private static let ofThread = ThreadNumber()

    static let heldMax = 8

    static func begin(_ pool: Int) { ofThread.set(pool << 32 | 1) }

    /// Whether a wake-up is to be kept back; counts it then.
    static func holds(_ pool: Int) -> Bool {
        let value = ofThread.value
        guard value >> 32 == pool, value & 0xFFFF_FFFF <= heldMax else { return false }
        ofThread.set(value + 1)
        return true
    }

    /// Ends the batch; says how many wake-ups were kept back.
    static func end(_ pool: Int) -> Int {
        let value = ofThread.value
        guard value >> 32 == pool else { return 0 }
        ofThread.set(0)
        return value & 0xFFFF_FFFF - 1
    }
}
