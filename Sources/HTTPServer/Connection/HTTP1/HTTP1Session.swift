// HTTP/1.1 on one connection: requests in, answers out in the same order.
//
// A request moves through: head -> body -> slot (in flight) -> answered -> written.
// - At most `inFlightMax` slots; requests are handed out while all of them are of safe methods,
//   else one at a time ("MAY process a sequence of pipelined requests in parallel if they all have
//   safe methods", RFC 9112, 9.3.2).
// - Answers are written when they are the oldest slot's; a stream holds the line until it ends.
// - Nothing is parsed while there is no slot, a stream runs, or much output waits; the transport
//   then stops reading, and the kernel's window stops the peer.
// - A request whose body is streamed has its slot from its head on: see HTTP1Session+Body.swift.
// - `isLast`: no further request will be parsed (close was asked for, a fault, the input's end, or
//   draining). When the slots have emptied after that, the connection closes.

import HTTP
import Posix

final class HTTP1Session: ConnectionProtocol {
    /// A request in flight.
    ///
    /// An object: it is looked at several times a request, and a copy of a struct's fields each
    /// time costs more.
    final class Slot {
        let sequence: UInt64
        let isHead: Bool
        let isSafe: Bool
        let keepAlive: Bool
        let version: ProtocolVersion
        /// Whether it was handed out at its head, and its body as it came.
        let isStreamed: Bool
        var response: Response?
        var watch = AnswerWatch()

        init(
            _ sequence: UInt64,
            for head: RequestHead?,
            keepAlive: Bool,
            isStreamed: Bool,
            response: Response?
        ) {
            self.sequence = sequence
            isHead = head?.method == "HEAD"
            isSafe = head.map { HTTP1Session.isSafe($0.method) } ?? true
            self.keepAlive = keepAlive
            version = head?.version ?? .http11
            self.isStreamed = isStreamed
            self.response = response
        }
    }

    /// A request whose body is on its way; an object for the same reason.
    final class Incoming {
        let head: RequestHead
        var body: [UInt8] = []
        /// Who takes the body as it comes; `body` stays empty then.
        var receiver: BodyStage = .none
        /// Who takes the body once it is whole; nil for the handler.
        var then: (@Sendable ([UInt8], any Exchange) -> Void)?
        var owesContinue: Bool
        /// Since when, and with how many bytes, the present window of the body's progress runs.
        var windowStart: UInt64
        var windowBytes = 0

        init(_ head: RequestHead, windowStart: UInt64) {
            self.head = head
            owesContinue =
                head.expectsContinue && head.bodyKind != .none && head.version != .http10
            self.windowStart = windowStart
        }
    }

    unowned let connection: Connection
    let services: ServerServices
    private var parser: HTTP1Parser
    var incoming: Incoming?
    /// A complete request that waits for its turn.
    private var held: Incoming?
    var slots: [Slot] = []
    private var nextSequence: UInt64 = 1
    var stream: StreamPump?
    private(set) var isLast = false
    private var inputHasEnded = false
    private var hungUp = false
    private var receivedAnything = false
    /// Whether nothing was wanted of the peer when the last turn ended.
    private var isPaused = false
    /// When the head being waited for began to count; nil between requests.
    private var headStartedAt: UInt64?
    private var idleSince: UInt64

    init(connection: Connection, services: ServerServices, now: UInt64) {
        self.connection = connection
        self.services = services
        parser = HTTP1Parser(limits: services.limits.http1)
        // The first head counts from the accept.
        headStartedAt = now
        idleSince = now
    }

    var loop: EventLoop { connection.loop }
    private var limits: ConnectionLimits { services.limits }

    // MARK: Input

    var wantsInput: Bool { canParse && !inputHasEnded }

    private var canParse: Bool {
        guard connection.outputCount < limits.outputBytesMax else { return false }
        switch incoming?.receiver {
        case .running(let receiver, _):
            // As long as its stream is asked for more: what it makes of the body has somewhere to go.
            return connection.outputCount < limits.streamBytesMax && receiver.wantsMore
        case .due: return false
        default: break
        }
        return !isLast && held == nil && stream == nil && slots.count < limits.inFlightMax
            && !slots.contains { $0.response?.isStream ?? false }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        receivedAnything = true
        unsafe parser.append(bytes)
    }

