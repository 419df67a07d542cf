// What the kernel said: an error number as a value that can be thrown, compared and read.

import Glibc

/// A failed system call's error number, or the negative one of a name that was not resolved.
///
/// Source: errno(3), getaddrinfo(3).
package struct Errno: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) {
        self.code = code
    }

    /// The calling thread's `errno`, to be read before anything else can run.
    static var current: Errno { Errno(errno) }

    package static let accessDenied = Errno(EACCES)
    package static let addressInUse = Errno(EADDRINUSE)
    package static let addressNotAvailable = Errno(EADDRNOTAVAIL)
    package static let badAddress = Errno(EFAULT)
    package static let badDescriptor = Errno(EBADF)
    package static let brokenPipe = Errno(EPIPE)
    package static let connectionAborted = Errno(ECONNABORTED)
    package static let connectionRefused = Errno(ECONNREFUSED)
    package static let connectionReset = Errno(ECONNRESET)
    package static let crossDevice = Errno(EXDEV)
    package static let exists = Errno(EEXIST)
    package static let fileTooLarge = Errno(EFBIG)
    /// None of the kernel's: it has no number for a name that nobody knows.
    package static let hostNotFound = Errno(EAI_NONAME)
    package static let inProgress = Errno(EINPROGRESS)
    package static let interrupted = Errno(EINTR)
    package static let invalidArgument = Errno(EINVAL)
    package static let isDirectory = Errno(EISDIR)
    package static let nameTooLong = Errno(ENAMETOOLONG)
    package static let noBufferSpace = Errno(ENOBUFS)
    package static let noMemory = Errno(ENOMEM)
    package static let noSuchDevice = Errno(ENXIO)
    package static let noSuchFile = Errno(ENOENT)
    package static let notConnected = Errno(ENOTCONN)
    package static let notDirectory = Errno(ENOTDIR)
    package static let notImplemented = Errno(ENOSYS)
    package static let notPermitted = Errno(EPERM)
    package static let notSocket = Errno(ENOTSOCK)
    package static let symbolicLinkLoop = Errno(ELOOP)
    package static let timedOut = Errno(ETIMEDOUT)
    package static let tooManyOpenFiles = Errno(EMFILE)
    package static let tooManyOpenFilesInSystem = Errno(ENFILE)
    package static let wouldBlock = Errno(EAGAIN)

    /// Whether the process or the machine has run out of descriptors or memory for sockets.
    ///
    /// Source: accept(2), "EMFILE", "ENFILE", "ENOBUFS, ENOMEM".
    package var isExhaustion: Bool {
        self == .tooManyOpenFiles || self == .tooManyOpenFilesInSystem
            || self == .noBufferSpace || self == .noMemory
    }

    /// The C library's sentence for the number (`No such file or directory`).
    package var message: String {
        if self == .hostNotFound { return "The name cannot be resolved" }
        // SAFETY: glibc (2.32 and later) answers a constant string, or one of this thread, valid
        // until the thread's next strerror.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    package var description: String {
        self == .hostNotFound ? message : "\(message) (errno \(code))"
    }
}
