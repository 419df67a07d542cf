import HTTP
import ProcessRuntime
import Synchronization

/// One client's view of the events: a cursor into the feed, and a filter.
///
/// It holds no events: what the client is slow to take stays in the feed, and when it falls out
/// there the client gets one `gap` and goes on. In order: `retry`, `hello`, perhaps a `gap`, then
/// events, a heartbeat after each silence, and a `bye` where the server ends it.
final class EventStream: ResponseStream {
    /// What the client asked for.
    struct Order: Sendable {
        var start: StreamStart
        var filter = EventFilter()
        var form = StreamForm.serverSent
        /// How many events to send before ending; nil for no end.
        var eventsMax: Int?
        /// Asked at each heartbeat: the reason to say goodbye to a client that may not listen any
        /// more; nil while it may.
        var farewell: (@Sendable () -> String?)?
    }

    private struct State {
        var cursor: UInt64
        var filter: EventFilter
        var remaining: Int?
        var hasBegun = false
        /// Whether events were read before: an eviction later is the reader's own slowness.
        var hasRead = false
        /// The last id the client was told.
        var toldID: UInt64
        /// When something was last sent, monotonic nanoseconds.
        var sentAt: UInt64 = 0
        /// When the client's right to listen was last looked at.
        var checkedAt: UInt64?
        var membership: UInt64?
        var isClosed = false
    }

    private enum Constant {
        /// Events taken from the feed at a time.
        static let batch = 128
        /// Events looked at in one `fill`, so that a filter over a long history lets others in.
        static let looksMax = 4_096
    }

    private let hub: EventHub
    private let order: Order
    private let state: Mutex<State>

    /// Makes a stream that `hub.open` counted in.
    init(_ order: Order, _ hub: EventHub) {
        self.order = order
        self.hub = hub
        state = Mutex(
            State(
                cursor: order.start.cursor,
                filter: order.filter,
                remaining: order.eventsMax,
                toldID: order.start.cursor
            )
        )
    }

    deinit {
        close()
    }

    func start(_ waker: StreamWaker) {
        state.withLock { $0.membership = hub.join(waker) }
        if order.filter.wantsLogs { hub.runtime.feed.countLogReader(1) }
    }

    func stop() {
        close()
    }

    private func close() {
        let (isFirst, membership) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.membership)
        }
        guard isFirst else { return }
        hub.close(membership)
        if membership != nil, order.filter.wantsLogs { hub.runtime.feed.countLogReader(-1) }
    }

    func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep {
        let before = output.count
        let drainMark = hub.drainMark
        return state.withLock { state in
            if let reason = farewell(&state, now) { return leave(reason, &output) }
            if !state.hasBegun { begin(&state, &output) }
            let step = send(&state, &output, fullAt: before + max(room, 1), drainMark)
            if output.count > before { state.sentAt = now }
            guard case .waiting = step else { return step }
            if now >= state.sentAt &+ heartbeat {
                beat(&state, &output)
                state.sentAt = now
            }
            return .waiting(until: min(state.sentAt, state.checkedAt ?? .max) &+ heartbeat)
        }
    }

    private var heartbeat: UInt64 { hub.configuration.heartbeatNanoseconds }

    /// Why the client may not listen any more; looks once in the time of a heartbeat, also while
    /// there is so much to send that no heartbeat is due.
    private func farewell(_ state: inout State, _ now: UInt64) -> String? {
        guard let farewell = order.farewell else { return nil }
        if let checkedAt = state.checkedAt, now < checkedAt &+ heartbeat { return nil }
        // At the start it has just been looked at.
        defer { state.checkedAt = now }
        return state.checkedAt == nil ? nil : farewell()
    }

    // MARK: Steps

    private func begin(_ state: inout State, _ output: inout [UInt8]) {
        state.hasBegun = true
        state.filter.name?.settle(after: state.cursor, hub.runtime)
        let feed = hub.runtime.feed
        let hello = Hello(
            id: order.start.helloID.text,
            epoch: hub.runtime.pids.epoch,
            oldest: hub.eventID(feed.oldest).text,
            latest: hub.eventID(feed.latest).text,
            heartbeatMilliseconds: Int(hub.configuration.heartbeatNanoseconds / 1_000_000)
        )
        order.form.appendRetry(hub.configuration.retryMilliseconds, to: &output)
        order.form.append(hello, to: &output)
        if let reason = order.start.gap {
            tell(reason, &state, requested: order.start.requested, missed: nil, &output)
        }
    }

    /// Sends events until nothing is left, the output is full, or the stream ends.
    private func send(
        _ state: inout State,
        _ output: inout [UInt8],
        fullAt limit: Int,
        _ drainMark: UInt64?
    ) -> StreamStep {
        var looks = 0
        var isAsleep = false
        while output.count < limit && looks < Constant.looksMax {
            if let mark = drainMark, state.cursor >= mark { return leave("draining", &output) }
            let batch = hub.runtime.feed.read(after: state.cursor, limit: Constant.batch)
            if batch.missed > 0 { overtaken(&state, batch.missed, &output) }
            state.hasRead = true
            if batch.events.isEmpty {
                if isAsleep { return .waiting(until: nil) }
                guard let membership = state.membership else { return .waiting(until: nil) }
                hub.sleep(membership)
                isAsleep = true
                continue
            }
            isAsleep = false
            looks += batch.events.count
            for event in batch.events {
                if let mark = drainMark, event.sequence > mark { break }
                state.cursor = event.sequence
                guard state.filter.wants(event) else { continue }
                order.form.append(hub.rendered(event), to: &output)
                state.toldID = event.sequence
                if let remaining = state.remaining {
                    state.remaining = remaining - 1
                    if remaining <= 1 { return leave("max-events", &output) }
                }
                if output.count >= limit { break }
            }
        }
        return .ready
    }

    private func overtaken(_ state: inout State, _ missed: UInt64, _ output: inout [UInt8]) {
        let requested = state.hasRead ? hub.eventID(state.cursor).text : order.start.requested
        let reason = state.hasRead || requested == nil ? GapReason.slowReader : .evicted
        state.cursor += missed
        state.filter.name?.settle(after: state.cursor, hub.runtime)
        tell(reason, &state, requested: requested, missed: missed, &output)
    }

    private func tell(
        _ reason: GapReason,
        _ state: inout State,
        requested: String?,
        missed: UInt64?,
        _ output: inout [UInt8]
    ) {
        let gap = Gap(
            reason: reason,
            requested: requested,
            resumesAt: hub.eventID(state.cursor).text,
            missed: missed,
            isFiltered: state.filter.isNarrow
        )
        order.form.append(gap, to: &output)
        state.toldID = state.cursor
    }

    private func beat(_ state: inout State, _ output: inout [UInt8]) {
        // A client whose filter let nothing through learns how far it is, so that it resumes there
        // and not at an id that has long been evicted.
        let moved = state.cursor != state.toldID
        order.form.appendHeartbeat(id: moved ? hub.eventID(state.cursor).text : nil, to: &output)
        state.toldID = state.cursor
    }

    private func leave(_ reason: String, _ output: inout [UInt8]) -> StreamStep {
        let isDrain = reason == "draining"
        // All clients of a server that restarts come back within four seconds, not at once.
        let wait = isDrain ? 1_000 + Int(hub.configuration.random() % 4_000) : nil
        order.form.append(Bye(reason: reason, retryMilliseconds: wait), to: &output)
        if let wait { order.form.appendRetry(wait, to: &output) }
        return .ended
    }
}
