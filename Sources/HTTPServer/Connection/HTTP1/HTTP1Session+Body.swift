// Bodies that are handed on as they come, and answered meanwhile: `Admission.stream`.
//
// 1. At its head such a request is *due*: nothing more is parsed until all before it is answered.
// 2. It *runs*: it is in flight, and what is parsed of its body goes to its receiver. Its answer is
//    written as any other's; a stream in it is filled between two pieces of the body.
// 3. The body ends (`ended`), fails (`failBody`), or is dropped because the answer was complete
//    before it. After the last two the connection closes: where the next request would begin is
//    not known.

import HTTP

extension HTTP1Session {
    /// Hands out a request that was due.
    func startStreaming(_ begin: (any Exchange) -> any BodyReceiver, now: UInt64) {
        guard let request = incoming else { return }
        if request.owesContinue { connection.write(ResponseEncoder.continueHead) }
        request.owesContinue = false
        request.windowStart = now
        request.isStreamed = true
        request.receiver = .running(begin(putInFlight(request)))
    }

    /// Hands a piece of the body on; false where the body is collected.
    func handOn(_ bytes: [UInt8]) -> Bool {
        guard let incoming, case .running(let receiver) = incoming.receiver else { return false }
        incoming.windowBytes += bytes.count
        receiver.receive(bytes.span)
        stream?.wake()
        return true
    }

    /// Gives up a streamed body; false where none runs.
    ///
    /// The receiver may answer now; where it did not, and nobody else, a refusal's fault is the answer.
    func failBody(_ failure: BodyFailure) -> Bool {
        guard let request = incoming, case .running(let receiver) = request.receiver else {
            return false
        }
        incoming = nil
        endAfterThis()
        receiver.failed(failure)
        stream?.wake()
        if case .refused(let fault) = failure, let request = unanswered(request.sequence) {
            request.answer(services.refusal(fault, of: request.request))
        }
        return true
    }

    /// Reads no more of the body of a request whose answer is complete.
    func dropBody(of sequence: UInt64) {
        guard let request = incoming, request.sequence == sequence, request.receiver.isRunning
        else { return }
        incoming = nil
        endAfterThis()
    }
}
