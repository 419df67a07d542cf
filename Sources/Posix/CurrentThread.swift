import Glibc

/// The thread that asks.
package enum CurrentThread {
    /// A number no other living thread has; a register read.
    ///
    /// Source: pthread_self(3).
    package static var number: UInt64 { UInt64(pthread_self()) }

    /// The clock of the CPU time that the thread has had, for any thread to read while it lives.
    ///
    /// Source: pthread_getcpuclockid(3), which fails only for threads that are gone.
    package static var processorClock: ProcessorClock {
        var id = clockid_t()
        let status = unsafe pthread_getcpuclockid(pthread_self(), &id)
        precondition(status == 0, "a thread that runs has a clock")
        return ProcessorClock(id: id)
    }
}
