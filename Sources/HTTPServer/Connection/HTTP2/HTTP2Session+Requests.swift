// From the codec's events to whole requests in their handlers' hands.

import HTTP

extension HTTP2Session {
    /// Does what the connection brought.
    func takeEvents(now: UInt64) {
        while let event = codec.nextEvent() {
            switch event {
            case .request(let head): begin(head, now: now)
            case .refused(let id, let fault, let isHead):
                guard let stream = open(id, isHead: isHead, headBytes: 0) else { continue }
                refuse(stream, fault)
            case .body(let id, let bytes): take(bytes, of: id)
            case .bodyEnded(let id): endRequest(id)
            case .answeredEarly(let id): stream(id)?.lingersUntil = now + patience
            case .closed(let id): close(id)
            case .pong: finishDrain()
            }
        }
        handOutHeld()
    }

    /// A new stream; nil if there are too many, those included that only a handler still knows.
    private func open(_ id: Int32, isHead: Bool, headBytes: Int) -> HTTP2Stream? {
        guard streams.count < limits.http2.streamsMax, !codec.hasFailed else {
            codec.reset(id, code: HTTP2ErrorCode.refusedStream)
            return nil
        }
        let stream = HTTP2Stream(id: id, isHead: isHead, headBytes: headBytes)
        streams.append(stream)
        return stream
    }

    private func begin(_ head: HTTP2RequestHead, now: UInt64) {
        // Who waits for nothing but a turn has it before anyone is refused.
        while !hasRoom(for: head), hasRoomForAnswers, !held.isEmpty {
            handOutNow(held.removeFirst())
        }
        let fits = hasRoom(for: head)
        guard fits || !head.hasBody && hasRoomForAnswers else {
            return codec.reset(head.stream, code: HTTP2ErrorCode.refusedStream)
        }
        let isHead = head.request.method == "HEAD"
        guard let stream = open(head.stream, isHead: isHead, headBytes: head.fieldBytes) else {
            return
        }
        let request = connection.signed(head.request)
        stream.request = request
        guard head.hasBody else { return fits ? handOut(stream) : handOutNow(stream) }
        holdHead(of: stream)
        stream.bodyBytesMax = limits.http1.bodyBytesMax
        var streaming: (@Sendable (any Exchange) -> any BodyReceiver)?
        switch services.handler.admit(request) {
        case .proceed(nil): break
        case .proceed(let bytesMax?): stream.bodyBytesMax = max(0, bytesMax)
        case .collect(let bytesMax, let then):
            stream.bodyBytesMax = max(0, bytesMax)
            stream.then = then
        case .refuse(let response):
            return refuse(stream, response)
        case .stream(let bytesMax, let begin):
            stream.bodyBytesMax = max(0, bytesMax)
            streaming = begin
        }
        if let length = head.contentLength, length > stream.bodyBytesMax {
            return refuse(stream, .payloadTooLarge(limit: stream.bodyBytesMax))
        }
        stream.isReceiving = true
        stream.windowStart = now
        if head.expectsContinue { codec.sendContinue(stream.id) }
        if let streaming { startStreaming(stream, streaming) }
    }

    // MARK: Heads

    /// Whether a head may be held: a few bytes of HPACK make a large one.
    ///
    /// One at a time always may.
    private func hasRoom(for head: HTTP2RequestHead) -> Bool {
        headBytes == 0
            || headBytes + head.fieldBytes <= limits.headsBytesMax
                && services.hasRoom(forHead: head.fieldBytes)
    }

    /// The request waits: for its body, or for its turn.
    private func holdHead(of stream: HTTP2Stream) {
        guard !stream.holdsHead else { return }
        stream.holdsHead = true
        headBytes += stream.headBytes
        services.holdHead(stream.headBytes)
    }

    /// The head was handed out, or is not needed any more.
    func releaseHead(of stream: HTTP2Stream) {
        guard stream.holdsHead else { return }
        stream.holdsHead = false
        headBytes -= stream.headBytes
        services.holdHead(-stream.headBytes)
    }

    // MARK: Bodies

