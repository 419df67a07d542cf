// TCP sockets: listen, accept, connect, and what a connection does with its descriptor.

import CLinux
import Glibc

extension FileDescriptor {
    /// Opens a listening TCP socket, nonblocking and closed on exec.
    ///
    /// Port 0 picks a free one: see `localAddress`. `sharedPort` lets several sockets of one
    /// program listen on the port, the kernel spreading connections over them (SO_REUSEPORT).
    /// Throws `addressInUse`, `addressNotAvailable`, `accessDenied`, exhaustion. Source: socket(7),
    /// ip(7), ipv6(7).
    package static func listening(
        on address: SocketAddress,
        backlog: Int32 = 1024,
        sharedPort: Bool = false
    ) throws(Errno) -> FileDescriptor {
        let socket = try stream(for: address)
        try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        if sharedPort { try socket.setOption(SOL_SOCKET, SO_REUSEPORT, 1) }
        // An IPv6 socket is for IPv6 only: `[::]` and `0.0.0.0` can then be listened on together.
        if address.isIPv6 { try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        let number = socket.number
        try unsafe address.withKernelForm { (pointer, length) throws(Errno) in
            _ = try SystemCall.run { unsafe bind(number, pointer, length) }
        }
        try SystemCall.run { listen(number, backlog) }
        return socket
    }

    /// Takes the next waiting connection, nonblocking and closed on exec.
    ///
    /// Answers nil when none waits. Throws exhaustion, and errors of the connection itself
    /// (`connectionAborted`), after which the next call may succeed. Source: accept(2).
    package func accept() throws(Errno) -> AcceptedSocket? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        // SAFETY: the kernel writes at most `length` bytes into the storage.
        let transfer = try unsafe withUnsafeMutablePointer(to: &storage) {
            pointer throws(Errno) -> Transfer in
            try SystemCall.transfer { unsafe Int(cl_accept4(number, pointer, &length, flags)) }
        }
        guard case .bytes(let accepted) = transfer else { return nil }
        let descriptor = FileDescriptor(taking: Int32(accepted))
        return AcceptedSocket(descriptor: descriptor, peer: Self.address(in: &storage))
    }

    /// Connects, blocking for at most `timeoutMilliseconds`; later reads and writes block as long.
    ///
    /// Throws `connectionRefused`, `timedOut`, and others of connect(2). A read or `send` that
    /// takes longer than the timeout answers `.wouldBlock`.
    package static func connected(
        to address: SocketAddress,
        timeoutMilliseconds: Int32
    ) throws(Errno) -> FileDescriptor {
        let socket = try stream(for: address)
        let number = socket.number
        do {
            try unsafe address.withKernelForm { (pointer, length) throws(Errno) in
                _ = try SystemCall.run { unsafe connect(number, pointer, length) }
            }
        } catch {
            guard error == .inProgress else { throw error }
            let events = Int16(POLLOUT)
            guard try socket.wait(for: events, timeoutMilliseconds: timeoutMilliseconds) else {
                throw .timedOut
            }
            let failure = try socket.option(SOL_SOCKET, SO_ERROR)
            if failure != 0 { throw Errno(failure) }
        }
        try socket.block(timeoutMilliseconds: timeoutMilliseconds)
        try socket.setNoDelay()
        return socket
    }

    /// Sends up to `bytes.count` bytes; a closed peer is an error, never a signal (MSG_NOSIGNAL).
    ///
    /// Throws `brokenPipe`, `connectionReset`. Source: send(2).
    package func send(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Transfer {
        // SAFETY: the caller's bytes are valid for their count while we run.
        try SystemCall.transfer {
            unsafe Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Says that nothing more will be sent (FIN); reading goes on.
    ///
    /// A peer that is gone already is no error. Source: shutdown(2).
    package func shutdownSending() throws(Errno) {
        do {
            try SystemCall.run { shutdown(number, Int32(SHUT_WR)) }
        } catch {
            guard error == .notConnected else { throw error }
        }
    }

    /// Sends small segments at once (TCP_NODELAY): we coalesce writes ourselves.
    package func setNoDelay() throws(Errno) {
        try setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Makes the close abort the connection with an RST instead of a FIN.
    package func setAbortOnClose() throws(Errno) {
        var value = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        try SystemCall.run { unsafe setsockopt(number, SOL_SOCKET, SO_LINGER, &value, size) }
    }

    /// The kernel's buffer for bytes not yet sent (SO_SNDBUF) or not yet read (SO_RCVBUF).
    package func setBuffers(sendBytes: Int32? = nil, receiveBytes: Int32? = nil) throws(Errno) {
        if let sendBytes { try setOption(SOL_SOCKET, SO_SNDBUF, sendBytes) }
        if let receiveBytes { try setOption(SOL_SOCKET, SO_RCVBUF, receiveBytes) }
    }

    /// The address a listening or connected socket has here; with the port the kernel picked.
    package func localAddress() throws(Errno) -> SocketAddress {
        try Self.localAddress(of: number)
    }

    static func localAddress(of number: Int32) throws(Errno) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the kernel writes at most `length` bytes into the storage.
        try unsafe withUnsafeMutablePointer(to: &storage) { pointer throws(Errno) in
            let address = unsafe UnsafeMutableRawPointer(pointer)
                .assumingMemoryBound(to: sockaddr.self)
            _ = try SystemCall.run { unsafe getsockname(number, address, &length) }
        }
        guard let address = Self.address(in: &storage) else { throw .invalidArgument }
        return address
    }

    private static func stream(for address: SocketAddress) throws(Errno) -> FileDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        return FileDescriptor(taking: try SystemCall.run { socket(family, Int32(kind), 0) })
    }

    /// Makes reads and writes wait, but only so long.
    func block(timeoutMilliseconds: Int32) throws(Errno) {
        let flags = try SystemCall.run { fcntl(number, F_GETFL) }
        try SystemCall.run { fcntl(number, F_SETFL, flags & ~O_NONBLOCK) }
        try setTimeouts(milliseconds: timeoutMilliseconds)
    }

    private func setTimeouts(milliseconds: Int32) throws(Errno) {
        var value = timeval(
            tv_sec: Int(milliseconds) / 1_000,
            tv_usec: Int(milliseconds) % 1_000 * 1_000
        )
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            try SystemCall.run { unsafe setsockopt(number, SOL_SOCKET, option, &value, size) }
        }
    }

    private func setOption(_ level: Int32, _ name: Int32, _ value: Int32) throws(Errno) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        try SystemCall.run { unsafe setsockopt(number, level, name, &value, size) }
    }

    private func option(_ level: Int32, _ name: Int32) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try SystemCall.run { unsafe getsockopt(number, level, name, &value, &size) }
        return value
    }

    private static func address(in storage: inout sockaddr_storage) -> SocketAddress? {
        // SAFETY: sockaddr_storage begins as every sockaddr does.
        unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe SocketAddress(
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            )
        }
    }
}

/// A connection as `accept` took it.
package struct AcceptedSocket: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// The client's address; nil where the kernel did not say.
    package let peer: SocketAddress?

    package init(descriptor: consuming FileDescriptor, peer: SocketAddress?) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// Splits off the descriptor.
    package consuming func take() -> FileDescriptor { descriptor }
}
