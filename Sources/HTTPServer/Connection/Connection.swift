// One client's socket: reads, writes, deadlines of both, and the end.
//
// States:
//   open       reads what the protocol wants, sends what it has made
//   closing    the last byte is made; nothing is read until it is sent
//   lingering  everything is sent and our side is shut down; input is read and thrown away until
//              the peer closes too: closing at once would answer unread input with an RST, which
//              may destroy the answer on its way ("Tear-down", RFC 9112, 9.6)
//   closed     the descriptor is gone, the protocol was told
//
// Used by the loop's thread only. Others hold its token, never the connection.

import HTTP
import Posix
import TLS

/// The transport half of a connection; the protocol half is `session`.
final class Connection: Pollable {
    private enum State {
        case open
        case closing
        case lingering(until: UInt64)
        case closed
    }

    let token: PollToken
    let loop: EventLoop
    let services: ServerServices
    let peer: PeerKey
    var scheduledAt: UInt64 = .max
    /// What speaks the protocol: none yet while the first, which needs the connection, is made.
    private(set) var session: any ConnectionProtocol = NoSession.shared

    private let onClose: (Connection) -> Void
    private var descriptor: FileDescriptor?
    /// TLS between the socket and the session; nil speaks in clear.
    private var secure: SecureTransport?
    private var hasHeard = false
    private var state = State.open
    private var output = OutputBuffer()
    private var interest: Readiness
    private var inputEnded = false
    private var peerHungUp = false
    /// Since when, and with how many bytes taken by the socket, the present window of output runs.
    private var writeWindowStart: UInt64 = 0
    private var writeWindowBytes = 0
    /// Whether it is among those that the loop will settle.
    var isTouched = false
    /// Whether it is at work, with its sending still to follow.
    private var isAtWork = false
    private var lingers = true
    private var lingeredBytes = 0

    /// How much a lingering peer may still send before we stop listening to it.
    private static let lingerBytesMax = 1 << 20
    private static let openInterest: Readiness = [.readable, .peerHungUp]

    /// Takes over an accepted socket and registers it; throws exhaustion.
    init(
        taking descriptor: consuming FileDescriptor,
        secure: SecureTransport?,
        peer: PeerKey,
        loop: EventLoop,
        services: ServerServices,
        session makeSession: (Connection) -> any ConnectionProtocol,
        onClose: @escaping (Connection) -> Void
    ) throws(Errno) {
        token = loop.newToken(for: descriptor.number)
        self.descriptor = consume descriptor
        self.secure = secure
        self.peer = peer
        self.loop = loop
        self.services = services
        interest = Self.openInterest
        self.onClose = onClose
        session = makeSession(self)
        try loop.add(self, interest)
    }

    var outputCount: Int { output.count + (secure?.outputCount ?? 0) }
    private var hasOutput: Bool { outputCount > 0 }
    /// Whether a large body waits to be sent: nothing should be written behind it.
    var isSendingBody: Bool { output.holdsBody }

    // MARK: For the session

    /// A request with what the connection knows of its sender.
    func signed(_ request: consuming Request) -> Request {
        request.peer = peer.address
        request.isSecure = secure != nil
        return request
    }

    func write(_ bytes: [UInt8]) {
        beginOutput()
        output.append(bytes)
    }

    /// Lets `body` append to the output in place.
    func write(_ body: (inout [UInt8]) -> Void) {
        beginOutput()
        output.append(body)
    }

    private func beginOutput() {
        if !hasOutput { beginWriteWindow() }
    }

    private func beginWriteWindow() {
        writeWindowStart = loop.now
        writeWindowBytes = 0
    }

    /// Closes once everything is sent; nothing more is parsed.
    ///
    /// Without `lingering`, which is for a peer that has nothing under way, closes there and then.
    func closeWhenSent(lingering: Bool = true) {
        guard case .open = state else { return }
        state = .closing
        lingers = lingering
    }

    /// Whether TLS has settled on HTTP/2.
    var isHTTP2Negotiated: Bool { secure?.negotiatedProtocol == "h2" }

    /// Speaks another protocol from now on; the new session gets what was received by its own means.
    func become(_ session: any ConnectionProtocol) { self.session = session }

    func touched() -> Connection {
        touch()
        return self
    }

    /// Asks for a `settle` before the loop sleeps.
    func touch() {
        guard !isTouched, !isAtWork else { return }
        isTouched = true
        loop.append(touched: self)
    }

    /// Closes now and tells the session.
    func close() {
        if case .closed = state { return }
        state = .closed
        loop.remove(self)
        descriptor = nil
        secure = nil
        output.clear()
        onClose(self)
        let ended = session
        session = NoSession.shared
        ended.gone()
    }

    // MARK: For the loop

    func ready(_ readiness: Readiness) {
        if readiness.contains(.closed) {
            // Failed, or shut on both sides: what we would still send reaches nobody.
            return close()
        }
        if readiness.contains(.readable) { readInput() }
        if readiness.contains(.peerHungUp), !peerHungUp {
            peerHungUp = true
            session.peerHungUp()
        }
    }

