// A listening socket in a loop: takes connections, or stops asking when there is no room for them.

import Logging
import Posix
import TLS

/// Accepts; parks when descriptors run out.
///
/// Parked means not watched: a level-triggered poller would report the waiting connection without
/// end. It is unparked when a connection of this loop closes, and by time, as descriptors may have
/// been freed elsewhere.
final class Listener: Pollable {
    let token: PollToken
    let loop: EventLoop
    private let services: ServerServices
    private let tls: ReloadableContext?
    private let logger: Logger
    private var descriptor: FileDescriptor?
    private var parkedUntil: UInt64?
    var scheduledAt: UInt64 = .max
    /// Connections taken only to be told that there are too many.
    private var refusals = 0

    /// So that a burst of connections does not keep the loop from the others.
    private static let acceptsPerTurn = 64
    /// How many refusals may be open at once: beyond these, a connection is closed without a word.
    private static let refusalsMax = 64
    private static let parkNanoseconds: UInt64 = 500_000_000
    /// One line of log in so long, however often it parks.
    private static let quietNanoseconds: UInt64 = 10_000_000_000
    private var quietUntil: UInt64 = 0

    init(
        taking descriptor: consuming FileDescriptor,
        loop: EventLoop,
        services: ServerServices,
        tls: ReloadableContext?,
        logger: Logger
    ) throws(Errno) {
        self.tls = tls
        self.logger = logger
        token = loop.newToken(for: descriptor.number)
        self.descriptor = consume descriptor
        self.loop = loop
        self.services = services
        try loop.add(self, .readable)
    }

    var deadline: UInt64? { parkedUntil }
    func deadlineReached() { unpark() }
    func settle() {}

    func ready(_ readiness: Readiness) {
        for _ in 0..<Self.acceptsPerTurn {
            do throws(Errno) {
                guard try acceptOne() else { return }
            } catch {
                // Other errors are the connection's own: it was gone before we took it.
                if error.isExhaustion { return park(error) }
            }
        }
    }

    /// Says whether there was a connection.
    private func acceptOne() throws(Errno) -> Bool {
        var accepted: AcceptedSocket?
        switch descriptor {
        case .some(let socket): accepted = try loop.sockets.accept(socket)
        case .none: return false
        }
        guard let taken = accepted.take() else { return false }
        loop.meter.accept()
        let isInternet = taken.peer != nil
        let peer = PeerKey(taken.peer)
        let socket = taken.take()
        // A failure costs some milliseconds of latency at worst; sockets at a path need no such.
        if isInternet { _ = try? socket.setNoDelay() }
        if services.ledger.admit(peer) {
            try serve(socket, peer)
        } else if refusals < Self.refusalsMax {
            try refuse(socket, peer)
        } else {
            services.note(.connectionLimit)
        }
        return true
    }

    private func serve(_ socket: consuming FileDescriptor, _ peer: PeerKey) throws(Errno) {
        let (services, now) = (services, loop.now)
        try open(socket, peer) {
            ProtocolDetection(connection: $0, services: services, now: now)
        } ended: {
            services.ledger.release(peer)
        }
    }

    private func refuse(_ socket: consuming FileDescriptor, _ peer: PeerKey) throws(Errno) {
        let (services, now) = (services, loop.now)
        refusals += 1
        try open(socket, peer) {
            let session = HTTP1Session(connection: $0, services: services, now: now)
            session.refuse(.connectionLimit)
            return session
        } ended: { [weak self] in
            self?.refusals -= 1
        }
    }

    /// Makes a connection of a socket; `ended` is called once: when it closes, or could not be made.
    private func open(
        _ socket: consuming FileDescriptor,
        _ peer: PeerKey,
        session: (Connection) -> any ConnectionProtocol,
        ended: @escaping () -> Void
    ) throws(Errno) {
        do throws(Errno) {
            let secure = try secureTransport()
            _ = try Connection(
                taking: socket,
                secure: secure,
                peer: peer,
                loop: loop,
                services: services,
                session: session
            ) { connection in
                ended()
                connection.loop.unparkListeners()
            }.touched()
        } catch {
            ended()
            throw error
        }
    }

    /// TLS for a new connection, where this port speaks it.
    private func secureTransport() throws(Errno) -> SecureTransport? {
        guard let tls else { return nil }
        guard let session = TLSSession(tls.current) else { throw .noMemory }
        return SecureTransport(session)
    }

    private func park(_ reason: Errno) {
        if loop.now >= quietUntil {
            quietUntil = loop.now + Self.quietNanoseconds
            logger.warning("not accepting connections", metadata: ["reason": "\(reason.message)"])
        }
        parkedUntil = loop.now + Self.parkNanoseconds
        _ = try? loop.change(self, Readiness(rawValue: 0))
    }

    /// Watches again.
    func unpark() {
        guard descriptor != nil, parkedUntil != nil else { return }
        parkedUntil = nil
        _ = try? loop.change(self, .readable)
    }

    func close() {
        parkedUntil = nil
        loop.remove(self)
        descriptor = nil
    }
}
