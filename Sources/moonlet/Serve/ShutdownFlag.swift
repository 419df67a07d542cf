import Synchronization

/// A flag raised by one thread and seen by another: that the server is shut down.
final class ShutdownFlag: Sendable {
    private let up = Atomic<Bool>(false)

    /// Releasing, for `isUp`: who sees the flag sees all that was done before it was raised.
    func raise() { up.store(true, ordering: .releasing) }

    /// Acquiring, from `raise`: without it the main thread might end the program before what the
    /// shutdown wrote is there to be seen.
    var isUp: Bool { up.load(ordering: .acquiring) }
}
