// Sending what handlers answered, each on its own stream.

import HTTP

extension HTTP2Session {
    // MARK: From handlers

    func complete(_ sequence: UInt64, _ response: Response, after nanoseconds: UInt64) {
        guard let stream = unanswered(sequence) else { return response.stopUnsent() }
        answer(stream, response, after: nanoseconds)
    }

    func abandon(_ sequence: UInt64) {
        guard let stream = unanswered(sequence) else { return }
        guard !stream.isClosed else {
            remove(stream)
            return loop.meter.leave()
        }
        answer(stream, services.refusal(.unanswered, of: stream.request))
    }

    func watchDisconnect(_ sequence: UInt64, _ action: @escaping @Sendable () -> Void) {
        guard let stream = unanswered(sequence) else { return }
        if stream.isClosed { return action() }
        stream.watch.addDisconnect(action)
    }

    func addTimer(_ sequence: UInt64, at: UInt64, _ action: @escaping @Sendable () -> Void) {
        guard let stream = unanswered(sequence), !stream.isClosed else { return }
        stream.watch.addTimer(at: at, action)
    }

    func wake(_ sequence: UInt64) { stream(Int32(truncatingIfNeeded: sequence))?.pump?.wake() }

    private func unanswered(_ sequence: UInt64) -> HTTP2Stream? {
        guard let stream = stream(Int32(truncatingIfNeeded: sequence)), stream.isWithHandler
        else { return nil }
        return stream
    }

    // MARK: Answers

    func refuse(_ stream: HTTP2Stream, _ fault: HTTP1Fault) {
        refuse(stream, services.refusal(Fault(fault), of: stream.request))
    }

    /// Answers instead of a handler; what comes of the body is thrown away.
    func refuse(_ stream: HTTP2Stream, _ response: Response) {
        endBody(of: stream)
        stream.request = nil
        releaseHead(of: stream)
        answer(stream, response)
    }

    func answer(_ stream: HTTP2Stream, _ response: Response, after nanoseconds: UInt64 = 0) {
        stream.isAnswered = true
        stream.watch.clear()
        guard !stream.isClosed else {
            remove(stream)
            loop.meter.leave()
            return response.stopUnsent()
        }
        let hasContent = !stream.isHead && response.allowsContent
        // An answer that is complete before the body ends the reading; a stream is not, yet.
        if !response.isStream || !hasContent { endBody(of: stream) }
        if case .stream = response.body, hasContent,
            !services.streamLedger.admit(connection.peer)
        {
            response.stopUnsent()
            let refusal = services.refusal(.streamLimit, insteadOf: response)
            return answer(stream, refusal, after: nanoseconds)
        }
        loop.meter.note(response, after: nanoseconds)
        stream.outgoing = codec.answer(
            stream.id,
            status: response.status,
            headers: response.headers,
            contentLength: response.contentLength,
            content: hasContent ? response.http2Content : .none,
            date: loop.date.value
        )
        stream.stallStart = loop.now
        guard case .stream(let content) = response.body else { return }
        guard hasContent else { return content.stop() }
        start(content, on: stream)
    }

    private func start(_ content: any ResponseStream, on stream: HTTP2Stream) {
        let signal = StreamSignal(
            loop: loop,
            token: connection.token,
            sequence: stream.sequence
        )
        stream.pump = StreamPump(
            content,
            signal: signal,
            sequence: stream.sequence,
            chunked: false,
            outlivesInput: stream.isStreamed
        )
        content.start(StreamWaker { signal.raise() })
        // Its client is gone already, or has half closed: see `hangUp`.
        if hungUp, !stream.isStreamed { cut(stream) }
    }

    // MARK: Streams of content

    /// Whether a stream has more, what it gave before is framed, and little of that waits to be sent.
    func wantsFilling(_ stream: HTTP2Stream) -> Bool {
        guard let pump = stream.pump, pump.isReady else { return false }
        return stream.outgoing?.pendingBytes == 0
            && connection.outputCount < limits.streamBytesMax
    }

    /// Asks each stream that has more for as much as it may hold; says whether any gave some.
    func pumpStreams(now: UInt64) -> Bool {
        var hasFilled = false
        // A stream's handler may end others meanwhile: those are asked as they are then.
        for stream in streams where wantsFilling(stream) {
            if fill(stream, now: now) { hasFilled = true }
        }
        return hasFilled
    }

    private func fill(_ stream: HTTP2Stream, now: UInt64) -> Bool {
        guard let pump = stream.pump, let outgoing = stream.outgoing else { return false }
        let step = pump.fill(room: limits.streamBytesMax, now: now)
        defer { pump.clear() }
        guard stream.pump === pump else { return false }
        let isEmpty = pump.scratch.isEmpty
        if !isEmpty {
            stream.stallStart = now
            stream.stallBytes = outgoing.takenBytes
            codec.append(pump.scratch, to: outgoing)
        }
        if step == .ended {
            codec.complete(outgoing)
            endBody(of: stream)
            endPump(of: stream)
        }
        return !isEmpty
    }

    /// Ends a stream's source: it is asked for no more.
    func endPump(of stream: HTTP2Stream) {
        guard let pump = stream.pump else { return }
        stream.pump = nil
        services.streamLedger.release(connection.peer)
        pump.stop()
    }

    /// Ends a stream in the middle of its answer.
    func cut(_ stream: HTTP2Stream) {
        endPump(of: stream)
        // Not judged again, although the reset may have to wait for the socket.
        stream.outgoing = nil
        failBody(of: stream, .disconnected)
        codec.reset(stream.id, code: HTTP2ErrorCode.cancel)
    }
}

extension Response {
    fileprivate var http2Content: HTTP2Codec.Content {
        switch body {
        case .none: .none
        case .bytes(let bytes): .bytes(bytes)
        case .stream: .open
        }
    }
}
