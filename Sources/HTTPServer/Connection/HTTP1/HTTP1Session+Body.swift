// Bodies that are handed on as they come, and answered meanwhile: `Admission.stream`.
//
// 1. At its head such a request is *due*: nothing more is parsed until all before it is answered.
// 2. It *runs*: it has its slot, and what is parsed of its body goes to its receiver. Its answer is
//    written as any other's; a stream in it is filled between two pieces of the body.
// 3. The body ends (`ended`), fails (`failBody`), or is dropped because the answer was complete
//    before it. After the last two the connection closes: where the next request would begin is
//    not known.

import HTTP

/// How far the body of the request being read is from its receiver.
enum BodyStage {
    /// It is collected.
    case none
    case due(@Sendable (any Exchange) -> any BodyReceiver)
    /// It belongs to the slot with that number.
    case running(any BodyReceiver, UInt64)

    var isRunning: Bool { if case .running = self { true } else { false } }
}

extension HTTP1Session {
    /// Hands out a request that was due.
    func startStreaming(_ begin: (any Exchange) -> any BodyReceiver, now: UInt64) {
        guard let request = incoming else { return }
        if request.owesContinue { connection.write(ResponseEncoder.continueHead) }
        let sequence = addSlot(for: request.head, response: nil, isStreamed: true)
        incoming?.owesContinue = false
        incoming?.windowStart = now
        let exchange = ServerExchange(loop: loop, token: connection.token, sequence: sequence)
        incoming?.receiver = .running(begin(exchange), sequence)
    }

    /// Hands a piece of the body on; false where the body is collected.
    func handOn(_ bytes: [UInt8]) -> Bool {
        guard case .running(let receiver, _)? = incoming?.receiver else { return false }
        incoming?.windowBytes += bytes.count
        receiver.receive(bytes.span)
        stream?.wake()
        return true
    }

    /// Gives up a streamed body; false where none runs.
    ///
    /// The receiver may answer now; where it did not, and nobody else, a refusal's fault is the answer.
    func failBody(_ failure: BodyFailure) -> Bool {
        guard case .running(let receiver, let sequence)? = incoming?.receiver else { return false }
        incoming = nil
        endAfterThis()
        receiver.failed(failure)
        stream?.wake()
        if case .refused(let fault) = failure {
            answerUnanswered(sequence, with: services.response(to: fault))
        }
        return true
    }

    private func answerUnanswered(_ sequence: UInt64, with response: Response) {
        guard slots.contains(where: { $0.sequence == sequence && $0.response == nil }) else {
            return
        }
        complete(sequence, response)
    }

    /// Reads no more of the body of a request whose answer is complete.
    func dropBody(of sequence: UInt64) {
        guard case .running(_, sequence)? = incoming?.receiver else { return }
        incoming = nil
        endAfterThis()
    }
}
