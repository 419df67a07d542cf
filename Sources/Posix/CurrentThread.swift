import Glibc

/// The thread that asks.
package enum CurrentThread {
    /// A number no other living thread has; a register read.
    ///
    /// Source: pthread_self(3).
    package static var number: UInt64 { UInt64(pthread_self()) }
}
