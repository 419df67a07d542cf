import Synchronization

/// Where the runtime gets the time from.
package protocol RuntimeClock: Sendable {
    /// Monotonic nanoseconds.
    func now() -> UInt64
    /// Nanoseconds since 1970-01-01 UTC.
    func wall() -> UInt64
}

/// Who gives processes their turns: worker threads, or a simulation on one thread.
package protocol Dispatcher: AnyObject, Sendable {
    /// Takes a process that became ready. `urgent` ones (about to die) go first.
    func enqueue(_ block: ControlBlock, urgent: Bool)
    /// Takes a process whose turn is over and that wants another: behind others like it.
    ///
    /// `afterSlice`: it has used up its slice; else something arrived during its turn.
    func requeue(_ block: ControlBlock, afterSlice: Bool)
    /// Makes the running process's turn end soon.
    func interrupt(_ block: ControlBlock)
    /// The next timer changed to an earlier time (monotonic nanoseconds).
    func timerChanged(to deadline: UInt64)
}

/// Why an operation on processes was refused (each case: who sees it, SEMANTICS 4 to 9).
package enum RuntimeFault: Error, Equatable, Sendable {
    /// No live process has that pid.
    case processNotFound
    /// The receiver's mailbox is at its limit of messages or bytes.
    case mailboxFull
    /// The name belongs to that live process.
    case nameTaken(PID)
    case nameInvalid(String)
    /// The process has as many names as it may.
    case tooManyNames
    /// The server, or the host, has as many processes as it may.
    case processLimit
    /// The watcher monitors that process already.
    case alreadyMonitoring
    /// The server is stopping: no new processes.
    case draining
    /// The process asking is itself about to end.
    case callerDying
}