    func inputEnded() {
        inputHasEnded = true
        hangUp()
    }

    func peerHungUp() { hangUp() }

    private func hangUp() {
        guard !hungUp else { return }
        hungUp = true
        // A stream's reader that closes its side is gone, or cannot be told from one that is; one
        // that has a body to send closes its side when it has sent it.
        if let stream, !stream.outlivesInput { endStream(whole: false) }
        fireDisconnects()
    }

    // MARK: Work

    func turn(now: UInt64) {
        repeat {
            writeAnswers(now: now)
            pumpStream(now: now)
        } while parse(now: now)
        writeAnswers(now: now)
        pumpStream(now: now)
        noteWaiting(now: now)
        if services.isDraining, isQuiet { isLast = true }
        if isLast, slots.isEmpty, stream == nil, held == nil { connection.closeWhenSent() }
    }

    /// Parses up to the next complete request, or piece of a streamed body, and hands it out.
    ///
    /// Says whether it did.
    private func parse(now: UInt64) -> Bool {
        if let request = held {
            guard mayDispatch(request.head) else { return false }
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
        do throws(HTTP1Fault) {
            while let event = try parser.next() {
                switch event {
                case .head(let head):
                    begin(head, now: now)
                    if case .due? = incoming?.receiver { return true }
                case .body(let bytes):
                    if handOn(bytes) { return true }
                    collect(bytes)
                case .end: return endRequest(now: now)
                }
                if isLast { return false }
            }
        } catch {
            if !failBody(.refused(Fault(error))) { refuse(Fault(error)) }
            return false
        }
        starve()
        return false
    }

    /// The parser needs more bytes.
    private func starve() {
        if inputHasEnded {
            // What is unfinished now stays so: it was never handed out.
            if !failBody(.disconnected) { incoming = nil }
            isLast = true
        } else if incoming?.owesContinue == true, slots.isEmpty {
            incoming?.owesContinue = false
            connection.write(ResponseEncoder.continueHead)
        }
    }

    private func begin(_ head: RequestHead, now: UInt64) {
        headStartedAt = nil
        incoming = Incoming(head, windowStart: now)
        guard head.bodyKind != .none else { return }
        switch services.handler.admit(connection.signed(head.request(body: []))) {
        case .proceed(nil): break
        case .proceed(let bytesMax?): parser.setBodyLimit(bytesMax)
        case .collect(let bytesMax, let then):
            parser.setBodyLimit(bytesMax)
            incoming?.then = then
        case .refuse(let response):
            loop.meter.note(response)
            refuse(response)
        case .stream(let bytesMax, let begin):
            parser.setBodyLimit(bytesMax)
            // One that says that it is too long is refused by the parser's next step.
            if case .length(let length) = head.bodyKind, length > bytesMax { return }
            incoming?.receiver = .due(begin)
        }
    }

    private func collect(_ bytes: [UInt8]) {
        guard let request = incoming else { return }
        request.windowBytes += bytes.count
        if request.body.isEmpty { request.body = bytes } else { request.body += bytes }
    }

    private func endRequest(now: UInt64) -> Bool {
        guard let request = incoming.take() else { return false }
        idleSince = now
        if case .running(let receiver, _) = request.receiver {
            receiver.ended()
            stream?.wake()
            return true
        }
        guard mayDispatch(request.head) else {
            held = request
            return false
        }
        dispatch(request)
        return true
    }

    private func mayDispatch(_ head: RequestHead) -> Bool {
        slots.allSatisfy { $0.response != nil }
            || (Self.isSafe(head.method) && slots.allSatisfy(\.isSafe))
    }

    /// Safe methods change nothing: RFC 9110, 9.2.1.
    fileprivate static func isSafe(_ method: String) -> Bool {
        method == "GET" || method == "HEAD" || method == "OPTIONS"
    }

    private func dispatch(_ request: Incoming) {
        let sequence = addSlot(for: request.head, response: nil)
        let exchange = ServerExchange(loop: loop, token: connection.token, sequence: sequence)
        if let then = request.then { return then(request.body, exchange) }
        services.handler.handle(
            connection.signed(request.head.request(body: request.body)),
            exchange
        )
    }

    func addSlot(
        for head: RequestHead?,
        response: Response?,
        isStreamed: Bool = false
    ) -> UInt64 {
        let sequence = nextSequence
        nextSequence += 1
        // Draining ends the connection after what is in flight.
        let keepAlive = head?.keepAlive == true && !services.isDraining
        if !keepAlive { isLast = true }
        slots.append(
            Slot(
                sequence,
                for: head,
                keepAlive: keepAlive,
                isStreamed: isStreamed,
                response: response
            )
        )
        return sequence
    }

    /// Answers instead of a handler, after what is in flight, and reads no more.
    func refuse(_ fault: Fault) { refuse(services.response(to: fault)) }

    private func refuse(_ response: Response) {
        var head = incoming?.head
        head?.keepAlive = false
        incoming = nil
        _ = addSlot(for: head, response: response)
    }

    // MARK: Time

    /// Starts the clock of a head that has begun.
    private func noteWaiting(now: UInt64) {
        guard wantsInput else {
            isPaused = true
            return
        }
        if isPaused {
            // While we did not read, the peer's slowness was ours.
            isPaused = false
            if headStartedAt != nil, receivedAnything { headStartedAt = now }
            incoming?.windowStart = now
            incoming?.windowBytes = 0
        }
        if headStartedAt == nil, parser.isInHead { headStartedAt = now }
    }

    var deadline: UInt64? {
        var earliest = stream?.until ?? .max
        for slot in slots { earliest = min(earliest, slot.watch.earliest) }
        if let input = inputDeadline { earliest = min(earliest, input) }
        return earliest == .max ? nil : earliest
    }

    private var inputDeadline: UInt64? {
        guard wantsInput else { return nil }
        if let incoming { return incoming.windowStart + limits.bodyNanoseconds }
        if let headStartedAt { return headStartedAt + limits.headNanoseconds }
        return slots.isEmpty && connection.outputCount == 0
            ? idleSince + limits.idleNanoseconds : nil
    }

    func expire(now: UInt64) {
        let timers = slots.flatMap { $0.watch.takeDue(now) }
        for action in timers { action() }
        stream?.resumeIfDue(now)
        guard let due = inputDeadline, due <= now else { return }
        if let request = incoming {
            // A streamed body may be made as it is sent: any progress will do.
            let least = request.receiver.isRunning ? 1 : limits.bodyBytesPerWindow
            guard request.windowBytes < least else {
                incoming?.windowStart = now
                incoming?.windowBytes = 0
                return
            }
            if !failBody(.refused(.bodyTimeout)) { refuse(.bodyTimeout) }
        } else if parser.isInHead {
            refuse(.headTimeout)
        } else {
            // Nothing was asked: nothing is answered.
            isLast = true
            if slots.isEmpty { connection.closeWhenSent(lingering: false) }
        }
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
        for slot in dropped { slot.response?.stopUnsent() }
    }

    private func fireDisconnects() {
        let actions = slots.filter { $0.response == nil }.flatMap { $0.watch.takeDisconnects() }
        for action in actions { action() }
    }

    // MARK: Answers

    func complete(_ sequence: UInt64, _ response: Response) {
        guard let slot = unanswered(sequence) else { return response.stopUnsent() }
        slot.response = response
        slot.watch.clear()
    }

    func abandon(_ sequence: UInt64) {
        guard slots.contains(where: { $0.sequence == sequence }) else { return }
        complete(sequence, services.response(to: .unanswered))
    }

    func watchDisconnect(_ sequence: UInt64, _ action: @escaping @Sendable () -> Void) {
        guard let slot = unanswered(sequence) else { return }
        if hungUp { return action() }
        slot.watch.addDisconnect(action)
    }

    func addTimer(_ sequence: UInt64, at: UInt64, _ action: @escaping @Sendable () -> Void) {
        unanswered(sequence)?.watch.addTimer(at: at, action)
    }

    private func unanswered(_ sequence: UInt64) -> Slot? {
        slots.first { $0.sequence == sequence && $0.response == nil }
    }

    /// No further request is parsed.
    func endAfterThis() { isLast = true }

    /// An answer has been made in full: a wait for the next request counts from here.
    func noteAnswered() { idleSince = loop.now }

    var peerIsGone: Bool { hungUp }
}
