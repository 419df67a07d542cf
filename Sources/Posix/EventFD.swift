// eventfd(2): wakes a thread that waits in a poller or in `wait`.

import CLinux
import Glibc

/// A flag that a poller can wait for: any thread raises it, one thread lowers it.
@safe
package struct EventFD: ~Copyable, Sendable {
    package let descriptor: FileDescriptor

    /// Makes a lowered flag; throws exhaustion.
    package init() throws(Errno) {
        let flags = Int32(O_CLOEXEC | O_NONBLOCK)
        descriptor = FileDescriptor(taking: try SystemCall.run { eventfd(0, flags) })
    }

    /// Raises the flag; raising a raised flag does nothing more.
    package func raise() {
        // EAGAIN means that the counter is at its maximum: it is raised already. No other error
        // can come from a valid eventfd.
        _ = try? unsafe withUnsafeBytes(of: UInt64(1)) { unsafe try descriptor.write($0) }
    }

    /// Lowers the flag; says whether it was raised.
    @discardableResult
    package func lower() -> Bool {
        var count: UInt64 = 0
        let transfer = try? unsafe withUnsafeMutableBytes(of: &count) {
            unsafe try descriptor.read(into: $0)
        }
        return transfer == .bytes(8)
    }

    /// Waits for the flag and lowers it.
    ///
    /// Answers false when `timeoutMilliseconds` passed first; negative waits for ever.
    package func wait(timeoutMilliseconds: Int32) -> Bool {
        _ = try? descriptor.waitReadable(timeoutMilliseconds: timeoutMilliseconds)
        return lower()
    }
}
