import HTTP
import HTTPServer
import Synchronization

/// An exchange without a connection: keeps the answer, and lets a test play the loop.
final class FakeExchange: Exchange {
    private struct State {
        var responses: [Response] = []
        var timers: [(nanoseconds: UInt64, action: @Sendable () -> Void)] = []
        var departures: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    func respond(_ response: Response) { state.withLock { $0.responses.append(response) } }

    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.departures.append(action) }
    }

    func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.timers.append((nanoseconds, action)) }
    }

    /// The first answer; nil while there is none.
    var response: Response? { state.withLock { $0.responses.first } }
    var responseCount: Int { state.withLock { $0.responses.count } }
    var timerNanoseconds: [UInt64] { state.withLock { $0.timers.map(\.nanoseconds) } }

    /// Time passes: every timer fires.
    func elapse() {
        let due = state.withLock { state in
            defer { state.timers = [] }
            return state.timers
        }
        for timer in due { timer.action() }
    }

    /// The client goes away.
    func disconnect() {
        let actions = state.withLock { state in
            defer { state.departures = [] }
            return state.departures
        }
        for action in actions { action() }
    }
}
