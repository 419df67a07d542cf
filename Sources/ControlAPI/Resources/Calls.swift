import Access
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
            .begin(call, topic: wish.message.topic, payload: wish.message.payload)
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
/// itself to its caller fails with it. With an `Idempotency-Key` the client's leaving ends nothing
/// but the request: the message cannot be taken back, so the call goes on without a connection, as
/// one of `DetachedCalls`, and its answer is kept for the retry.
final class PendingCall: Sendable {
    private struct State {
        var isOver = false
        var port: PID?
        var timer: TimerKey?
        /// Who waits; nil once the client left.
        var call: Call?
    }

    /// What is left to do for who ended the call.
    private struct Ending {
        let port: PID?
        let call: Call?
    }

    private let claim: IdempotencyClaim?
    private let requestID: String
    private let owner: String
    private let context: Context
    private let target: PID
    private let timeoutMilliseconds: Int64
    private let startedAt: UInt64
    private let state: Mutex<State>

    private var runtime: Runtime { context.runtime }

    init(_ call: Call, _ context: Context, _ target: PID, timeoutMilliseconds: Int64) {
        claim = call.claim
        requestID = call.requestID
        owner = call.identity?.token.name ?? call.request.peer
        state = Mutex(State(call: call))
        self.context = context
        self.target = target
        self.timeoutMilliseconds = timeoutMilliseconds
        startedAt = context.runtime.clock.now()
    }

    /// Sends the message; throws when that is refused, and the call is over.
    func begin(_ call: Call, topic: String, payload: Payload) throws(Problem) {
        do throws(RuntimeFault) {
            let port = try runtime.open(makePort())
            state.withLock { $0.port = port }
            // Before it can answer, so that its exit is never missed.
            try runtime.monitor(target, by: port)
            try runtime.send(Signal(topic: topic, payload: payload, from: port), to: target)
        } catch {
            // Its exit, or the server's end, may have answered already.
            guard let ending = finish() else { return }
            if let port = ending.port { runtime.kill(port, .terminated) }
            throw context.problem(error, of: target, named: call.path("id"))
        }
        startTimer()
        call.exchange.onDisconnect { self.clientLeft() }
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

    private func startTimer() {
        // Not the exchange's timer: that one ends with the connection.
        let deadline = startedAt + UInt64(timeoutMilliseconds) * 1_000_000
        let timer = runtime.call(at: deadline) {
            self.expire()
        }
        let isOver = state.withLock { state in
            state.timer = timer
            return state.isOver
        }
        if isOver { runtime.stopTimer(timer) }
    }

    // MARK: The end

    /// Ends the call; nil where it had ended before.
    private func finish() -> Ending? {
        let (ending, timer) = state.withLock { state -> (Ending?, TimerKey?) in
            guard !state.isOver else { return (nil, nil) }
            state.isOver = true
            defer { state.call = nil }
            return (Ending(port: state.port, call: state.call), state.timer)
        }
        if let timer { runtime.stopTimer(timer) }
        if let ending, ending.call == nil, let port = ending.port { context.detached.remove(port) }
        return ending
    }

    /// Answers the client, or where it left, only its retry.
    private func answer(_ ending: Ending, _ response: Response, evenFailed: Bool = false) {
        if let call = ending.call { return call.respond(response, evenFailed: evenFailed) }
        claim?.finish(response, evenFailed: evenFailed)
    }

    private func answer(_ ending: Ending, _ problem: Problem, evenFailed: Bool = false) {
        answer(ending, problem.response(requestID: requestID), evenFailed: evenFailed)
    }

    /// A signal for the port, in its turn.
    private func take(_ signal: borrowing Signal) -> ExitReason? {
        switch signal.kind {
        case .message:
            guard let ending = finish() else { return .terminated }
            let topic = signal.topic
            let payload = signal.value
            let elapsed = (runtime.clock.now() - startedAt) / 1_000_000
            answer(
                ending,
                .json { json in
                    json.member("topic", topic)
                    json.member("payload", payload)
                    json.member("elapsed_ms", Int64(clamping: elapsed))
                }
            )
        case .exit:
            guard let ending = finish() else { return .terminated }
            let record = runtime.exitRecord(of: target).map { record in
                var json = JSONWriter(reserving: 256)
                json.exitRecord(record, runtime.pids)
                return json.bytes
            }
            answer(ending, .targetExited(context.text(target), record))
        default: return nil
        }
        return .normal(.nothing)
    }

    /// The time is over.
    private func expire() {
        guard let ending = finish() else { return }
        if let port = ending.port { runtime.kill(port, .terminated) }
        answer(
            ending,
            .callTimeout(context.text(target), timeoutMilliseconds),
            // A retry must not send the message again.
            evenFailed: true
        )
    }

    /// Nobody waits on the connection any longer.
    private func clientLeft() {
        guard claim != nil else {
            if let port = finish()?.port { runtime.kill(port, .terminated) }
            return
        }
        guard let port = state.withLock({ $0.isOver ? nil : $0.port }) else { return }
        // Before the call is let go, so that who ends it after that finds it there.
        let displaced = context.detached.add(port, of: owner)
        let (call, isOver) = state.withLock { state in
            defer { state.call = nil }
            return (state.call, state.isOver)
        }
        if isOver { context.detached.remove(port) }
        if let displaced { runtime.kill(displaced, .terminated) }
        // The last hold on the exchange: the connection closes.
        withExtendedLifetime(call) {}
    }

    /// The port was closed; if nothing was answered before, from outside.
    private func closed() {
        guard let ending = finish() else { return }
        if context.isDraining { return answer(ending, .draining()) }
        answer(ending, .callerTerminated(ending.port.map { context.text($0) } ?? ""))
    }
}

/// Calls that go on after their client left, for its retry: each is a port, and a key at work.
///
/// There are at most `perOwnerMax` of each client's, a token's or an address's, and `callsMax` in
/// all. Where one too many comes, the oldest is to end: its retry learns that its caller was
/// terminated, and its message is not sent again.
final class DetachedCalls: Sendable {
    private struct Entry {
        let owner: String
        /// Rises by one a call.
        let number: UInt64
    }

