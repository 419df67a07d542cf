// A descriptor with one owner.

import Glibc

/// An open descriptor: closed when its owner lets go of it, never twice.
///
/// Reads and writes are for one thread at a time, as the owner arranges; the descriptor itself may
/// be used from any thread.
@safe
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for epoll and for messages; don't close it.
    package let number: Int32

    /// Takes over an open descriptor: nobody else may close it.
    package init(taking number: Int32) {
        precondition(number >= 0, "a descriptor is not negative")
        self.number = number
    }

    deinit {
        // EINTR after close(2) on Linux means closed all the same: never again. Other errors are
        // about data that no one here could save.
        _ = Glibc.close(number)
    }

    /// Closes now.
    package consuming func close() {}

    /// Reads up to `buffer.count` bytes.
    ///
    /// Answers `.bytes(0)` at the end. Source: read(2).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Transfer {
        // SAFETY: the caller's buffer is valid for its count while we run.
        try SystemCall.transfer {
            unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
        }
    }

    /// Writes up to `bytes.count` bytes to a file, pipe or eventfd; sockets use `send`.
    ///
    /// Source: write(2).
    package func write(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Transfer {
        // SAFETY: the caller's bytes are valid for their count while we run.
        try SystemCall.transfer {
            unsafe Glibc.write(number, bytes.baseAddress, bytes.count)
        }
    }

    /// Waits until the descriptor is readable (or has failed, or is at its end).
    ///
    /// Answers false once `timeoutMilliseconds` have passed; negative waits for ever. Source:
    /// poll(2).
    package func waitReadable(timeoutMilliseconds: Int32) throws(Errno) -> Bool {
        try wait(for: Int16(POLLIN), timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Waits until the descriptor is writable (or has failed).
    ///
    /// Answers false once `timeoutMilliseconds` have passed; negative waits for ever. Source:
    /// poll(2).
    package func waitWritable(timeoutMilliseconds: Int32) throws(Errno) -> Bool {
        try wait(for: Int16(POLLOUT), timeoutMilliseconds: timeoutMilliseconds)
    }

    func wait(for events: Int16, timeoutMilliseconds: Int32) throws(Errno) -> Bool {
        var entry = pollfd(fd: number, events: events, revents: 0)
        // An interrupted wait starts again in full: callers bound the whole by their own clock.
        return try SystemCall.run { unsafe poll(&entry, 1, timeoutMilliseconds) } > 0
    }
}
