// Writing what handlers answered: heads, bodies, and streams a piece at a time.

import HTTP

extension HTTP1Session {
    /// Writes the answers whose turn it is; one with a large body is the last until that is sent.
    func writeAnswers(now: UInt64) {
        while stream == nil, !connection.isSendingBody, let first = slots.first,
            let response = first.takeResponse()
        {
            slots.removeFirst()
            noteAnswered()
            write(response, for: first)
        }
    }

    private func write(_ response: Response, for request: HTTP1Request) {
        var response = response
        let hasContent = !request.isHead && response.allowsContent
        if case .stream(let content) = response.body, hasContent,
            !services.streamLedger.admit(connection.peer)
        {
            content.stop()
            response = services.refusal(.streamLimit, insteadOf: response)
        }
        loop.meter.note(response, after: request.nanoseconds)
        if !response.isStream || !hasContent { dropBody(of: request.sequence) }
        let framing = framing(of: response, for: request)
        let keepAlive = keepsAlive(response, request)
        if !keepAlive || framing == .untilClose { endAfterThis() }
        connection.write { output in
            ResponseEncoder.appendHead(
                to: &output,
                status: response.status,
                headers: response.headers,
                framing: framing,
                version: request.version,
                keepAlive: keepAlive,
                date: loop.date
            )
        }
        if case .bytes(let bytes) = response.body, hasContent { connection.write(bytes) }
        guard case .stream(let content) = response.body else { return }
        guard hasContent else { return content.stop() }
        start(content, for: request, chunked: framing == .chunked)
    }

    private func framing(of response: Response, for request: HTTP1Request)
        -> ResponseEncoder.Framing
    {
        if let length = response.contentLength { return .length(length) }
        guard response.isStream, response.status >= 200, response.status != 204 else {
            return .none
        }
        return .stream(to: request.version)
    }

    private func keepsAlive(_ response: Response, _ request: HTTP1Request) -> Bool {
        guard request.keepAlive else { return false }
        // The last answer of a connection that will close says so; earlier ones must not.
        if isLast || services.isDraining, slots.isEmpty { return false }
        let wish = response.headers["Connection"]
        return wish.map { !Headers.same($0, "close") } ?? true || !slots.isEmpty
    }

    private func start(_ content: any ResponseStream, for request: HTTP1Request, chunked: Bool) {
        let signal = StreamSignal(
            loop: connection.loop,
            token: connection.token,
            sequence: request.sequence
        )
        stream = StreamPump(
            content,
            signal: signal,
            sequence: request.sequence,
            chunked: chunked,
            outlivesInput: request.isStreamed
        )
        content.start(StreamWaker { signal.raise() })
        // Its client is gone already, or has half closed: see `hangUp`.
        if hungUp, !request.isStreamed { endStream(whole: false) }
    }

    var wantsRoom: Bool {
        if let stream { return stream.isReady }
        return slots.first?.response != nil
    }

    func wake(_ sequence: UInt64) {
        guard let stream, stream.sequence == sequence else { return }
        stream.wake()
    }

    /// Asks the stream for as much as there is room for.
    func pumpStream(now: UInt64) {
        guard let stream else { return }
        while self.stream === stream, stream.isReady {
            let room = services.limits.streamBytesMax - connection.outputCount
            guard room > 0 else { return }
            let step = stream.fill(room: room, now: now)
            defer { stream.clear() }
            // The stream may have ended itself through its handler meanwhile.
            guard self.stream === stream else { return }
            let isEmpty = stream.scratch.isEmpty
            if !isEmpty {
                connection.write { output in
                    if stream.isChunked {
                        ResponseEncoder.appendChunk(stream.scratch, to: &output)
                    } else {
                        output.append(contentsOf: stream.scratch)
                    }
                }
            }
            if step == .ended { return endStream(whole: true) }
            // "Ready" with nothing to show: the next iteration asks again, others get their turn.
            if isEmpty { return }
        }
    }

    /// Ends the stream; `whole` if its content is complete.
    func endStream(whole: Bool) {
        guard let ended = stream else { return }
        stream = nil
        noteAnswered()
        services.streamLedger.release(connection.peer)
        dropBody(of: ended.sequence)
        if whole, ended.isChunked { connection.write(ResponseEncoder.lastChunk) }
        // Cut short: the missing last chunk tells the client, and the close.
        if !whole { endAfterThis() }
        ended.stop()
    }
}
