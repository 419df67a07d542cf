// Bodies that are handed on as they come, and answered meanwhile: `Admission.stream`.
//
// What the receiver cannot take yet stays with the stream, at most the window that the client has:
// no more room is given until it is taken.

import HTTP

extension HTTP2Session {
    /// Hands out a request at its head.
    func startStreaming(
        _ stream: HTTP2Stream,
        _ begin: (any Exchange) -> any BodyReceiver
    ) {
        stream.isHandedOut = true
        stream.isStreamed = true
        let exchange = ServerExchange(
            loop: loop,
            token: connection.token,
            sequence: stream.sequence
        )
        let receiver = begin(exchange)
        // Answered whole by `begin`, it wants no body.
        if stream.isReceiving { stream.receiver = receiver }
    }

    func handOn(_ bytes: [UInt8], of stream: HTTP2Stream) {
        stream.backlog.append(bytes)
        deliver(stream)
    }

    /// Gives a receiver what has come, as far as it takes it and its answer has somewhere to go.
    func deliver(_ stream: HTTP2Stream) {
        guard let receiver = stream.receiver else { return }
        var taken = 0
        while taken < stream.backlog.count, receiver.wantsMore, hasRoom(stream) {
            let bytes = stream.backlog[taken]
            taken += 1
            receiver.receive(bytes.span)
            stream.pump?.wake()
            // It may have been answered, or cut, by what it was given.
            guard stream.receiver === receiver else { return }
        }
        stream.backlog.removeFirst(taken)
        guard stream.backlog.isEmpty else { return }
        release(stream)
        guard stream.bodyHasEnded else { return }
        endBody(of: stream)
        receiver.ended()
        stream.pump?.wake()
    }

    private func hasRoom(_ stream: HTTP2Stream) -> Bool {
        (stream.outgoing?.pendingBytes ?? 0) < limits.streamBytesMax
    }

    /// Gives receivers that could take no more what they can take now.
    func deliverBacklogs() {
        for stream in streams where !stream.backlog.isEmpty { deliver(stream) }
    }

    /// Tells a receiver that its body will not be completed; does nothing where there is none.
    func failBody(of stream: HTTP2Stream, _ failure: BodyFailure) {
        let receiver = stream.receiver
        endBody(of: stream)
        receiver?.failed(failure)
        stream.pump?.wake()
    }

    /// Gives up a body that is too large or too slow; what nobody has answered is answered.
    func fail(_ stream: HTTP2Stream, _ fault: Fault) {
        let request = stream.request
        guard stream.receiver != nil else {
            return refuse(stream, services.refusal(fault, of: request))
        }
        failBody(of: stream, .refused(fault))
        if stream.isWithHandler { answer(stream, services.refusal(fault, of: request)) }
    }
}