    private func take(_ bytes: [UInt8], of id: Int32) {
        guard let stream = stream(id), stream.isReceiving else { return }
        guard stream.bodyCount + bytes.count <= stream.bodyBytesMax else {
            return fail(stream, Fault(.payloadTooLarge(limit: stream.bodyBytesMax)))
        }
        stream.bodyCount += bytes.count
        stream.windowBytes += bytes.count
        stream.unreleasedBytes += bytes.count
        if stream.receiver == nil { collect(bytes, of: stream) } else { handOn(bytes, of: stream) }
    }

    private func collect(_ bytes: [UInt8], of stream: HTTP2Stream) {
        if stream.request?.body.isEmpty == true {
            stream.request?.body = bytes
        } else {
            stream.request?.body.append(contentsOf: bytes)
        }
        bodyBytes += bytes.count
        if bodyBytes <= limits.bodiesBytesMax || isOldest(stream) { release(stream) }
    }

    /// Whether no body began before this one: it goes on whatever is held, so that bodies end.
    private func isOldest(_ stream: HTTP2Stream) -> Bool {
        streams.first { $0.isReceiving && $0.receiver == nil } === stream
    }

    /// Lets the client send as much again as was taken.
    func release(_ stream: HTTP2Stream) {
        guard stream.unreleasedBytes > 0 else { return }
        codec.release(stream.unreleasedBytes, of: stream.id)
        stream.unreleasedBytes = 0
    }

    /// A body is whole, or not wanted: its bytes are no longer held back from others.
    func endBody(of stream: HTTP2Stream) {
        guard stream.isReceiving else { return }
        stream.isReceiving = false
        stream.receiver = nil
        stream.backlog = []
        let wasFull = bodyBytes > limits.bodiesBytesMax
        bodyBytes -= stream.request?.body.count ?? 0
        if stream.isStreamed {
            stream.request = nil
            releaseHead(of: stream)
        }
        guard wasFull else { return }
        for other in streams where other.isReceiving && other.receiver == nil {
            if bodyBytes <= limits.bodiesBytesMax || isOldest(other) { release(other) }
        }
    }

    // MARK: Handing out

    private func endRequest(_ id: Int32) {
        guard let stream = stream(id), stream.isReceiving else { return }
        stream.bodyHasEnded = true
        if stream.receiver != nil { return deliver(stream) }
        endBody(of: stream)
        handOut(stream)
    }

    /// Gives a whole request to the handler, or keeps it while much of earlier answers waits.
    private func handOut(_ stream: HTTP2Stream) {
        guard held.isEmpty, mayHandOut else {
            holdHead(of: stream)
            return held.append(stream)
        }
        handOutNow(stream)
    }

    private var mayHandOut: Bool { handOutsLeft > 0 && hasRoomForAnswers }

    var hasRoomForAnswers: Bool { codec.waitingBytes < limits.answersBytesMax }

    private func handOutHeld() {
        while mayHandOut, !held.isEmpty { handOutNow(held.removeFirst()) }
    }

    private func handOutNow(_ stream: HTTP2Stream) {
        guard let request = stream.request else { return }
        stream.request = nil
        stream.isHandedOut = true
        releaseHead(of: stream)
        handOutsLeft -= 1
        let exchange = ServerExchange(
            loop: loop,
            token: connection.token,
            sequence: stream.sequence
        )
        if let then = stream.then.take() { return then(request.body, exchange) }
        services.handler.handle(request, exchange)
    }

    // MARK: Closed streams

    /// How long a client that was answered before its body had come is given to stop by itself.
    ///
    /// Then its stream is reset with NO_ERROR (RFC 9113, 8.1); some that are reset while they send do
    /// not read the answer any more (curl 7.88).
    private var patience: UInt64 {
        let longest: UInt64 = services.isDraining ? 1_000_000_000 : .max
        return min(limits.lingerNanoseconds, longest)
    }

    /// The stream is over: sent whole, or reset by either side.
    private func close(_ id: Int32) {
        guard let stream = stream(id) else { return }
        stream.isClosed = true
        stream.outgoing = nil
        failBody(of: stream, .disconnected)
        endPump(of: stream)
        held.removeAll { $0 === stream }
        disconnect(stream)
        if !stream.isWithHandler { remove(stream) }
    }

    /// Tells a handler that nobody waits for its answer any more.
    func disconnect(_ stream: HTTP2Stream) {
        guard stream.isWithHandler else { return }
        let actions = stream.watch.takeDisconnects()
        stream.watch.clear()
        for action in actions { action() }
    }
}
