// Sockets that are files: only programs of this machine reach them, and file permissions say which.

import CLinux
import Glibc

extension FileDescriptor {
    /// Opens a listening socket at a path, nonblocking and closed on exec.
    ///
    /// The file gets exactly the permission bits of `mode`, and never has more. A socket whose server
    /// is gone is replaced; of those who try at once, one is served. Throws `addressInUse` where a
    /// server listens there, `exists` where the file is no socket, `nameTooLong` past 107 bytes,
    /// `accessDenied`, `noSuchFile` for the folder, exhaustion. Source: unix(7).
    package static func listening(
        atPath path: String,
        mode: UInt32,
        backlog: Int32 = 1024
    ) throws(Errno) -> FileDescriptor {
        let address = try UnixAddress(path)
        let socket = try address.socket()
        let number = socket.number
        // From the bind to the listen a socket looks dead: nobody else may judge it then.
        try PathLock.hold(path) { () throws(Errno) in
            // The kernel makes the file with these bits, less the umask; the umask's are given after.
            try SystemCall.run { fchmod(number, mode) }
            try address.claim(for: socket)
            try SystemCall.run { unsafe chmod(path, mode) }
            try SystemCall.run { listen(number, backlog) }
        }
        return socket
    }

    /// Connects to the socket at a path; later reads and writes block for at most the timeout.
    ///
    /// Throws `connectionRefused` where its server is gone, `noSuchFile`, and others of connect(2).
    package static func connected(
        toPath path: String,
        timeoutMilliseconds: Int32
    ) throws(Errno) -> FileDescriptor {
        let address = try UnixAddress(path)
        let socket = try address.socket()
        try address.connect(socket)
        try socket.block(timeoutMilliseconds: timeoutMilliseconds)
        return socket
    }
}

/// Who made a socket's file: to remove that one and no other.
package struct SocketFile: Sendable, Equatable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    /// The socket at a path now; nil where there is none.
    package init?(path: String) {
        var info = stat()
        guard unsafe lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFSOCK else { return nil }
        self.path = path
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
    }

    /// Removes the file, unless another has taken its place.
    package func remove() {
        guard SocketFile(path: path) == self else { return }
        _ = unsafe unlink(path)
    }
}

/// A path as the kernel takes it.
private struct UnixAddress {
    private let path: String
    private let bytes: [UInt8]

    init(_ path: String) throws(Errno) {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalidArgument }
        guard path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
            throw .nameTooLong
        }
        self.path = path
        let family = sa_family_t(AF_UNIX)
        bytes = [UInt8(truncatingIfNeeded: family), UInt8(family >> 8)] + Array(path.utf8) + [0]
    }

    func socket() throws(Errno) -> FileDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        return FileDescriptor(
            taking: try SystemCall.run { Glibc.socket(AF_UNIX, Int32(kind), 0) }
        )
    }

    private func bind(_ socket: borrowing FileDescriptor) throws(Errno) {
        let number = socket.number
        try unsafe withKernelForm { (address, length) throws(Errno) in
            _ = try SystemCall.run { unsafe Glibc.bind(number, address, length) }
        }
    }

    /// Binds, taking the place of a server that is gone.
    func claim(for socket: borrowing FileDescriptor) throws(Errno) {
        do throws(Errno) {
            try bind(socket)
        } catch {
            guard error == .addressInUse else { throw error }
            try removeIfDead()
            try bind(socket)
        }
    }

    func connect(_ socket: borrowing FileDescriptor) throws(Errno) {
        let number = socket.number
        try unsafe withKernelForm { (address, length) throws(Errno) in
            _ = try SystemCall.run { unsafe Glibc.connect(number, address, length) }
        }
    }

    /// Removes the file of a server that is gone; throws `addressInUse` or `exists` where it is not.
    private func removeIfDead() throws(Errno) {
        guard let file = SocketFile(path: path) else { throw .exists }
        do throws(Errno) {
            try connect(try socket())
            throw .addressInUse
        } catch {
            // Any other outcome (its backlog is full, it is not for us) means that somebody is there.
            guard error == .connectionRefused else { throw .addressInUse }
        }
        file.remove()
    }

    private func withKernelForm(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
    ) throws(Errno) {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(Errno) in
            // SAFETY: the bytes begin as every sockaddr does, and live during the call; the kernel
            // looks at no more than the length.
            guard let base = buffer.baseAddress else { throw .invalidArgument }
            try unsafe body(
                UnsafeRawPointer(base).assumingMemoryBound(to: sockaddr.self),
                socklen_t(buffer.count)
            )
        }
    }
}
