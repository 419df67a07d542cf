// HTTP/1.1 on one connection: requests in, answers out in the same order.
//
// A request moves through: head -> body -> in flight (`slots`) -> answered -> written.
// - At most `inFlightMax` in flight; requests are handed out while all of them are of safe methods,
//   else one at a time ("MAY process a sequence of pipelined requests in parallel if they all have
//   safe methods", RFC 9112, 9.3.2).
// - Answers are written when they are the oldest slot's; a stream holds the line until it ends.
// - Nothing is parsed while there is no slot, a stream runs, or much output waits; the transport
//   then stops reading, and the kernel's window stops the peer.
// - A turn hands out so many requests; what is left of a read waits in the parser, and until it is
//   done nothing more is read.
// - A request whose body is streamed is in flight from its head on: see HTTP1Session+Body.swift.
// - A client that sends no more may still wait for its answers: see HTTP1Session+HangUp.swift.
// - `isLast`: no further request will be parsed (close was asked for, a fault, the input's end, or
//   draining). When the slots have emptied after that, the connection closes.

import HTTP
import Posix

final class HTTP1Session: ConnectionProtocol {
    unowned let connection: Connection
    let services: ServerServices
    var parser: HTTP1Parser
    /// The request being read.
    var incoming: HTTP1Request?
    /// A complete request that waits for its turn.
    private var held: HTTP1Request?
    /// Those in flight, oldest first.
    var slots: [HTTP1Request] = []
    private var nextSequence: UInt64 = 1
    var stream: StreamPump?
    var isLast = false
    /// Whether the parser may have more without further bytes.
    private var hasUnparsed = false
    private var inputHasEnded = false
    /// Whether the client sends no more.
    private(set) var hungUp = false
    /// When to look next whether a client that sends no more is still there.
    var probeAt: UInt64 = 0
    /// Whether the client counts as gone although its connection is open.
    var hasLeft = false
    var receivedAnything = false
    /// Whether nothing was wanted of the peer when the last turn ended.
    var isPaused = false
    /// When the head being waited for began to count; nil between requests.
    var headStartedAt: UInt64?
    var idleSince: UInt64

    init(connection: Connection, services: ServerServices, now: UInt64) {
        self.connection = connection
        self.services = services
        parser = HTTP1Parser(limits: services.limits.http1)
        // The first head counts from the accept.
        headStartedAt = now
        idleSince = now
    }

    var loop: EventLoop { connection.loop }
    var limits: ConnectionLimits { services.limits }

    // MARK: Input

    var wantsInput: Bool { canParse && !inputHasEnded && !hasUnparsed }

    var wantsTurn: Bool {
        // What was in its way has been sent: the client can be told to go on.
        if let incoming, incoming.owesContinue, slots.isEmpty, canParse { return true }
        guard hasUnparsed else { return false }
        if case .due? = incoming?.receiver { return slots.isEmpty && stream == nil }
        return canParse
    }

    private var canParse: Bool {
        let waiting = connection.outputCount
        if let incoming {
            switch incoming.receiver {
            case .none: break
            case .due: return false
            case .running(let receiver):
                // As long as its stream is asked for more: what it makes has somewhere to go.
                return waiting < min(limits.streamBytesMax, limits.outputBytesMax)
                    && receiver.wantsMore
            }
        }
        if waiting >= limits.outputBytesMax || isLast || held != nil || stream != nil {
            return false
        }
        return slots.isEmpty
            || slots.count < limits.inFlightMax && !slots.contains { $0.hasStream }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        receivedAnything = true
        hasUnparsed = true
        unsafe parser.append(bytes)
    }

    func inputEnded() {
        inputHasEnded = true
        // What was read may be a request's last bytes, or not enough: the parser is to say.
        hasUnparsed = true
        hangUp()
    }

    func peerHungUp() { hangUp() }

    private func hangUp() {
        guard !hungUp else { return }
        hungUp = true
        // A stream's reader that closes its side is taken for gone; one that has a body to send
        // closes its side when it has sent it.
        if let stream, !stream.outlivesInput { endStream(whole: false) }
    }

    // MARK: Work

    func turn(now: UInt64) {
        var stepsLeft = loop.requestsPerTurn
        repeat {
            writeAnswers(now: now)
            pumpStream(now: now)
            stepsLeft -= 1
        } while stepsLeft >= 0 && parse(now: now)
        writeAnswers(now: now)
        pumpStream(now: now)
        noteWaiting(now: now)
        if hungUp { probe(now: now) }
        if services.isDraining, isQuiet { isLast = true }
        if isLast, slots.isEmpty, stream == nil, held == nil { connection.closeWhenSent() }
    }

    /// Parses up to the next complete request, or piece of a streamed body, and hands it out.
    ///
    /// Says whether it did.
    private func parse(now: UInt64) -> Bool {
        if let request = held {
            guard mayDispatch(request) else { return false }
            held = nil
            dispatch(request)
            return true
        }
        if case .due(let begin)? = incoming?.receiver {
            guard slots.isEmpty, stream == nil else { return false }
            startStreaming(begin, now: now)
            return true
        }
        guard canParse else { return false }
        hasUnparsed = true
        do throws(HTTP1Fault) {
            while let event = try parser.next() {
                switch consume event {
                case .head(let head):
                    begin(head, now: now)
                    if case .due? = incoming?.receiver { return true }
                case .body(let bytes):
                    if handOn(bytes) { return true }
                    incoming?.collect(bytes)
                case .end: return endRequest(now: now)
                }
                if isLast { return false }
            }
        } catch {
            hasUnparsed = false
            if !failBody(.refused(Fault(error))) { refuse(Fault(error)) }
            return false
        }
        starve()
        return false
    }

