import Access
import HTTP
import HTTPServer
import JSON
import Payload
import ProcessRuntime
import Synchronization

/// `POST /v1/messages`: messages as lines of JSON, each sent as it comes, and a line of JSON for each.
///
/// One object for both directions: the body's receiver, and the answer's stream. Lines are worked on
/// when the stream is asked to fill, so a client that does not read its results is not read from;
/// and memory is one piece of the body, one line and what the connection holds, however many lines
/// there are.
///
/// A line that is no message, or whose message is refused, is a result like any other. What ends the
/// work is a last line that has no `index`: the body was cut off, the server is stopping, or the
/// token is good no longer, which is looked at once a second.
final class MessageBatch: BodyReceiver, ResponseStream {
    private struct State {
        var lines: LineBuffer
        /// Messages so far: the index of the next.
        var count = 0
        /// Why the body ended early.
        var problem: Problem?
        /// Nothing more comes, and nobody reads.
        var isGone = false
        /// When the token was last looked at.
        var checkedAt: UInt64?
    }

    private let context: Context
    private let identity: Identity?
    private let record: AuditRecord?
    /// All calls come on one loop thread: the lock is only ever free.
    private let state: Mutex<State>

    /// How often a stream looks at the token, and one that waits whether the server is stopping.
    private static let lookNanoseconds: UInt64 = 1_000_000_000

    init(_ context: Context, _ identity: Identity?, _ record: AuditRecord?) {
        self.context = context
        self.identity = identity
        self.record = record
        state = Mutex(State(lines: LineBuffer(lineBytesMax: context.configuration.bodyBytesMax)))
    }

    /// The answer, which is this.
    var response: Response {
        Response(
            status: 200,
            headers: Headers([
                ("Content-Type", StreamForm.lines.rawValue), ("Cache-Control", "no-store"),
                ("X-Accel-Buffering", "no"),
            ]),
            body: .stream(self)
        )
    }

    // MARK: The body

    var wantsMore: Bool { state.withLock { !$0.lines.hasMore } }

    func receive(_ bytes: Span<UInt8>) {
        state.withLock { $0.lines.append(bytes) }
    }

    func ended() {
        state.withLock { $0.lines.end() }
    }

    func failed(_ failure: BodyFailure) {
        state.withLock { state in
            // The line that was cut off is no line, those before it are.
            state.problem =
                switch failure {
                // Perhaps only its sending side is closed: who is gone stops the stream.
                case .disconnected: .bodyCutOff()
                case .refused(let fault): Problem(fault)
                }
        }
    }

    // MARK: The answer

    func start(_ waker: StreamWaker) {}

    func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep {
        let (step, count, problem) = state.withLock { state in
            guard !state.isGone else { return (StreamStep.ended, state.count, Problem?.none) }
            checkToken(&state, now)
            let step = work(&state, &output, room: room, now: now)
            return (step, state.count, state.problem)
        }
        if step == .ended {
            finish("200" + (problem.map { " ended: \($0.code.rawValue)" } ?? ""), count)
        }
        return step
    }

    /// Writes the audit line; the first call counts.
    private func finish(_ status: String, _ count: Int) {
        record?.setTarget(count == 1 ? "1 message" : "\(count) messages")
        record?.finish(status)
    }

    private func checkToken(_ state: inout State, _ now: UInt64) {
        guard let identity, let authentication = context.authentication else { return }
        if let checkedAt = state.checkedAt, now < checkedAt &+ Self.lookNanoseconds { return }
        state.checkedAt = now
        if let refusal = authentication.refusal(of: identity) {
            state.lines = LineBuffer(lineBytesMax: 0)
            state.problem = .unauthorized(refusal)
        }
    }

    /// Works on lines until nothing is left, the output is full, or it ends.
    private func work(
        _ state: inout State,
        _ output: inout [UInt8],
        room: Int,
        now: UInt64
    ) -> StreamStep {
        while output.count < room {
            if let line = state.lines.next() {
                answer(line, &state, &output)
                continue
            }
            if state.problem == nil, context.isDraining { state.problem = .draining() }
            if let problem = state.problem {
                MessageBatch.write(nil, problem, to: &output)
                return .ended
            }
            return state.lines.isEnded ? .ended : .waiting(until: now + Self.lookNanoseconds)
        }
        return .ready
    }

    func stop() {
        let count = state.withLock { state in
            state.isGone = true
            return state.count
        }
        finish("client gone", count)
    }

    private func answer(_ line: LineBuffer.Line, _ state: inout State, _ output: inout [UInt8]) {
        if case .whole(let range) = line,
            state.lines.bytes[range].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D })
        {
            return
        }
        let index = state.count
        state.count += 1
        do throws(Problem) {
            guard case .whole(let range) = line else {
                throw .lineTooLong(limit: context.configuration.bodyBytesMax)
            }
            let pid = try send(state.lines.bytes.span.extracting(range))
            var json = JSONWriter(reserving: 80)
            json.beginObject()
            json.member("index", index)
            json.member("ok", true)
            json.member("pid", context.text(pid))
            json.endObject()
            output += json.bytes
            output.append(UInt8(ascii: "\n"))
        } catch {
            MessageBatch.write(index, error, to: &output)
        }
    }

    /// Sends the message that a line of JSON is.
    private func send(_ line: Span<UInt8>) throws(Problem) -> PID {
        let order = try Call.decode(line) { body in
            (
                to: body.nonEmptyString("to", "a pid or a name may not be empty"),
                message: Messages.read(body)
            )
        }
        let pid = try context.resolve(order.to)
        try context.checkTarget(pid, named: order.to, for: .send, identity)
        try context.send(order.message.topic, order.message.payload, to: pid, named: order.to)
        return pid
    }

    private static func write(_ index: Int?, _ problem: Problem, to output: inout [UInt8]) {
        var json = JSONWriter(reserving: 240)
        json.beginObject()
        if let index { json.member("index", index) }
        json.member("ok", false)
        json.key("error")
        json.beginObject()
        problem.writeMembers(to: &json)
        json.endObject()
        json.endObject()
        output += json.bytes
        output.append(UInt8(ascii: "\n"))
    }
}