    private func readInput() {
        var isLingering = false
        switch state {
        case .closed: return
        case .closing: guard isHandshaking else { return }
        case .open: guard session.wantsInput, !inputEnded else { return }
        case .lingering: isLingering = true
        }
        switch receive() {
        case nil, .wouldBlock: break
        case .bytes(0):
            inputEnded = true
            if isLingering || isHandshaking { close() } else { session.inputEnded() }
        case .bytes(let count):
            loop.meter.receive(count)
            if isLingering {
                lingeredBytes += count
                if lingeredBytes > Self.lingerBytesMax { close() }
            } else {
                // SAFETY: the kernel has filled that many bytes of the buffer, which the loop owns.
                unsafe take(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
            }
        }
    }

    /// Whether TLS still waits for the peer; then the peer is heard even when all is said.
    private var isHandshaking: Bool { secure?.isHandshaking ?? false }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        if !hasHeard {
            hasHeard = true
            if let mixUp = unsafe MixUp(first: bytes[0], isSecure: secure != nil) {
                return refuse(mixUp)
            }
        }
        guard let secure else { return unsafe session.receive(bytes, now: loop.now) }
        // There may be something to send for it.
        beginOutput()
        let received = unsafe secure.receive(bytes, room: loop.plainBuffer) { plain in
            unsafe session.receive(plain, now: loop.now)
        }
        switch received {
        case .needsMore: break
        case .ended:
            inputEnded = true
            session.inputEnded()
        case .failed(let fault):
            services.notices.note("a client's TLS failed", "\(fault)", now: loop.now)
            // What is left to say is an alert.
            output.clear()
            closeWhenSent()
        }
    }

    /// Answers a client of the other protocol, in clear, and closes.
    private func refuse(_ mixUp: MixUp) {
        services.notices.note("a client speaks another protocol", mixUp.fault.detail, now: loop.now)
        secure = nil
        let response = services.refusal(mixUp.fault, of: nil)
        write { output in
            ResponseEncoder.appendLast(response, to: &output, date: loop.date)
        }
        closeWhenSent()
    }

    /// Reads once; nil when the connection failed and was closed.
    private func receive() -> Transfer? {
        do throws(Errno) {
            switch descriptor {
            case .some(let socket):
                return try unsafe loop.sockets.read(socket, into: loop.readBuffer)
            case .none:
                return nil
            }
        } catch {
            close()
            return nil
        }
    }

    /// Works, sends, and tells the poller what to wait for.
    func settle() {
        work()
        flush()
        switch state {
        case .closed: return
        case .open: if session.wantsTurn || !hasOutput && session.wantsRoom { touch() }
        case .closing: if !hasOutput { linger() }
        case .lingering: break
        }
        updateInterest()
    }

    private func work() {
        isAtWork = true
        if case .open = state { session.turn(now: loop.now) }
        isAtWork = false
    }

    private func flush() {
        if output.isEmpty, secure == nil { return }
        do throws(Errno) {
            switch descriptor {
            case .some(let socket):
                let count =
                    if let secure {
                        try secure.send(
                            &output,
                            isLast: isClosing,
                            to: socket,
                            by: loop.sockets
                        )
                    } else {
                        try output.send(to: socket, by: loop.sockets)
                    }
                if count > 0 {
                    noteWritten(count)
                    loop.meter.send(count)
                }
            case .none:
                return
            }
        } catch {
            close()
        }
    }

    /// A peer that takes a byte now and then holds on to our memory as well as one that takes none.
    private func noteWritten(_ count: Int) {
        writeWindowBytes += count
        if writeWindowBytes >= services.limits.answerBytesPerWindow { beginWriteWindow() }
    }

    private var isClosing: Bool { if case .closing = state { true } else { false } }

    private func linger() {
        guard lingers, !inputEnded else { return close() }
        // A client that keeps its end open must not hold up the end of the server for long.
        let patience = services.limits.lingerNanoseconds
        let longest = services.isDraining ? min(patience, 1_000_000_000) : patience
        state = .lingering(until: loop.now + longest)
        do throws(Errno) {
            try descriptor?.shutdownSending()
        } catch {
            close()
        }
    }

    private func updateInterest() {
        var wanted = Readiness(rawValue: 0)
        switch state {
        case .closed: return
        case .open: if session.wantsInput, !inputEnded { wanted.insert(.readable) }
        case .closing: if isHandshaking { wanted.insert(.readable) }
        case .lingering: wanted.insert(.readable)
        }
        if needsSocket { wanted.insert(.writable) }
        // Level-triggered: once known, a hang-up would be reported for ever.
        if !peerHungUp, !inputEnded { wanted.insert(.peerHungUp) }
        guard wanted != interest else { return }
        interest = wanted
        do throws(Errno) {
            try loop.change(self, wanted)
        } catch {
            close()
        }
    }

    /// Whether there is something to send that waits for the socket, not for the peer.
    private var needsSocket: Bool {
        if let secure, secure.isHandshaking { return secure.outputCount > 0 }
        return hasOutput
    }

    var deadline: UInt64? {
        var earliest: UInt64?
        switch state {
        case .closed: return nil
        case .open: earliest = session.deadline
        case .closing: break
        case .lingering(let until): return until
        }
        guard hasOutput else { return earliest }
        let stall = writeWindowStart + services.limits.writeStallNanoseconds
        return min(stall, earliest ?? .max)
    }

    func deadlineReached() {
        if case .lingering = state { return close() }
        if hasStalled {
            flush()
            if hasStalled { return close() }
        }
        // What has come and was not read yet is in time: it is the loop that is late.
        readInput()
        work()
        if case .open = state { session.expire(now: loop.now) }
    }

    /// Whether output has waited too long for the socket.
    private var hasStalled: Bool {
        hasOutput && loop.now >= writeWindowStart + services.limits.writeStallNanoseconds
    }

    /// The server is draining: the session's next `turn` sees it, and closes if nothing is on.
    func drain() {
        // A request that has arrived and was not read yet is still answered.
        readInput()
        touch()
    }
}

/// What a connection has before its session is set and after it is closed: nothing happens.
private final class NoSession: UnaskedSession, Sendable {
    static let shared = NoSession()

    var wantsInput: Bool { false }
    var deadline: UInt64? { nil }
    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {}
    func inputEnded() {}
    func peerHungUp() {}
    func turn(now: UInt64) {}
    func expire(now: UInt64) {}
}