/// The heart: processes, their mailboxes, links, monitors, names, timers and the event feed.
///
/// Knows no Lua, no HTTP, no JSON: it runs `Runnable`s. Every method may be called by any thread;
/// none blocks beyond the short locks listed in ARCHITECTURE.md. Time and scheduling come from
/// outside, so the same code runs on worker threads and in a seeded simulation.
package final class Runtime: Sendable {
    package let pids: PIDFormat
    package let feed: EventFeed
    package let clock: any RuntimeClock
    package let configuration: Configuration
    let table: ProcessTable
    let names = NameRegistry()
    let exits: ExitLog
    let timers: Mutex<TimerWheel<TimerTarget>>
    let dispatcher: any Dispatcher
    let counters = Counters()
    let draining = Atomic<Bool>(false)
    private let nextWaiter = Atomic<UInt64>(1)

    package struct Configuration: Sendable {
        package var node = "moon"
        package var processesMax = 1_000_000
        package var eventsMax = 65_536
        package var eventBytesMax = 64 << 20
        package var exitsMax = 10_000
        package var exitBytesMax = 64 << 20
        package var exitAgeNanoseconds: UInt64 = 600_000_000_000
        package var namesPerProcessMax = 64
        package var nameBytesMax = 256
        package init() {}
    }

    struct Counters: ~Copyable, Sendable {
        let spawned = Atomic<UInt64>(0)
        let exited = ExitCounts()
        let mailboxFull = Atomic<UInt64>(0)
        let messages = Atomic<UInt64>(0)
        let live = Atomic<Int>(0)
        let heldTimers = Atomic<Int>(0)
    }

    package init(
        _ configuration: Configuration = Configuration(),
        clock: any RuntimeClock,
        dispatcher: any Dispatcher
    ) {
        self.configuration = configuration
        self.clock = clock
        self.dispatcher = dispatcher
        pids = PIDFormat(node: configuration.node, startMilliseconds: clock.wall() / 1_000_000)
        feed = EventFeed(
            capacity: configuration.eventsMax,
            bytesMax: configuration.eventBytesMax
        )
        exits = ExitLog(
            capacity: configuration.exitsMax,
            bytesMax: configuration.exitBytesMax,
            ageNanoseconds: configuration.exitAgeNanoseconds
        )
        table = ProcessTable(capacity: configuration.processesMax)
        timers = Mutex(TimerWheel(start: clock.now()))
    }

    /// How many processes were made, ended and live now; messages accepted.
    package var counts: (spawned: UInt64, exited: UInt64, live: Int, messages: UInt64) {
        (
            counters.spawned.load(ordering: .relaxed), counters.exited.total,
            counters.live.load(ordering: .relaxed), counters.messages.load(ordering: .relaxed)
        )
    }

    /// How many processes ended, by the word of their reason.
    package var exitCounts: [(reason: String, count: UInt64)] { counters.exited.all }

    /// How many messages were refused because the mailbox was full.
    package var mailboxFullCount: UInt64 { counters.mailboxFull.load(ordering: .relaxed) }

    func nextWaiterID() -> UInt64 {
        nextWaiter.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    // MARK: Waking

    /// Something arrived at `block`: gives it a turn if it waits.
    func wake(_ block: ControlBlock) {
        if case .mustQueue = block.wake() { dispatcher.enqueue(block, urgent: false) }
    }

    /// `block` must end: gets its turn to end it as soon as can be.
    func urge(_ block: ControlBlock) {
        switch block.wake() {
        case .mustQueue: dispatcher.enqueue(block, urgent: true)
        case .noted: dispatcher.interrupt(block)
        case .nothingToDo:
            // Queued somewhere behind others: a second entry in the urgent queue overtakes; the
            // stale one is recognised by the state word.
            if block.runState == .ready { dispatcher.enqueue(block, urgent: true) }
        }
    }

    // MARK: Turns

    /// Gives `block` one turn on the calling thread.
    ///
    /// `start` is the time now, read by the caller; returns the time at the end, so that a worker
    /// reads the clock once a turn. Called by the dispatcher only.
    @discardableResult
    package func runTurn(
        _ block: ControlBlock,
        on worker: (any WorkerContext)?,
        from start: UInt64
    ) -> UInt64 {
        guard block.beginTurn() else { return start }
        // `dying` is set whenever an end was decided; the lock is only for the reason.
        guard !block.fields.dying.load(ordering: .acquiring), let body = block.turnBody else {
            finish(block)
            return clock.now()
        }
        block.fields.turnStartedAt.store(start, ordering: .relaxed)
        let outcome = body.run(block, on: worker)
        let end = clock.now()
        block.fields.turnStartedAt.store(0, ordering: .relaxed)
        // Only the turn's holder writes it. Release: whoever sees the turn in the sum sees that it is
        // over (`usedNanoseconds`).
        let spent = block.fields.cpuNanoseconds.load(ordering: .relaxed) &+ (end &- start)
        block.fields.cpuNanoseconds.store(spent, ordering: .releasing)
        if case .ended(let reason) = outcome { doom(block, reason) }
        let cpuLimit = block.turnCPULimit
        if cpuLimit > 0 && spent >= cpuLimit { doom(block, .limit(.cpu)) }
        if block.fields.dying.load(ordering: .acquiring) {
            finish(block)
            return end
        }
        switch outcome {
        case .preempted:
            block.endTurnPreempted()
            dispatcher.requeue(block, afterSlice: true)
        default:
            if block.endTurnWaiting() { dispatcher.requeue(block, afterSlice: false) }
        }
        // A doom that came between the look above and the end of the turn queued or will queue it:
        // urge() sees the state word after this.
        if block.fields.dying.load(ordering: .acquiring) { urge(block) }
        return end
    }

    /// Decides that the process ends with `reason`, if nothing decided before.
    private func doom(_ block: ControlBlock, _ reason: ExitReason) {
        let decided = block.withLock { state -> PID? in
            guard state.doom == nil else { return nil }
            state.doom = reason
            state.phase = .dying
            block.fields.dying.store(true, ordering: .releasing)
            return state.pid
        }
        if let pid = decided, case .limit(let limit) = reason {
            publish(.limit, pid, block, .text(limit.rawValue))
        }
    }
}

extension Runtime {
    /// Ends a process that has used up its CPU limit, its present turn included.
    ///
    /// Called by the timekeeper for a turn that is at least one tick old.
    func enforceCPULimit(_ block: ControlBlock) {
        let (limit, pid) = block.withLock { ($0.limits.cpuNanoseconds, $0.pid) }
        guard limit > 0, let pid else { return }
        if block.usedNanoseconds(at: clock.now()) >= limit { kill(pid, .limit(.cpu)) }
    }
}
