// Sockets that fail on demand.

import Posix
import Synchronization

@testable import HTTPServer

/// The kernel's sockets, but a script is asked before each call.
final class FaultySockets: SocketLayer, @unchecked Sendable {
    enum Fault {
        case error(Errno)
        case wouldBlock
        /// At most one byte moves.
        case short
    }

    /// Set before the server starts; called on loop threads with the number of the call, from 0.
    var onAcceptCall: @Sendable (Int) -> Fault? = { _ in nil }
    var onReadCall: @Sendable (Int) -> Fault? = { _ in nil }
    var onSendCall: @Sendable (Int) -> Fault? = { _ in nil }
    var onAccept: @Sendable (Int32) -> Void = { _ in }
    private let counts = Mutex((accept: 0, read: 0, send: 0))
    private let real = SystemSockets()

    var acceptCalls: Int { counts.withLock { $0.accept } }
    /// Reads and sends so far.
    var transfers: [Int] { counts.withLock { [$0.read, $0.send] } }

    func accept(_ listener: borrowing FileDescriptor) throws(Errno) -> AcceptedSocket? {
        let index = counts.withLock { counts in
            counts.accept += 1
            return counts.accept - 1
        }
        if case .error(let error)? = onAcceptCall(index) { throw error }
        guard let accepted = try real.accept(listener) else { return nil }
        onAccept(accepted.descriptor.number)
        return accepted
    }

    func read(
        _ socket: borrowing FileDescriptor,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Transfer {
        let index = counts.withLock { counts in
            counts.read += 1
            return counts.read - 1
        }
        switch onReadCall(index) {
        case .error(let error): throw error
        case .wouldBlock: return .wouldBlock
        case .short:
            return try real.read(
                socket,
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<1])
            )
        case nil: return try real.read(socket, into: buffer)
        }
    }

    func send(
        _ socket: borrowing FileDescriptor,
        _ bytes: UnsafeRawBufferPointer
    ) throws(Errno) -> Transfer {
        let index = counts.withLock { counts in
            counts.send += 1
            return counts.send - 1
        }
        switch onSendCall(index) {
        case .error(let error): throw error
        case .wouldBlock: return .wouldBlock
        case .short: return try real.send(socket, UnsafeRawBufferPointer(rebasing: bytes[..<1]))
        case nil: return try real.send(socket, bytes)
        }
    }
}
