import HTTP
import HTTPServer
import JSON
import Payload
import ProcessRuntime
import Synchronization

/// `POST /v1/processes/{id}/call`: a message, and the first one that comes back.
enum Calls {
    /// A day, as for exec.
    private static let timeoutMillisecondsMax: Int64 = 86_400_000

    static func post(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let target = try call.target("id", context)
        let wish = try call.body { body in
            (
                message: Messages.read(body),
                timeout: body.integer("timeout_ms", in: 1...timeoutMillisecondsMax) ?? 5_000
            )
        }
        try PendingCall(call, context, target, timeoutMilliseconds: wish.timeout)
            .begin(topic: wish.message.topic, payload: wish.message.payload)
        return nil
    }
}

/// One call under way: a port that has sent the message, monitors its target, and waits.
///
/// It ends once, by what comes first: a message to the port, the target's EXIT, the time, the
/// client's leaving, or the port's end. They come on different threads; whoever finds the call open
/// answers. A reply that was sent before its sender's exit is in the port's mailbox before that.
///
/// A port that ends by the time or the client's leaving ends as terminated, so a process that linked
/// itself to its caller fails with it. With an `Idempotency-Key` the client's leaving ends nothing:
/// the message cannot be taken back, so the answer is kept for the retry.
final class PendingCall: Sendable {
    private struct State {
        var isOver = false
        var port: PID?
        var timer: TimerKey?
    }

    private let call: Call
    private let context: Context
    private let target: PID
    private let timeoutMilliseconds: Int64
    private let startedAt: UInt64
    private let state = Mutex(State())

    private var runtime: Runtime { context.runtime }

    init(_ call: Call, _ context: Context, _ target: PID, timeoutMilliseconds: Int64) {
        self.call = call
        self.context = context
        self.target = target
        self.timeoutMilliseconds = timeoutMilliseconds
        startedAt = context.runtime.clock.now()
    }

    /// Sends the message; throws when that is refused, and the call is over.
    func begin(topic: String, payload: Payload) throws(Problem) {
        do throws(RuntimeFault) {
            let port = try runtime.open(makePort())
            state.withLock { $0.port = port }
            // Before it can answer, so that its exit is never missed.
            try runtime.monitor(target, by: port)
            try runtime.send(Signal(topic: topic, payload: payload, from: port), to: target)
        } catch {
            // Its exit, or the server's end, may have answered already.
            guard let port = finish() else { return }
            if let port { runtime.kill(port, .terminated) }
            throw problem(error)
        }
        startTimer()
        if call.claim == nil {
            call.exchange.onDisconnect { self.abort(answering: nil) }
        }
    }

    private func makePort() -> Port {
        var limits = ProcessLimits()
        // The first message counts; there is no room for others.
        limits.mailboxMessages = 1
        return Port(runtime, entry: "moonlet:call", limits: limits) { signal in
            self.take(signal)
        } onClose: {
            self.closed()
        }
    }

    private func problem(_ fault: RuntimeFault) -> Problem {
        switch fault {
        case .mailboxFull: .mailboxFull(context.text(target))
        case .processNotFound: .processNotFound(call.path("id"))
        default: context.problem(fault, name: "", at: "")
        }
    }

    private func startTimer() {
        // Not the exchange's timer: that one ends with the connection.
        let deadline = startedAt + UInt64(timeoutMilliseconds) * 1_000_000
        let timer = runtime.call(at: deadline) {
            self.abort(
                answering: .callTimeout(self.context.text(self.target), self.timeoutMilliseconds)
            )
        }
        let isOver = state.withLock { state in
            state.timer = timer
            return state.isOver
        }
        if isOver { runtime.stopTimer(timer) }
    }

    // MARK: The end

    /// Ends the call; nil where it had ended before, else its port, if that was opened.
    private func finish() -> PID?? {
        let (port, timer) = state.withLock { state -> (PID??, TimerKey?) in
            guard !state.isOver else { return (nil, nil) }
            state.isOver = true
            return (.some(state.port), state.timer)
        }
        if let timer { runtime.stopTimer(timer) }
        return port
    }

    /// A signal for the port, in its turn.
    private func take(_ signal: borrowing Signal) -> ExitReason? {
        switch signal.kind {
        case .message:
            guard finish() != nil else { return .terminated }
            let topic = signal.topic
            let payload = signal.value
            let elapsed = (runtime.clock.now() - startedAt) / 1_000_000
            call.respond(
                .json { json in
                    json.member("topic", topic)
                    json.member("payload", payload)
                    json.member("elapsed_ms", Int64(clamping: elapsed))
                }
            )
        case .exit:
            guard finish() != nil else { return .terminated }
            let record = runtime.exitRecord(of: target).map { record in
                var json = JSONWriter(reserving: 256)
                json.exitRecord(record, runtime.pids)
                return json.bytes
            }
            call.respond(.targetExited(context.text(target), record))
        default: return nil
        }
        return .normal(.nothing)
    }

    /// Nobody waits any longer.
    private func abort(answering problem: Problem?) {
        guard let port = finish() else { return }
        if let port { runtime.kill(port, .terminated) }
        if let problem { call.respondLate(problem) }
    }

    /// The port was closed; if nothing was answered before, from outside.
    private func closed() {
        guard let port = finish() else { return }
        if context.isDraining { return call.respond(.draining()) }
        call.respond(.callerTerminated(port.map { context.text($0) } ?? ""))
    }
}
