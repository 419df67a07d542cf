// Readiness: which descriptors can be read or written now.
//
// A loop asks a `Poller` so that tests can script what is ready and what fails; `Epoll` is the real
// one.

/// What a descriptor is watched for, or what it is ready for.
package struct Readiness: OptionSet, Sendable, Equatable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
    /// The peer has shut down its sending side: there may still be bytes to read.
    package static let peerHungUp = Readiness(rawValue: 4)
    /// Both directions are shut, or the connection failed; always reported, asked for or not.
    package static let closed = Readiness(rawValue: 8)
}

/// Names one registration: events that were queued for an earlier owner of the number are stale.
///
/// Registration numbers rise with every registration of a poller, so a reused descriptor number
/// never carries the same token.
package struct PollToken: Sendable, Equatable, Hashable {
    package let registration: UInt32
    package let descriptor: Int32

    package init(registration: UInt32, descriptor: Int32) {
        self.registration = registration
        self.descriptor = descriptor
    }

    /// The form that travels through the kernel.
    package init(word: UInt64) {
        registration = UInt32(truncatingIfNeeded: word >> 32)
        descriptor = Int32(truncatingIfNeeded: word)
    }

    package var word: UInt64 {
        UInt64(registration) << 32 | UInt64(UInt32(bitPattern: descriptor))
    }
}

/// One ready descriptor.
package struct PollEvent: Sendable, Equatable {
    package let token: PollToken
    package let readiness: Readiness

    package init(token: PollToken, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}

/// Tells which of the registered descriptors are ready, level-triggered.
///
/// Used by one thread.
package protocol Poller: AnyObject {
    /// Starts watching; throws exhaustion.
    func add(_ token: PollToken, _ interest: Readiness) throws(Errno)
    /// Changes what a watched descriptor is watched for.
    func change(_ token: PollToken, _ interest: Readiness) throws(Errno)
    /// Stops watching; to be called before the descriptor is closed.
    func remove(_ token: PollToken) throws(Errno)
    /// Replaces `events` by what is ready, waiting at most `timeoutMilliseconds` for the first.
    ///
    /// A signal ends the wait early with no events.
    func wait(_ events: inout [PollEvent], timeoutMilliseconds: Int32) throws(Errno)
}
