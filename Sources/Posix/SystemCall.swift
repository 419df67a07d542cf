// The funnel every call of this module goes through.
//
// It reads `errno` before anything else can run, tries again after EINTR, answers would-block as a
// value, and traps on EBADF and EFAULT: those mean that this program used a descriptor it had
// closed or a pointer it had freed, and going on would hit a stranger's descriptor.

/// What moved in one read or write.
package enum Transfer: Equatable, Sendable {
    /// So many bytes; 0 from a read means the peer has sent all it will.
    case bytes(Int)
    /// Nothing could move now; wait for readiness (EAGAIN).
    case wouldBlock
}

enum SystemCall {
    /// Runs a call that answers -1 and sets `errno` when it fails.
    ///
    /// Throws every error but EINTR, which is tried again.
    @inline(__always) @discardableResult
    static func run<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
        while true {
            let result = call()
            if result != -1 { return result }
            let error = Errno.current
            if error == .interrupted { continue }
            check(error)
            throw error
        }
    }

    /// Runs a call that moves bytes; a descriptor that isn't ready is a value.
    @inline(__always)
    static func transfer(_ call: () -> Int) throws(Errno) -> Transfer {
        while true {
            let count = call()
            if count >= 0 { return .bytes(count) }
            let error = Errno.current
            if error == .interrupted { continue }
            if error == .wouldBlock { return .wouldBlock }
            check(error)
            throw error
        }
    }

    /// Traps on what only a bug of ours can cause.
    static func check(_ error: Errno) {
        precondition(error != .badDescriptor, "a system call met a closed descriptor")
        precondition(error != .badAddress, "a system call met a bad pointer")
    }
}
