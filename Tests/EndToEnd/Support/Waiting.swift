// Waiting for conditions, measuring how long things take, starting programs.

import Foundation
import Glibc

/// Asks again and again until `condition` gives a value or the time is over.
func waitFor<Value>(seconds: Double, _ condition: () throws -> Value?) rethrows -> Value? {
    let watch = Stopwatch()
    while true {
        if let value = try condition() { return value }
        if Double(watch.nanoseconds) / 1e9 > seconds { return nil }
        // A pause between two questions, so that the server under test has the processor.
        poll(nil, 0, 2)
    }
}

/// Time since it was made.
struct Stopwatch {
    private let start = Stopwatch.now()

    var nanoseconds: UInt64 { Stopwatch.now() - start }
    var milliseconds: Double { Double(nanoseconds) / 1e6 }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension Process {
    /// Runs it with no signal blocked, as a shell would.
    ///
    /// A child inherits the mask of the thread that starts it, and those tests run on block most.
    func runUnmasked() throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }
}
