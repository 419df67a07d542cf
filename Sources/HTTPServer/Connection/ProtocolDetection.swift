// Which protocol a new connection speaks, told by its first bytes.

import HTTP
import Posix

/// A new connection's session until its protocol is known: one read, for any client we know.
///
/// A client of HTTP/2 begins with the connection preface; as soon as a byte differs from it the
/// connection is HTTP/1's, with every byte received so far. What goes wrong before that is HTTP/1's
/// to answer too.
///
/// Source: RFC 9113, 3.4.
final class ProtocolDetection: UnaskedSession {
    private unowned let connection: Connection
    private let services: ServerServices
    private let acceptedAt: UInt64
    /// The part of the preface that came.
    private var received: [UInt8] = []

    init(connection: Connection, services: ServerServices, now: UInt64) {
        self.connection = connection
        self.services = services
        acceptedAt = now
    }

    var wantsInput: Bool { true }
    var deadline: UInt64? { acceptedAt + services.limits.headNanoseconds }

    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        let preface = HTTP2Preface.bytes
        var matched = 0
        while matched < bytes.count, received.count + matched < preface.count,
            unsafe bytes[matched] == preface[received.count + matched]
        {
            matched += 1
        }
        if received.count + matched == preface.count {
            // SAFETY: at most `count` bytes were matched; the session copies what it keeps.
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[matched...])
            let session = HTTP2Session(connection: connection, services: services, now: now)
            connection.become(session)
            if rest.count > 0 { unsafe session.receive(rest, now: now) }
        } else if matched < bytes.count {
            // It said that it would speak HTTP/2: what else it sends is nobody's to answer.
            guard !connection.isHTTP2Negotiated else {
                return connection.closeWhenSent(lingering: false)
            }
            let session = becomeHTTP1()
            unsafe session.receive(bytes, now: now)
        } else {
            unsafe received.append(contentsOf: bytes)
        }
    }

    /// Hands the connection, and what came so far, to HTTP/1.
    private func becomeHTTP1() -> HTTP1Session {
        // The first head counts from the accept.
        let session = HTTP1Session(connection: connection, services: services, now: acceptedAt)
        connection.become(session)
        if !received.isEmpty {
            // SAFETY: the array lives during the call, and the parser copies it.
            unsafe received.withUnsafeBytes { unsafe session.receive($0, now: acceptedAt) }
        }
        return session
    }

    func inputEnded() { becomeHTTP1().inputEnded() }
    func peerHungUp() { becomeHTTP1().peerHungUp() }
    func expire(now: UInt64) { becomeHTTP1().expire(now: now) }

    func turn(now: UInt64) {
        if services.isDraining { becomeHTTP1().turn(now: now) }
    }
}
