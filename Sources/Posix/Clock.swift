import CLinux
import Glibc

/// The two clocks, read in one place; everything above gets the time as a parameter.
package enum SystemTime {
    /// Nanoseconds since some fixed moment; never steps back.
    ///
    /// Source: clock_gettime(2), CLOCK_MONOTONIC.
    package static func monotonicNanoseconds() -> UInt64 {
        read(CLOCK_MONOTONIC)
    }

    /// Nanoseconds since 1970-01-01 UTC.
    package static func wallNanoseconds() -> UInt64 {
        read(CLOCK_REALTIME)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        let status = unsafe clock_gettime(clock, &time)
        precondition(status == 0, "clock_gettime cannot fail for a clock that exists")
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// How much CPU time a thread has had.
package struct ProcessorClock: Sendable {
    let id: clockid_t

    /// Nanoseconds so far; zero once the thread has ended.
    package var nanoseconds: UInt64 {
        var time = timespec()
        guard unsafe clock_gettime(id, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Bytes from the kernel's random source.
package enum SystemRandom {
    /// A number nobody can guess.
    ///
    /// Source: getrandom(2); for up to 256 bytes it neither fails nor returns short.
    package static func next() -> UInt64 {
        cl_random()
    }
}