    /// The parser needs more bytes.
    private func starve() {
        hasUnparsed = false
        if inputHasEnded {
            // What is unfinished now stays so: it was never handed out.
            if !failBody(.disconnected) { incoming = nil }
            isLast = true
        } else if let incoming, incoming.owesContinue, slots.isEmpty {
            incoming.owesContinue = false
            connection.write(ResponseEncoder.continueHead)
        }
    }

    private func begin(_ head: RequestHead, now: UInt64) {
        headStartedAt = nil
        let request = HTTP1Request(head, connection.signed(head.request), windowStart: now)
        incoming = request
        guard head.bodyKind != .none, let asked = request.request else { return }
        switch services.handler.admit(asked) {
        case .proceed(nil): break
        case .proceed(let bytesMax?): parser.setBodyLimit(bytesMax)
        case .collect(let bytesMax, let then):
            parser.setBodyLimit(bytesMax)
            request.then = then
        case .refuse(let response):
            refuse(response)
        case .stream(let bytesMax, let begin):
            parser.setBodyLimit(bytesMax)
            // One that says that it is too long is refused by the parser's next step.
            if case .length(let length) = head.bodyKind, length > bytesMax { return }
            request.receiver = .due(begin)
        }
    }

    private func endRequest(now: UInt64) -> Bool {
        guard let request = incoming.take() else { return false }
        idleSince = now
        if case .running(let receiver) = request.receiver {
            receiver.ended()
            stream?.wake()
            return true
        }
        guard mayDispatch(request) else {
            held = request
            return false
        }
        dispatch(request)
        return true
    }

    private func mayDispatch(_ request: HTTP1Request) -> Bool {
        slots.isEmpty || slots.allSatisfy { $0.response != nil }
            || (request.isSafe && slots.allSatisfy(\.isSafe))
    }

    private func dispatch(_ request: HTTP1Request) {
        let exchange = putInFlight(request)
        guard let asked = request.request.take() else { return }
        if let then = request.then.take() { return then(asked.body, exchange) }
        services.handler.handle(asked, exchange)
    }

    /// Gives a request its place in the order of answers.
    func putInFlight(_ request: HTTP1Request) -> ServerExchange {
        append(request)
        return ServerExchange(loop: loop, token: connection.token, sequence: request.sequence)
    }

    private func append(_ request: HTTP1Request) {
        request.sequence = nextSequence
        nextSequence += 1
        // Draining ends the connection after what is in flight.
        if services.isDraining { request.keepAlive = false }
        if !request.keepAlive { isLast = true }
        slots.append(request)
    }

    /// Answers instead of a handler, after what is in flight, and reads no more.
    func refuse(_ fault: Fault) { refuse(services.refusal(fault, of: incoming?.request)) }

    func refuse(_ response: Response) {
        let refused = HTTP1Request(refused: incoming.take())
        refused.answer(response)
        append(refused)
    }

    // MARK: The end

    /// Whether nothing of a request is under way.
    private var isQuiet: Bool {
        slots.isEmpty && stream == nil && held == nil && incoming == nil && parser.isIdle
    }

    func gone() {
        isLast = true
        _ = failBody(.disconnected)
        endStream(whole: false)
        fireDisconnects()
        let dropped = slots
        slots = []
        for request in dropped {
            guard let response = request.response else { continue }
            loop.meter.leave()
            response.stopUnsent()
        }
    }

    func fireDisconnects() {
        let actions = slots.filter { $0.response == nil }.flatMap { $0.watch.takeDisconnects() }
        for action in actions { action() }
    }

    // MARK: Answers

    func complete(_ sequence: UInt64, _ response: Response, after nanoseconds: UInt64) {
        guard let request = unanswered(sequence) else { return response.stopUnsent() }
        request.answer(response, after: nanoseconds)
    }

    func abandon(_ sequence: UInt64) {
        guard let request = unanswered(sequence) else { return }
        if hasLeft {
            slots.removeAll { $0 === request }
            return loop.meter.leave()
        }
        request.answer(services.refusal(.unanswered, of: request.request))
    }

    func watchDisconnect(_ sequence: UInt64, _ action: @escaping @Sendable () -> Void) {
        guard let request = unanswered(sequence) else { return }
        if hasLeft { return action() }
        request.watch.addDisconnect(action)
    }

    func addTimer(_ sequence: UInt64, at: UInt64, _ action: @escaping @Sendable () -> Void) {
        unanswered(sequence)?.watch.addTimer(at: at, action)
    }

    func unanswered(_ sequence: UInt64) -> HTTP1Request? {
        for request in slots where request.sequence == sequence && request.response == nil {
            return request
        }
        return nil
    }

    /// No further request is parsed.
    func endAfterThis() { isLast = true }

    /// An answer has been made in full: a wait for the next request counts from here.
    func noteAnswered() { idleSince = loop.now }
}
