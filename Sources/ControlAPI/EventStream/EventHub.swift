import HTTP
import ProcessRuntime
import Synchronization

/// Joins the runtime's one feed with any number of streams.
///
/// Publishers never wait: a publish looks at one number, and only when streams sleep does it wake
/// them, each once until it sleeps again. No wake-up is lost:
///
/// 1. A stream that found nothing calls `sleep`, then *reads the feed again*, then waits.
/// 2. A publisher appends under the feed's lock, then looks for sleepers.
///
/// Either the stream's second read comes after the append, and finds the event; or it comes before,
/// and the publisher, who took the feed's lock later, sees the sleeper.
///
/// Drain: `beginDrain` fixes the last event that open streams still send, and wakes them all; each
/// says `bye` after that event and ends. A stream opened later does the same at once.
final class EventHub: Sendable {
    private struct State {
        var wakers: [UInt64: StreamWaker] = [:]
        var asleep: Set<UInt64> = []
        var nextID: UInt64 = 1
        /// Streams made and not yet stopped, started or not.
        var open = 0
        var drainMark: UInt64?
    }

    let runtime: Runtime
    let configuration: ControlConfiguration
    private let events: RenderedEvents
    private let state = Mutex(State())
    private let sleepers = Sleepers()

    /// How many streams sleep; written under the lock, read by publishers without it.
    ///
    /// Apart from the hub, so that a publish with nobody asleep touches no reference count but one
    /// nobody else writes.
    private final class Sleepers: Sendable {
        let count = Atomic<Int>(0)
    }

    init(_ runtime: Runtime, _ configuration: ControlConfiguration) {
        self.runtime = runtime
        self.configuration = configuration
        events = RenderedEvents(
            capacity: configuration.renderedEventsMax,
            bytesMax: configuration.renderedBytesMax
        )
        runtime.feed.setListener { [weak self, sleepers] in
            if sleepers.count.load(ordering: .relaxed) > 0 { self?.wakeSleepers() }
        }
    }

    // MARK: Streams

    /// Counts one more stream in; false at the limit.
    func open() -> Bool {
        state.withLock { state in
            guard state.open < configuration.streamsMax else { return false }
            state.open += 1
            return true
        }
    }

    var openCount: Int { state.withLock { $0.open } }

    /// Takes a stream's waker; the number is what `sleep` and `close` are called with.
    func join(_ waker: StreamWaker) -> UInt64 {
        state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            state.wakers[id] = waker
            return id
        }
    }

    /// Asks for one wake at the next publish; read the feed once more before waiting.
    func sleep(_ id: UInt64) {
        state.withLock { state in
            state.asleep.insert(id)
            sleepers.count.store(state.asleep.count, ordering: .relaxed)
        }
    }

    /// Counts a stream out; nil for one that never started.
    func close(_ id: UInt64?) {
        state.withLock { state in
            state.open -= 1
            guard let id else { return }
            state.wakers[id] = nil
            state.asleep.remove(id)
            sleepers.count.store(state.asleep.count, ordering: .relaxed)
        }
    }

    private func wakeSleepers() {
        let wakers = state.withLock { state -> [StreamWaker] in
            let wakers = state.asleep.compactMap { state.wakers[$0] }
            state.asleep.removeAll(keepingCapacity: true)
            sleepers.count.store(0, ordering: .relaxed)
            return wakers
        }
        for waker in wakers { waker.wake() }
    }

    // MARK: Events

    func rendered(_ event: LifecycleEvent) -> RenderedEvent {
        events.rendered(event.sequence) {
            RenderedEvent(
                event,
                runtime.pids,
                resultBytesMax: configuration.resultBytesMax
            )
        }
    }

    var renderingCount: Int { events.renderingCount }

    func eventID(_ sequence: UInt64) -> EventID {
        EventID(epoch: runtime.pids.epoch, sequence: sequence)
    }

    // MARK: Drain

    func beginDrain() {
        let mark = runtime.feed.latest
        let wakers = state.withLock { state -> [StreamWaker] in
            if state.drainMark == nil { state.drainMark = mark }
            return Array(state.wakers.values)
        }
        for waker in wakers { waker.wake() }
    }

    /// The last event streams still send; nil while the server is not draining.
    var drainMark: UInt64? { state.withLock { $0.drainMark } }
}
