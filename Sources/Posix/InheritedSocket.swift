// Listening sockets that another program opened and left to us, as systemd does.

import Glibc

/// Where an inherited listening socket listens.
package enum InheritedSocket: Sendable, Equatable {
    case internet(SocketAddress)
    case unix

    /// Looks at the descriptor `number` without taking it.
    ///
    /// Throws `badDescriptor` where it is not open, `notSocket`, and `invalidArgument` for a socket
    /// that does not listen for streams. Source: sd_listen_fds(3), socket(7).
    package init(_ number: Int32) throws(Errno) {
        // A number that somebody typed: not open is no bug of ours, so no funnel.
        guard number >= 0, fcntl(number, F_GETFD) != -1 else { throw .badDescriptor }
        guard try Self.option(number, SO_ACCEPTCONN) == 1,
            try Self.option(number, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
        else { throw .invalidArgument }
        switch try Self.option(number, SO_DOMAIN) {
        case AF_UNIX: self = .unix
        case AF_INET, AF_INET6: self = .internet(try FileDescriptor.localAddress(of: number))
        default: throw .invalidArgument
        }
    }

    private static func option(_ number: Int32, _ name: Int32) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try SystemCall.run { unsafe getsockopt(number, SOL_SOCKET, name, &value, &size) }
        return value
    }
}

extension FileDescriptor {
    /// Takes over an inherited socket: nonblocking and closed on exec from now on.
    package static func inherited(_ number: Int32) throws(Errno) -> FileDescriptor {
        let flags = try SystemCall.run { fcntl(number, F_GETFL) }
        try SystemCall.run { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        try SystemCall.run { fcntl(number, F_SETFD, FD_CLOEXEC) }
        return FileDescriptor(taking: number)
    }

    /// Another descriptor for the same open file or socket, closed on exec.
    package func duplicate() throws(Errno) -> FileDescriptor {
        FileDescriptor(taking: try SystemCall.run { fcntl(number, F_DUPFD_CLOEXEC, 0) })
    }
}
