// What TLS adds to a connection: bytes are opened on their way in and sealed on their way out.

import Posix
import TLS

/// A connection's TLS and what it has sealed and the socket has not taken yet.
///
/// Plain output stays with the connection until there is room for it here, so what waits is counted
/// once, and what was answered in one batch leaves in one write.
final class SecureTransport {
    private let session: TLSSession
    private var sealed = OutputBuffer()

    /// How much is sealed ahead of the socket.
    private static let sealedBytesMax = 65_536

    init(_ session: TLSSession) {
        self.session = session
    }

    /// Sealed bytes that wait for the socket.
    var outputCount: Int { sealed.count }
    /// Whether the peer has more to say before anything of ours can be sent.
    var isHandshaking: Bool { session.isHandshaking }

    /// The name that ALPN settled on, if any.
    var negotiatedProtocol: String? { session.negotiatedProtocol }

    /// Opens bytes that came, and hands what was in them to `take`.
    func receive(
        _ bytes: UnsafeRawBufferPointer,
        room: UnsafeMutableRawBufferPointer,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) -> TLSSession.Received {
        sealed.append { unsafe session.receive(bytes, replies: &$0, room: room, take) }
    }

    /// Seals output and hands it to the socket, as much as it takes now; answers how much it took.
    ///
    /// `isLast` says that nothing follows the output: then the peer is told so. Throws what the
    /// socket says, `brokenPipe` for a session that has failed.
    func send(
        _ output: inout OutputBuffer,
        isLast: Bool,
        to socket: borrowing FileDescriptor,
        by layer: any SocketLayer
    ) throws(Errno) -> Int {
        var total = 0
        while true {
            try seal(&output)
            if isLast, output.isEmpty { sealed.append { session.close(into: &$0) } }
            if sealed.isEmpty { return total }
            total += try sealed.send(to: socket, by: layer)
            if !sealed.isEmpty { return total }
        }
    }

    private func seal(_ output: inout OutputBuffer) throws(Errno) {
        guard !session.isHandshaking else { return }
        while !output.isEmpty, sealed.count < Self.sealedBytesMax {
            do throws(TLSFault) {
                try unsafe output.take(atMost: Self.sealedBytesMax) { bytes throws(TLSFault) in
                    var fault: TLSFault?
                    sealed.append { sealed in
                        do throws(TLSFault) {
                            try unsafe session.send(bytes, into: &sealed)
                        } catch {
                            fault = error
                        }
                    }
                    if let fault { throw fault }
                }
            } catch {
                throw .brokenPipe
            }
        }
    }
}
