import Posix
import Synchronization

/// The scheduler on real threads: workers that give turns, and one timekeeper.
///
/// - A worker takes the oldest urgent process, else the one its last process woke (as long as such
///   hand-overs together stay within one slice), else the oldest ready one, gives it a turn, and parks
///   when there is none. Before it parks it puts itself on the idle list *under the queue's lock*,
///   after it saw the queues empty; whoever queues a process takes an idle worker off that list
///   under the same lock and unparks it. So no wake-up is lost.
/// - The timekeeper ticks each millisecond while some worker runs. A run seen at two ticks in a row
///   has used its slice: if others wait, or its process must die, its thread is interrupted, and the
///   process it woke goes to the queue, where another worker may take it. It also fires timers, and
///   sleeps to the next one when no worker runs.
///
/// Shutdown: `stop()` sets `stopping` and wakes everyone; the timekeeper goes on to interrupt whatever
/// runs, until each worker has ended. Processes still queued are left where they are.
package final class WorkerPool: Dispatcher {
    private struct Queues {
        var urgent = RunQueue()
        var ready = RunQueue()
        var idle: [Int] = []
        var stopping = false
    }

    private let queues = Mutex(Queues())
    /// How many processes wait for a turn, in the queues and in run-next slots; a hint.
    private let waiting = Atomic<Int>(0)
    private let workers: [Worker]
    private let timekeeper = Timekeeper()
    private let runtime = SetOnce<Runtime>()
    private let makeContext: @Sendable () -> any WorkerContext
    private let threads = Mutex([PosixThread]())
    /// Which worker of this pool the calling thread is, plus one.
    private let ownIndex = ThreadNumber()
    /// Urgent processes queued; a hint that saves workers the lock.
    private let urgentCount = Atomic<Int>(0)
    /// How long processes may hand their turns to each other past those that wait.
    private static let sliceNanoseconds: UInt64 = 1_000_000
    /// As in `Queues`, for those who look without the lock.
    private let stopping = Atomic<Bool>(false)

    /// One worker thread as others see it.
    private final class Worker: Sendable {
        let parker = Parker()
        let context = SetOnce<ContextBox>()
        /// The slot whose turn it is, zero between turns.
        let currentSlot = Atomic<Int>(0)
        /// The slot of the process woken last by the one that runs here: its turn comes next, on
        /// this core, where its message still is.
        ///
        /// Zero for none.
        ///
        /// Filled by this worker's own thread only; emptied by it, or by the timekeeper when the
        /// present run lasts. Every change is an exchange, so one of the two gets the process.
        let runNext = Atomic<Int>(0)
        /// Turns given so far.
        let turns = Atomic<UInt64>(0)
    }

    private final class ContextBox: Sendable {
        let context: any WorkerContext
        init(_ context: any WorkerContext) { self.context = context }
    }

    /// Makes a pool of `count` workers; `makeContext` is called once on each worker's thread.
    package init(count: Int, makeContext: @escaping @Sendable () -> any WorkerContext) {
        workers = (0..<max(count, 1)).map { _ in Worker() }
        self.makeContext = makeContext
    }

    /// Starts the threads for `runtime`, which must use this pool as its dispatcher.
    package func start(_ runtime: Runtime) {
        self.runtime.set(runtime)
        var started: [PosixThread] = []
        for index in workers.indices {
            started.append(PosixThread(name: "worker-\(index)") { self.work(index) })
        }
        // Last: it is joined last.
        started.append(PosixThread(name: "timekeeper", stackBytes: 1 << 20) { self.keepTime() })
        threads.withLock { $0 = started }
    }

    /// Ends every thread and waits for them.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        queues.withLock { $0.stopping = true }
        for worker in workers {
            worker.parker.unpark()
            interruptRun(of: worker)
        }
        // A script that begins only now was not interrupted above: the next ticks do that.
        let started = threads.withLock { $0 }
        for thread in started.dropLast() { thread.join() }
        timekeeper.stop()
        started.last?.join()
    }

    // MARK: Dispatcher

    package func enqueue(_ block: ControlBlock, urgent: Bool) {
        let own = urgent ? 0 : ownIndex.value
        guard own > 0 else {
            waiting.wrappingAdd(1, ordering: .relaxed)
            push(block, urgent: urgent)
            return
        }
        let before = workers[own - 1].runNext.exchange(
            block.slot,
            ordering: .acquiringAndReleasing
        )
        waiting.wrappingAdd(1, ordering: .relaxed)
        // The one woken before waits behind: with several to run, others should help.
        if before != 0 { pushSlot(before) }
    }

    package func requeue(_ block: ControlBlock) {
        waiting.wrappingAdd(1, ordering: .relaxed)
        push(block, urgent: false)
    }

    /// Puts a process, already counted in `waiting`, into the shared queue and wakes a worker.
    private func push(_ block: ControlBlock, urgent: Bool) {
        if urgent { urgentCount.wrappingAdd(1, ordering: .relaxed) }
        let idle = queues.withLock { queues -> Int? in
            if urgent { queues.urgent.append(block) } else { queues.ready.append(block) }
            return queues.idle.popLast()
        }
        if let idle { workers[idle].parker.unpark() }
    }

    private func pushSlot(_ slot: Int) {
        guard let block = runtime.value?.table.block(slot: slot) else { return }
        push(block, urgent: false)
    }

    package func interrupt(_ block: ControlBlock) {
        let hint = block.workerHint.load(ordering: .acquiring)
        guard hint > 0 else { return }
        let worker = workers[hint - 1]
        guard let context = worker.context.value?.context else { return }
        // The same odd serial before and after: the slot read between belongs to that run. A run
        // that begins later finds the process's death flag itself.
        let serial = context.serial
        let isCurrent = worker.currentSlot.load(ordering: .acquiring) == block.slot
        if isCurrent, serial % 2 == 1, context.serial == serial { context.interrupt(serial) }
    }

    private func interruptRun(of worker: Worker) {
        guard let context = worker.context.value?.context else { return }
        let serial = context.serial
        if serial % 2 == 1 { context.interrupt(serial) }
    }

    package func timerChanged(to deadline: UInt64) {
        timekeeper.wake(for: deadline)
    }

    // MARK: Workers

    private func work(_ index: Int) {
        guard let runtime = runtime.value else { return }
        let worker = workers[index]
        let context = makeContext()
        ownIndex.set(index + 1)
        worker.context.set(ContextBox(context))
        timekeeper.workerWakes()
        var pace = Pace(now: runtime.clock.now())
        while let block = next(index, &pace, runtime) {
            block.workerHint.store(index + 1, ordering: .releasing)
            worker.currentSlot.store(block.slot, ordering: .releasing)
            pace.now = runtime.runTurn(block, on: context, from: pace.now)
            worker.currentSlot.store(0, ordering: .releasing)
            worker.turns.store(
                worker.turns.load(ordering: .relaxed) &+ 1,
                ordering: .relaxed
            )
        }
    }

    /// Where a worker is in time.
    private struct Pace {
        /// When the last turn ended.
        var now: UInt64
        /// When the present chain of hand-overs began.
        var chainStart: UInt64

        init(now: UInt64) {
            self.now = now
            chainStart = now
        }
    }

    /// The next process for worker `index`; waits for one; nil when the pool stops.
    private func next(_ index: Int, _ pace: inout Pace, _ runtime: Runtime) -> ControlBlock? {
        let worker = workers[index]
        if urgentCount.load(ordering: .relaxed) == 0, !stopping.load(ordering: .relaxed),
            let block = handedOver(worker, &pace, runtime)
        {
            return block
        }
        while true {
            var stopping = false
            let block = queues.withLock { queues -> ControlBlock? in
                stopping = queues.stopping
                if stopping { return nil }
                if let block = queues.urgent.popFirst() {
                    urgentCount.wrappingSubtract(1, ordering: .relaxed)
                    return block
                }
                if let block = queues.ready.popFirst() { return block }
                // Only an urgent one kept it waiting.
                let own = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
                if own != 0 { return runtime.table.block(slot: own) }
                queues.idle.append(index)
                return nil
            }
            if stopping { return nil }
            if let block {
                waiting.wrappingSubtract(1, ordering: .relaxed)
                pace.chainStart = pace.now
                return block
            }
            timekeeper.workerRests()
            worker.parker.park()
            timekeeper.workerWakes()
            pace = Pace(now: runtime.clock.now())
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
        if pace.now &- pace.chainStart > Self.sliceNanoseconds {
            if waiting.load(ordering: .relaxed) > 1 {
                pushSlot(slot)
                return nil
            }
            pace.chainStart = pace.now
        }
        waiting.wrappingSubtract(1, ordering: .relaxed)
        return runtime.table.block(slot: slot)
    }

    // MARK: The timekeeper

    private func keepTime() {
        guard let runtime = runtime.value else { return }
        var seen = Array(repeating: UInt64(0), count: workers.count)
        while timekeeper.isRunning {
            let nextTimer = runtime.runTimers()
            let busy = tick(&seen, runtime)
            timekeeper.sleep(until: nextTimer, busy: busy, now: runtime.clock.now())
        }
    }

    /// Looks at every worker once; returns whether some worker runs.
    private func tick(_ seen: inout [UInt64], _ runtime: Runtime) -> Bool {
        var busy = false
        let mustYield =
            waiting.load(ordering: .relaxed) > 0 || stopping.load(ordering: .acquiring)
        for (index, worker) in workers.enumerated() {
            guard let context = worker.context.value?.context else { continue }
            let serial = context.serial
            if serial % 2 == 1 {
                busy = true
                if serial == seen[index] {
                    let slot = worker.currentSlot.load(ordering: .acquiring)
                    let block = runtime.table.block(slot: slot)
                    if let block, slot != 0 { runtime.enforceCPULimit(block) }
                    let mustEnd = block?.dying.load(ordering: .relaxed) ?? false
                    if mustYield || mustEnd { context.interrupt(serial) }
                    let handed = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
                    if handed != 0 { pushSlot(handed) }
                }
            }
            seen[index] = serial
        }
        return busy
    }

    /// What each worker does, for `GET /v1/system`.
    package func describe() -> [(state: String, turns: UInt64)] {
        workers.map { worker in
            let busy = (worker.context.value?.context.serial ?? 0) % 2 == 1
            return (busy ? "running" : "idle", worker.turns.load(ordering: .relaxed))
        }
    }

    /// Whether the workers make progress: one is idle, or a turn ended since `before`.
    package func progress() -> (idle: Bool, turns: UInt64) {
        let idle = queues.withLock { !$0.idle.isEmpty }
        return (idle, workers.reduce(0) { $0 &+ $1.turns.load(ordering: .relaxed) })
    }
}
