// HTTP/2 on one connection: many requests at once, each answered on its own stream.
//
// A request moves through: head -> body -> handed out -> answered -> sent, and its stream is closed.
// - `HTTP2Codec` speaks the protocol; this is what the codec's events mean: handlers, limits, time.
// - Whole requests are handed out as they come, but for a while none when much of earlier answers
//   waits to be sent (`answersBytesMax`), and so many in one `turn`.
// - Everything that one `turn` makes leaves in one write. It stops at `outputBytesMax` of unsent
//   bytes, and reading stops there too: the kernel's window stops the peer.
// - Streams of content are asked for more when what they gave before has been framed.
//
// The end: the client goes away, or the codec has failed or is finished and its last frames are
// sent. Draining: (1) GOAWAY without a last stream, and a PING; (2) with its answer, or after a
// second, GOAWAY with the last stream; (3) once the streams have ended, close (RFC 9113, 6.8).
//
// Streams: HTTP2Session+Requests.swift and +Answers.swift; time: +Time.swift.

import HTTP
import Posix

final class HTTP2Session: ConnectionProtocol {
    /// How far the orderly end of the connection has come.
    enum Shutdown: Equatable {
        case none
        /// The client was told to open no more streams, at that time.
        case asked(at: UInt64)
        case told
    }

    unowned let connection: Connection
    let services: ServerServices
    let codec: HTTP2Codec
    /// In the order of their numbers, which is that of their beginning.
    var streams: [HTTP2Stream] = []
    /// Whole requests that wait until earlier answers are sent.
    var held: [HTTP2Stream] = []
    /// How many more may be handed out in this turn.
    var handOutsLeft = 0
    /// Bytes of the heads of requests that are not handed out yet.
    var headBytes = 0
    /// Bytes of bodies that are not whole yet.
    var bodyBytes = 0
    var shutdown = Shutdown.none
    let startedAt: UInt64
    /// Since when no stream has been open.
    var idleSince: UInt64
    private(set) var receivedAnything = false
    /// Whether the client sends no more.
    private(set) var hungUp = false
    /// When to look next whether a client that sends no more is still there.
    private var probeAt: UInt64 = 0
    private var inputHasEnded = false
    /// Whether the codec had more to send than there was room for.
    private var isAtBound = false

    init(connection: Connection, services: ServerServices, now: UInt64) {
        self.connection = connection
        self.services = services
        codec = HTTP2Codec(limits: services.limits.http2, requests: services.limits.http1, now: now)
        startedAt = now
        idleSince = now
    }

    var loop: EventLoop { connection.loop }
    var limits: ConnectionLimits { services.limits }

    /// O(log n).
    func stream(_ id: Int32) -> HTTP2Stream? {
        let index = position(of: id)
        return index < streams.count && streams[index].id == id ? streams[index] : nil
    }

    /// Where a stream of that number is, or would be.
    private func position(of id: Int32) -> Int {
        var (low, high) = (0, streams.count)
        while low < high {
            let middle = (low + high) / 2
            if streams[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func remove(_ stream: HTTP2Stream) {
        releaseHead(of: stream)
        let index = position(of: stream.id)
        guard index < streams.count, streams[index] === stream else { return }
        streams.remove(at: index)
        if streams.isEmpty { idleSince = loop.now }
    }

    // MARK: Input

    var wantsInput: Bool {
        !inputHasEnded && connection.outputCount < limits.outputBytesMax && codec.wantsInput
    }

    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        receivedAnything = true
        unsafe codec.receive(bytes, now: now)
    }

    func inputEnded() {
        inputHasEnded = true
        hangUp()
    }

    func peerHungUp() { hangUp() }

    /// The client sends no more: as over HTTP/1 it may wait for its answers.
    private func hangUp() {
        guard !hungUp else { return }
        hungUp = true
        // One that has a body to send closes its side when it has sent it.
        for stream in streams where stream.pump?.outlivesInput == false { cut(stream) }
    }

    /// When a client that sends no more is to be looked at next; nil where no answer is awaited.
    var probeDeadline: UInt64? {
        guard hungUp, streams.contains(where: \.isWithHandler) else { return nil }
        return probeAt
    }

    /// Sends what a client that is gone refuses: see HTTP1Session+HangUp.swift.
    private func probe(now: UInt64) {
        guard let due = probeDeadline, due <= now else { return }
        probeAt = now + limits.probeNanoseconds
        codec.ping()
    }

    // MARK: Work

    func turn(now: UInt64) {
        handOutsLeft = loop.requestsPerTurn
        takeEvents(now: now)
        if services.isDraining { drain(now: now) }
        var hasFilled = false
        repeat {
            deliverBacklogs()
            hasFilled = pumpStreams(now: now)
            produce(now: now)
            // What was sent may have ended streams, and made room for requests that wait.
            takeEvents(now: now)
        } while hasFilled && connection.outputCount < limits.streamBytesMax
        if hungUp { probe(now: now) }
        produce(now: now)
        if inputHasEnded { dropUnfinished() }
        if codec.hasFailed || codec.isFinished { dropStreams() }
        if codec.isFinished || (inputHasEnded && streams.isEmpty) { connection.closeWhenSent() }
    }

    private func produce(now: UInt64) {
        let room = limits.outputBytesMax - connection.outputCount
        isAtBound = room <= 0
        guard room > 0 else { return }
        connection.write { output in
            isAtBound = codec.produce(into: &output, bytesMax: room, now: now)
        }
    }

    var wantsRoom: Bool { isAtBound || streams.contains { wantsFilling($0) } }

    var wantsTurn: Bool { !held.isEmpty && hasRoomForAnswers }

    private func drain(now: UInt64) {
        guard shutdown == .none else { return }
        shutdown = .asked(at: now)
        codec.beginShutdown()
    }

    /// The client knows that we are going: the streams it has opened by now are the last.
    func finishDrain() {
        guard case .asked = shutdown else { return }
        shutdown = .told
        codec.finishShutdown()
    }

    // MARK: The end

    func gone() { dropStreams() }

    /// Ends every stream on our side: the connection is closed, or as good as.
    private func dropStreams() {
        let dropped = streams
        (streams, held) = ([], [])
        for stream in dropped {
            releaseHead(of: stream)
            failBody(of: stream, .disconnected)
            endPump(of: stream)
            disconnect(stream)
        }
    }

    /// What is unfinished now stays so.
    private func dropUnfinished() {
        for stream in streams where stream.isReceiving {
            failBody(of: stream, .disconnected)
            // One that was collected was never handed out.
            guard !stream.isStreamed else { continue }
            codec.reset(stream.id, code: HTTP2ErrorCode.cancel)
            remove(stream)
        }
    }
}
