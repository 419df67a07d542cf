// What this machine's owner set up outside of our own configuration.

import Glibc

/// The environment the program was started with.
package enum Environment {
    /// The value of a variable, or nil where it is not set.
    ///
    /// Nobody in this program changes the environment, so any thread may ask.
    /// Source: getenv(3), MT-Safe env.
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

extension FileDescriptor {
    /// Opens a file of the machine, such as `/etc/localtime`, for reading.
    ///
    /// Links are followed wherever they lead, so `path` is never something a tenant chose: those go
    /// through `Directory`. Never blocks on a FIFO. Source: open(2).
    package static func reading(path: String) throws(Errno) -> FileDescriptor {
        FileDescriptor(
            taking: try SystemCall.run {
                unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            }
        )
    }

    /// The text of a small file of the kernel's, which comes in one read; nil when there is none.
    func shortText() -> String? {
        unsafe withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            guard case .bytes(let count)? = try? unsafe read(into: buffer) else { return nil }
            return unsafe String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }
}
