import Synchronization

/// The transitions of `state`, each with a name: compare-and-exchanges, and plain stores where it does
/// not matter what another thread makes of it meanwhile.
///
/// What makes wake-ups exact: a sender puts its signal into `incoming` (under the lock) *before* it
/// calls `wake`; a turn that found nothing to do calls `endTurnWaiting` *after* it looked. Whichever
/// order the two take on `state`, either the waker sees `waiting` and queues the process, or the
/// turn's end sees `runningWoken` and queues it itself.
extension ControlBlock {
    var runState: RunState {
        decode(fields.state.load(ordering: .acquiring))
    }

    private func decode(_ raw: UInt8) -> RunState {
        guard let value = RunState(rawValue: raw) else {
            preconditionFailure("a process's state word holds \(raw)")
        }
        return value
    }

    private func exchange(_ from: RunState, _ to: RunState) -> Bool {
        // Acquire and release: what the last turn wrote is seen by the next one, on whichever
        // thread; what a waker wrote before is seen by the turn it causes.
        fields.state.compareExchange(
            expected: from.rawValue,
            desired: to.rawValue,
            ordering: .acquiringAndReleasing
        ).exchanged
    }

    enum WakeOutcome {
        /// The caller must put it into a run queue.
        case mustQueue
        /// It is queued already, or being made, or gone.
        case nothingToDo
        /// It runs now, and will look again.
        case noted
    }

    /// Something arrived for the process.
    func wake() -> WakeOutcome {
        while true {
            switch runState {
            case .waiting:
                if exchange(.waiting, .ready) { return .mustQueue }
            case .running:
                if exchange(.running, .runningWoken) { return .noted }
            case .runningWoken: return .noted
            case .ready, .starting, .free: return .nothingToDo
            }
        }
    }

    /// The process is complete: its first turn may come.
    ///
    /// The caller must queue it.
    func becomeReady() {
        let changed = exchange(.starting, .ready)
        precondition(changed, "a process becomes ready once")
    }

    /// The process is complete, and has nothing to do before something arrives.
    ///
    /// What arrived while it was starting did not queue it: the caller must look.
    func becomeWaiting() {
        let changed = exchange(.starting, .waiting)
        precondition(changed, "a process begins to wait once")
    }

    /// Takes the turn; false when someone else has it or there is nothing to run.
    func beginTurn() -> Bool {
        exchange(.ready, .running)
    }

    /// The turn found nothing more to do.
    ///
    /// Returns whether the caller must queue it again.
    func endTurnWaiting() -> Bool {
        if exchange(.running, .waiting) { return false }
        endTurnPreempted()
        return true
    }

    /// The slice is over; the caller must queue it again.
    func endTurnPreempted() {
        // An exchange, since a waker's running -> runningWoken may come before it: what that waker
        // wrote is acquired here, and released to the next turn.
        _ = fields.state.exchange(RunState.ready.rawValue, ordering: .acquiringAndReleasing)
    }

    /// When the present turn began (monotonic nanoseconds); for whoever has the turn.
    package var turnStart: UInt64 { fields.turnStartedAt.load(ordering: .relaxed) }

    /// How long the process has run so far, its present turn included, in nanoseconds.
    ///
    /// `now` is the runtime's monotonic clock. Exact for whoever has the turn; others may miss one
    /// that ends meanwhile, but none is counted twice: what was added up is read first, and a sum
    /// that holds a turn shows that the turn is over.
    package func usedNanoseconds(at now: UInt64) -> UInt64 {
        // Acquire: pairs with the release store in `runTurn`.
        let past = fields.cpuNanoseconds.load(ordering: .acquiring)
        let start = fields.turnStartedAt.load(ordering: .relaxed)
        // A turn that began after `now` has used nothing by then.
        return past &+ (start == 0 || start > now ? 0 : now - start)
    }

    /// Whether something arrived that was not taken; for whoever has the turn.
    package var hasArrivals: Bool { fields.hasIncoming.load(ordering: .acquiring) }

    /// Puts a signal where the next look finds it; the caller holds the lock, and wakes afterwards.
    func put(_ signal: consuming Signal, into state: inout Guarded) {
        state.incoming.append(signal)
        fields.hasIncoming.store(true, ordering: .releasing)
    }

    /// Puts a lifecycle event; as `put`.
    func put(event signal: consuming Signal, into state: inout Guarded) {
        fields.queuedEventBytes.wrappingAdd(signal.byteCount, ordering: .relaxed)
        put(signal, into: &state)
    }

    /// Puts an answer that the process waits for; as `put`.
    func put(reply signal: consuming Signal, into state: inout Guarded) {
        fields.queuedReplyBytes.wrappingAdd(signal.byteCount, ordering: .relaxed)
        put(signal, into: &state)
    }

    /// The process is gone and its slot may be filled again.
    func becomeFree() {
        fields.state.store(RunState.free.rawValue, ordering: .releasing)
    }

    /// The slot is being filled.
    func becomeStarting() {
        fields.state.store(RunState.starting.rawValue, ordering: .releasing)
    }
}
