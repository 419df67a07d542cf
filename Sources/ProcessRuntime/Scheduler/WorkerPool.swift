import Posix
import Synchronization

/// The scheduler on real threads: workers that give turns, and one timekeeper.
///
/// - A pool has a fixed number of *seats*; only a worker with a seat takes processes. It takes the
///   oldest urgent process, else the one its last process woke (as long as such hand-overs together
///   stay within one slice), else one of the ready ones (`ReadyQueue`), gives it a turn, and parks
///   when there is none. Before it parks it puts itself on the idle list *under the queue's lock*, after it saw
///   the queues empty; whoever queues a process takes an idle worker off that list under the same
///   lock and unparks it. So no wake-up is lost.
/// - The timekeeper fires timers and looks at each worker once a millisecond while some worker runs
///   (`WorkerPool+Timekeeping.swift`): it has turns that last too long end, or gives the seat of a
///   worker whose turn cannot end to a spare one.
/// - A worker that lost its seat finds that out after its turn, and becomes a spare: it parks until
///   it is given a seat. Every worker with a seat that is not idle looks at the queues after its
///   turn, and a spare that got a seat looks at once, so no wake-up is lost here either.
///
/// Shutdown: `stop()` sets `stopping` and wakes everyone; the timekeeper goes on to interrupt whatever
/// runs, until each worker has ended. Processes still queued are left where they are.
@safe
package final class WorkerPool: Dispatcher {
    struct Queues {
        var urgent = RunQueue()
        var ready = ReadyQueue()
        /// Workers with a seat that found nothing to do.
        var idle: [Int] = []
        /// Workers without a seat, parked.
        var spares: [Int] = []
        /// Spare threads that were started and are not yet in `spares`.
        var arriving = 0
        var stopping = false
    }

    struct Threads {
        var workers: [PosixThread] = []
        var timekeeper: PosixThread?
        /// No more threads: those there are being joined.
        var isClosed = false
    }

    let queues = Mutex(Queues())
    /// How many processes wait for a turn, in the queues and in run-next slots; a hint.
    let waiting = Atomic<Int>(0)
    /// Those that have threads first, then those that may get one as spares.
    let workers: [Worker]
    /// The same, for those who look one up with every message.
    private let unretained: [Unmanaged<Worker>]
    /// How many of `workers` have threads; only grows.
    let threadCount: Atomic<Int>
    /// How many workers give turns at one moment, stalled ones left out.
    package let seats: Int
    /// How many threads there may be, spares included: each process in a long call takes one.
    package var threadsMax: Int { workers.count }
    let timekeeper = Timekeeper()
    /// The processes of the runtime that uses this pool.
    ///
    /// Not the runtime, which holds its pool: only threads hold that, while they run.
    private let table = SetOnce<ProcessTable>()
    private let makeContext: @Sendable () -> any WorkerContext
    private let onSpare: @Sendable (_ threads: Int) -> Void
    let threads = Mutex(Threads())
    /// Which worker of which pool a thread is: `badge(of:)`.
    ///
    /// One for all pools, since thread numbers are scarce.
    private static let ownBadge = ThreadNumber()
    private static let poolsMade = Atomic<Int>(0)
    /// Tells the workers of this pool from those of others.
    private let number = WorkerPool.poolsMade.wrappingAdd(1, ordering: .relaxed).newValue
    /// Urgent processes queued; a hint that saves workers the lock.
    private let urgentCount = Atomic<Int>(0)
    /// As in `Queues`, for those who look without the lock.
    let stopping = Atomic<Bool>(false)

    /// How many threads a pool has at most where nobody says: four for each seat, and four more.
    package static func threadsMax(seats: Int) -> Int { 4 * seats + 4 }

    /// Makes a pool of `count` seats and as many workers.
    ///
    /// `threadsMax` bounds the threads with spares (by default `threadsMax(seats:)`).
    /// `onSpare` is told of each new spare, on its own thread, with the number of threads then.
    /// `makeContext` is called once on each worker's thread.
    package init(
        count: Int,
        threadsMax: Int? = nil,
        onSpare: @escaping @Sendable (_ threads: Int) -> Void = { _ in },
        makeContext: @escaping @Sendable () -> any WorkerContext
    ) {
        let seats = max(count, 1)
        self.seats = seats
        let threadsMax = max(threadsMax ?? WorkerPool.threadsMax(seats: seats), seats)
        workers = (0..<threadsMax).map { Worker(hasSeat: $0 < seats) }
        unsafe unretained = workers.map { unsafe Unmanaged.passUnretained($0) }
        threadCount = Atomic(seats)
        self.onSpare = onSpare
        self.makeContext = makeContext
    }

    /// Starts the threads for `runtime`, which must use this pool as its dispatcher.
    package func start(_ runtime: Runtime) {
        table.set(runtime.table)
        let workers = (0..<seats).map { index in
            PosixThread(name: "worker-\(index)") { self.work(index, runtime) }
        }
        let timekeeper = PosixThread(name: "timekeeper", stackBytes: 1 << 20) {
            self.keepTime(runtime)
        }
        threads.withLock { threads in
            // The timekeeper may have started a spare already.
            threads.workers += workers
            threads.timekeeper = timekeeper
        }
    }

    /// Starts the thread of a spare worker, which then waits for a seat; false when none may start.
    func startSpare(_ runtime: Runtime) -> Bool {
        threads.withLock { threads in
            let index = threadCount.load(ordering: .relaxed)
            guard !threads.isClosed, index < workers.count else { return false }
            queues.withLock { $0.arriving += 1 }
            let body = { @Sendable in self.work(index, runtime) }
            guard let thread = PosixThread(ifAllowed: "worker-\(index)", body) else {
                queues.withLock { $0.arriving -= 1 }
                return false
            }
            threads.workers.append(thread)
            // Release: pairs with the acquire loads of who looks at each thread (`tick`, `describe`).
            threadCount.store(index + 1, ordering: .releasing)
            return true
        }
    }

    /// Ends every thread and waits for them.
    package func stop() {
        // Release: pairs with the timekeeper's acquire load, which interrupts the late ones.
        stopping.store(true, ordering: .releasing)
        queues.withLock { $0.stopping = true }
        let (started, timekeeping) = threads.withLock { threads in
            threads.isClosed = true
            return (threads.workers, threads.timekeeper)
        }
        for worker in workers {
            worker.parker.unpark()
            worker.interruptRun()
        }
        // A script that begins only now was not interrupted above: the next ticks do that.
        for thread in started { thread.join() }
        timekeeper.stop()
        timekeeping?.join()
    }

    // MARK: Dispatcher

    package func enqueue(_ block: ControlBlock, urgent: Bool) {
        waiting.wrappingAdd(1, ordering: .relaxed)
        if urgent { return pushUrgent(block) }
        guard
            let before = withOwnWorker({ worker in
                worker.runNext.exchange(block.slot, ordering: .acquiringAndReleasing)
            })
        else { return push(block, .woken) }
        // The one woken before waits behind: with several to run, others should help.
        if before != 0 { pushSlot(before, .woken) }
    }

    package func requeue(_ block: ControlBlock, afterSlice: Bool) {
        waiting.wrappingAdd(1, ordering: .relaxed)
        push(block, afterSlice ? .spent : .woken)
    }

    /// Puts a process, already counted in `waiting`, into the shared queue and wakes a worker.
    private func push(_ block: ControlBlock, _ kind: ReadyQueue.Kind) {
        let holds = WakeBatch.holds(number)
        let idle = queues.withLock { queues -> Int? in
            queues.ready.append(block, kind)
            return holds ? nil : queues.idle.popLast()
        }
        if let idle { workers[idle].parker.unpark() }
    }

    /// Has the calling thread, which is none of the pool's, keep back wake-ups until `endBatch`.
    ///
    /// It must not wait for anything in between. See `WakeBatch`.
    package func beginBatch() { WakeBatch.begin(number) }

    /// Wakes as many workers as were not woken since `beginBatch`.
    package func endBatch() {
        for _ in 0..<WakeBatch.end(number) {
            guard let idle = queues.withLock({ $0.idle.popLast() }) else { return }
            workers[idle].parker.unpark()
        }
    }

    private func pushUrgent(_ block: ControlBlock) {
        urgentCount.wrappingAdd(1, ordering: .relaxed)
        let idle = queues.withLock { queues -> Int? in
            queues.urgent.append(block)
            return queues.idle.popLast()
        }
        if let idle { workers[idle].parker.unpark() }
    }

    func pushSlot(_ slot: Int, _ kind: ReadyQueue.Kind) {
        guard let block = table.borrow({ $0.block(slot: slot) }) else { return }
        push(block, kind)
    }

    package func interrupt(_ block: ControlBlock) {
        let hint = block.fields.workerHint.load(ordering: .acquiring)
        guard hint > 0 else { return }
        let worker = workers[hint - 1]
        guard let context = worker.context.value?.context else { return }
        // The same odd serial before and after: the slot read between belongs to that run. A run
        // that begins later finds the process's death flag itself.
        let serial = context.serial
        let isCurrent = worker.currentSlot.load(ordering: .acquiring) == block.slot
        if isCurrent, serial % 2 == 1, context.serial == serial { context.interrupt(serial) }
    }

    package func timerChanged(to deadline: UInt64) {
        timekeeper.wake(for: deadline)
    }

    // MARK: Workers

    private func badge(of index: Int) -> Int { number << 32 | index }

    /// Runs `action` with the worker of this pool whose thread calls, if one does; it is not retained.
    private func withOwnWorker<R>(_ action: (borrowing Worker) -> R) -> R? {
        let badge = Self.ownBadge.value
        guard badge >> 32 == number else { return nil }
        // SAFETY: `workers` keeps it as long as the pool is there.
        return unsafe unretained[badge & 0xFFFF_FFFF]._withUnsafeGuaranteedRef { action($0) }
    }

    private func work(_ index: Int, _ runtime: Runtime) {
        let worker = workers[index]
        let context = makeContext()
        Self.ownBadge.set(badge(of: index))
        worker.context.set(Worker.ContextBox(context))
        timekeeper.workerWakes()
        if index >= seats { arrive(index) }
        var pace = Pace(now: runtime.clock.now())
        // As it is passed on, made once.
        let passedOn: (any WorkerContext)? = context
        while let block = next(worker, index, &pace, runtime) {
            // Release, as the serial that rises after them: `interrupt` and the timekeeper acquire
            // hint and slot, and whoever finds the same serial before and after knows that they are
            // of that run.
            block.fields.workerHint.store(index + 1, ordering: .releasing)
            worker.currentSlot.store(block.slot, ordering: .releasing)
            pace.turnEnded(at: runtime.runTurn(block, on: passedOn, from: pace.now))
            worker.currentSlot.store(0, ordering: .releasing)
            // Release: the timekeeper reads it to know whether a slot it read is of this turn.
            worker.turns.store(
                worker.turns.load(ordering: .relaxed) &+ 1,
                ordering: .releasing
            )
        }
        timekeeper.workerRests()
    }

    /// A new spare joins the others.
    private func arrive(_ index: Int) {
        let mayRest = queues.withLock { queues in
            queues.arriving -= 1
            if queues.stopping { return false }
            queues.spares.append(index)
            return true
        }
        onSpare(index + 1)
        if mayRest { rest(workers[index]) }
    }

    private func rest(_ worker: Worker) {
        timekeeper.workerRests()
        worker.parker.park()
        timekeeper.workerWakes()
    }

    /// What a worker does after it looked at the queues.
    private enum Step {
        case run(ControlBlock)
        /// Park: it is on the idle list.
        case idle
        /// Park: it has no seat any more and is on the list of spares.
        case spare
        case stop
    }

    /// The next process for worker `index`; waits for one; nil when the pool stops.
    private func next(
        _ worker: Worker,
        _ index: Int,
        _ pace: inout Pace,
        _ runtime: Runtime
    ) -> ControlBlock? {
        if urgentCount.load(ordering: .relaxed) == 0, !stopping.load(ordering: .relaxed),
            worker.hasSeat.load(ordering: .relaxed),
            let block = handedOver(worker, &pace, runtime)
        {
            return block
        }
        while true {
            switch step(worker, index, &pace, runtime) {
            case .run(let block):
                waiting.wrappingSubtract(1, ordering: .relaxed)
                pace.chainStart = pace.now
                return block
            case .idle: break
            case .spare:
                // What its last process woke must not wait for its next seat.
                let own = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
                if own != 0 { pushSlot(own, .woken) }
            case .stop: return nil
            }
            rest(worker)
            pace = Pace(now: runtime.clock.now())
        }
    }

    private func step(
        _ worker: Worker,
        _ index: Int,
        _ pace: inout Pace,
        _ runtime: Runtime
    ) -> Step {
        queues.withLock { queues in
            if queues.stopping { return .stop }
            guard worker.hasSeat.load(ordering: .relaxed) else {
                queues.spares.append(index)
                return .spare
            }
            if let block = queues.urgent.popFirst() {
                urgentCount.wrappingSubtract(1, ordering: .relaxed)
                return .run(block)
            }
            if let block = queues.ready.popFirst(&pace) { return .run(block) }
            // Only an urgent one kept it waiting.
            let own = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
            if own != 0, let block = runtime.table.block(slot: own) { return .run(block) }
            queues.idle.append(index)
            return .idle
        }
    }

    /// The process this worker's last one woke, while the chain of hand-overs is within its slice.
    ///
    /// Past it, the process goes behind those that wait, if any do.
    private func handedOver(
        _ worker: Worker,
        _ pace: inout Pace,
        _ runtime: Runtime
    ) -> ControlBlock? {
        guard worker.runNext.load(ordering: .relaxed) != 0 else { return nil }
        let slot = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
        guard slot != 0 else { return nil }
        if pace.now &- pace.chainStart > TimeSlice.nanoseconds {
            if waiting.load(ordering: .relaxed) > 1 {
                pushSlot(slot, .spent)
                return nil
            }
            pace.chainStart = pace.now
        }
        waiting.wrappingSubtract(1, ordering: .relaxed)
        return runtime.table.block(slot: slot)
    }

    // MARK: Looking at it

    /// What each worker thread does, and how many turns it gave, for `GET /v1/system`.
    package func describe() -> [(state: WorkerState, turns: UInt64)] {
        let spares = queues.withLock { Set($0.spares) }
        return (0..<threadCount.load(ordering: .acquiring)).map { index in
            let turns = workers[index].turns.load(ordering: .relaxed)
            return (spares.contains(index) ? .spare : workers[index].state, turns)
        }
    }

    /// How many processes wait for a turn; a hint.
    package var waitingCount: Int { max(0, waiting.load(ordering: .relaxed)) }

    /// Whether the workers make progress: one with a seat is idle, or a turn ended since `before`.
    package func progress() -> (idle: Bool, turns: UInt64) {
        let idle = queues.withLock { !$0.idle.isEmpty }
        return (idle, workers.reduce(0) { $0 &+ $1.turns.load(ordering: .relaxed) })
    }
}
