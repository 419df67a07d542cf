// signalfd(2): signals as something to read, so that no code of ours runs in a handler.

import CLinux
import Glibc

/// Termination and reload requests, readable from a descriptor.
///
/// Made on the main thread before any other thread starts: the signals are blocked in the calling
/// thread, and threads started later inherit that. Source: signalfd(2).
@safe
package struct SignalSource: ~Copyable, Sendable {
    package let descriptor: FileDescriptor

    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangUp = SIGHUP

    /// Blocks `signals` and collects them here; throws exhaustion.
    package init(_ signals: [Int32] = [terminate, interrupt, hangUp]) throws(Errno) {
        var set = sigset_t()
        // SAFETY: the set is a local that the calls only fill and read.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        let status = unsafe pthread_sigmask(Int32(SIG_BLOCK), &set, nil)
        guard status == 0 else { throw Errno(status) }
        let flags = Int32(O_CLOEXEC | O_NONBLOCK)
        descriptor = FileDescriptor(
            taking: try SystemCall.run { unsafe cl_signalfd(&set, flags) }
        )
    }

    /// Takes the next signal's number.
    ///
    /// Answers nil when none came within `timeoutMilliseconds`; negative waits for ever.
    package func next(timeoutMilliseconds: Int32) -> Int32? {
        _ = try? descriptor.waitReadable(timeoutMilliseconds: timeoutMilliseconds)
        // signalfd_siginfo: 128 bytes, the signal's number first.
        var info: InlineArray<32, UInt32> = .init(repeating: 0)
        let transfer = try? unsafe withUnsafeMutableBytes(of: &info) {
            unsafe try descriptor.read(into: $0)
        }
        return transfer == .bytes(128) ? Int32(info[0]) : nil
    }
}