    private struct State {
        var entries: [PID: Entry] = [:]
        var counts: [String: Int] = [:]
        var next: UInt64 = 0
    }

    private let perOwnerMax: Int
    private let callsMax: Int
    private let state = Mutex(State())

    init(perOwnerMax: Int, callsMax: Int) {
        self.perOwnerMax = perOwnerMax
        self.callsMax = callsMax
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Counts a call in, and returns the port of the one that has to end for it.
    ///
    /// Linear in the number of calls where one has to.
    func add(_ port: PID, of owner: String) -> PID? {
        state.withLock { state in
            var displaced: PID?
            if state.counts[owner, default: 0] >= perOwnerMax {
                displaced = DetachedCalls.oldest(state.entries.filter { $0.value.owner == owner })
            } else if state.entries.count >= callsMax {
                displaced = DetachedCalls.oldest(state.entries)
            }
            if let displaced { DetachedCalls.remove(displaced, &state) }
            state.entries[port] = Entry(owner: owner, number: state.next)
            state.counts[owner, default: 0] += 1
            state.next += 1
            return displaced
        }
    }

    func remove(_ port: PID) { state.withLock { DetachedCalls.remove(port, &$0) } }

    private static func remove(_ port: PID, _ state: inout State) {
        guard let entry = state.entries.removeValue(forKey: port) else { return }
        let left = state.counts[entry.owner, default: 0] - 1
        state.counts[entry.owner] = left > 0 ? left : nil
    }

    private static func oldest(_ entries: [PID: Entry]) -> PID? {
        entries.min { $0.value.number < $1.value.number }?.key
    }
}
