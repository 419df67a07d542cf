import Synchronization

/// The scheduler as a game of chance on one thread: the seed decides who runs next.
///
/// The same `Runtime` code runs here and on threads; only the order and the clock differ. Nothing
/// runs until `step` is called. Not for concurrent use.
package final class Simulation: Dispatcher, RuntimeClock {
    private struct State {
        var ready: [ControlBlock] = []
        var random: SeededRandom
        var now: UInt64 = 1_000_000_000
        /// Weak: the runtime holds its dispatcher.
        weak var runtime: Runtime?
    }

    private let state: Mutex<State>
    package let seed: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    /// Makes a runtime whose clock and scheduler this is; the caller keeps it.
    package func makeRuntime(
        _ configuration: Runtime.Configuration = Runtime.Configuration()
    ) -> Runtime {
        let made = Runtime(configuration, clock: self, dispatcher: self)
        state.withLock { $0.runtime = made }
        return made
    }

    private var runtime: Runtime? { state.withLock { $0.runtime } }

    package func enqueue(_ block: ControlBlock, urgent: Bool) {
        state.withLock { $0.ready.append(block) }
    }

    package func requeue(_ block: ControlBlock, afterSlice: Bool) { enqueue(block, urgent: false) }
    package func interrupt(_ block: ControlBlock) {}
    package func timerChanged(to deadline: UInt64) {}
    package func now() -> UInt64 { state.withLock { $0.now } }
    package func wall() -> UInt64 { state.withLock { 1_700_000_000_000_000_000 + $0.now } }

    /// A number below `bound` from the seed's sequence.
    package func random(below bound: Int) -> Int {
        state.withLock { Int($0.random.next() % UInt64(max(bound, 1))) }
    }

    /// Lets virtual time pass.
    package func advance(by nanoseconds: UInt64) {
        let now = state.withLock { state in
            state.now += nanoseconds
            return state.now
        }
        while let next = runtime?.runTimers(), next <= now {}
    }

    /// Gives one ready process, chosen by the seed, a turn; false when none is ready.
    package func step() -> Bool {
        let block = state.withLock { state -> ControlBlock? in
            guard !state.ready.isEmpty else { return nil }
            let index = Int(state.random.next() % UInt64(state.ready.count))
            state.ready.swapAt(index, state.ready.count - 1)
            return state.ready.removeLast()
        }
        guard let block else { return false }
        runtime?.runTurn(block, on: nil, from: now())
        return true
    }

    /// Steps, and lets time pass to the next timer when nobody is ready, until all is quiet or
    /// `limit` steps were made.
    ///
    /// Returns whether all is quiet.
    package func run(limit: Int = 1_000_000) -> Bool {
        for _ in 0..<limit {
            if step() { continue }
            guard let next = runtime?.runTimers() else { return true }
            let wait = state.withLock { state -> UInt64 in
                next > state.now ? next - state.now : 0
            }
            advance(by: wait)
        }
        return false
    }
}
