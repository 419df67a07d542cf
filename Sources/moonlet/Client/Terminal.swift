// The program's surroundings as client commands see them: output, environment, waiting.

import Glibc
import Posix

enum Terminal {
    private static let output = FileDescriptor(taking: 1)
    private static let errors = FileDescriptor(taking: 2)

    /// Writes text to standard output at once, unbuffered, so that a pipe sees each event.
    static func print(_ text: String) {
        write(Array(text.utf8), to: output)
    }

    /// Writes bytes to standard output, and ends the line if they don't.
    static func print(bytes: [UInt8]) {
        guard let last = bytes.last else { return }
        write(last == 0x0A ? bytes : bytes + [0x0A], to: output)
    }

    /// Writes one line to standard error.
    static func complain(_ line: String) {
        write(Array((line + "\n").utf8), to: errors)
    }

    /// The value of an environment variable; nil where it is not set or empty.
    static func environment(_ name: String) -> String? {
        // SAFETY: nothing in this program changes the environment.
        guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
        return unsafe String(cString: value)
    }

    /// Blocks the thread for `milliseconds`.
    static func pause(milliseconds: Int) {
        var left = milliseconds
        while left > 0 {
            let step = min(left, 900)
            usleep(UInt32(step) * 1_000)
            left -= step
        }
    }

    /// Writes all of `bytes`; where that fails there is nobody left to tell.
    private static func write(_ bytes: [UInt8], to descriptor: borrowing FileDescriptor) {
        var written = 0
        while written < bytes.count {
            let transfer = try? unsafe bytes[written...].withUnsafeBytes { rest in
                try unsafe descriptor.write(rest)
            }
            guard case .bytes(let count) = transfer else { return }
            written += count
        }
    }
}
