import Access
import HTTP
import HTTPServer
import Logging
import ProcessRuntime
import Synchronization

/// One line for each request that may change something: who, what, on what, and with what success.
///
/// Never a token, a payload, or an argument. Requests that nobody was found to have sent are not
/// here: they changed nothing, and anyone can send any number of them (`FailureLog`). So where
/// nobody is asked, there is a line once it has turned out who it was: after a login that succeeds,
/// and a logout that ends a session. Nor are those that the server itself refuses for their size or
/// their slowness: no endpoint has seen them.
struct AuditLog: Sendable {
    private let log: Logger

    init(_ log: Logger) { self.log = log }

    /// Begins the line of a request; nil for one that only reads.
    func record(_ admitted: Admitted) -> AuditRecord? {
        let (request, route, identity) = (admitted.request, admitted.route, admitted.identity)
        guard route.isMutating else { return nil }
        return AuditRecord(
            log,
            [
                "who": "\(identity?.token.name ?? "anonymous")",
                "by": "\(identity.map { $0.isSession ? "session" : "token" } ?? "nothing")",
                "method": "\(request.method)", "route": "\(route.pattern)",
                "peer": "\(request.peer)", "request_id": "\(admitted.dress.requestID)",
            ],
            target: ["id", "other", "name"].compactMap { admitted.parameters[$0] }.joined(
                separator: " "
            ),
            isForKnownOnly: route.right == nil
        )
    }
}

/// A line of the audit log that is written once: with the answer, or when nobody is left to take it.
final class AuditRecord: Sendable {
    private struct State {
        var target: String
        var who: String?
        var isWritten = false
    }

    private let log: Logger
    private let fields: Logger.Metadata
    private let isForKnownOnly: Bool
    private let state: Mutex<State>

    /// Begins a line; one that is `isForKnownOnly` is written only after `setWho`.
    init(_ log: Logger, _ fields: Logger.Metadata, target: String, isForKnownOnly: Bool) {
        self.log = log
        self.fields = fields
        self.isForKnownOnly = isForKnownOnly
        state = Mutex(State(target: shortened(target)))
    }

    deinit { finish("client gone") }

    /// Says what the request is about, where its path does not.
    func setTarget(_ target: String) {
        let target = shortened(target)
        state.withLock { $0.target = target }
    }

    /// Says who it turned out to be.
    func setWho(_ name: String) { state.withLock { $0.who = name } }

    /// Writes the line; the first call counts.
    func finish(_ status: String) {
        let last = state.withLock { state -> State? in
            defer { state.isWritten = true }
            return state.isWritten ? nil : state
        }
        guard let last, last.who != nil || !isForKnownOnly else { return }
        var fields = fields
        fields["target"] = "\(last.target)"
        fields["status"] = "\(status)"
        if let who = last.who { fields["who"] = "\(who)" }
        log.info("audit", metadata: fields)
    }
}

/// Says in the log that somebody was not let in, at most ten times a minute.
///
/// Anyone who reaches the port can cause these lines.
final class FailureLog: Sendable {
    private struct State {
        var windowEnd: UInt64 = 0
        var count = 0
        var isFirst = true
    }

    private static let linesMax = 10
    private static let windowNanoseconds: UInt64 = 60_000_000_000

    private let log: Logger
    private let clock: any RuntimeClock
    private let state = Mutex(State())

    init(_ log: Logger, _ clock: any RuntimeClock) {
        self.log = log
        self.clock = clock
    }

    /// Notes one refusal.
    func note(_ problem: Problem, _ request: Request, requestID: String) {
        let now = clock.now()
        let (isLogged, unsaid) = state.withLock { state -> (Bool, Int) in
            var unsaid = 0
            if state.isFirst || now >= state.windowEnd {
                unsaid = max(0, state.count - FailureLog.linesMax)
                state = State(windowEnd: now + FailureLog.windowNanoseconds, isFirst: false)
            }
            state.count += 1
            return (state.count <= FailureLog.linesMax, unsaid)
        }
        if unsaid > 0 {
            log.warning("not let in: more often than logged", metadata: ["times": "\(unsaid)"])
        }
        guard isLogged else { return }
        log.warning(
            "not let in: \(problem.detail)",
            metadata: [
                "peer": "\(request.peer)", "method": "\(request.method)",
                "path": "\(shortened(request.path))", "request_id": "\(requestID)",
            ]
        )
    }
}
