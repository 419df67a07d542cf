// What a server does with its sockets, as a seam: tests script failures and short writes.

/// Accepts, reads and sends.
///
/// Called by loop threads, never for the same descriptor at once.
package protocol SocketLayer: Sendable {
    func accept(_ listener: borrowing FileDescriptor) throws(Errno) -> AcceptedSocket?
    func read(
        _ socket: borrowing FileDescriptor,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Transfer
    func send(
        _ socket: borrowing FileDescriptor,
        _ bytes: UnsafeRawBufferPointer
    ) throws(Errno) -> Transfer
}

/// The kernel's sockets.
package struct SystemSockets: SocketLayer {
    package init() {}

    package func accept(_ listener: borrowing FileDescriptor) throws(Errno) -> AcceptedSocket? {
        try listener.accept()
    }

    package func read(
        _ socket: borrowing FileDescriptor,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Transfer {
        try unsafe socket.read(into: buffer)
    }

    package func send(
        _ socket: borrowing FileDescriptor,
        _ bytes: UnsafeRawBufferPointer
    ) throws(Errno) -> Transfer {
        try unsafe socket.send(bytes)
    }
}
