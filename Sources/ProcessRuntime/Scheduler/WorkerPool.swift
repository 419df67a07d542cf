import Posix
import Synchronization

/// The scheduler on real threads: workers that give turns, and one timekeeper.
///
/// - A worker takes the oldest urgent process, else the oldest ready one, gives it a turn, and parks
///   when there is none. Before it parks it puts itself on the idle list *under the queue's lock*,
///   after it saw the queues empty; whoever queues a process takes an idle worker off that list
///   under the same lock and unparks it. So no wake-up is lost.
/// - The timekeeper ticks each millisecond while some worker runs. A run seen at two ticks in a row
///   has used its slice: if others wait, or its process must die, its thread is interrupted. It also
///   fires timers, and sleeps to the next one when no worker runs.
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
    /// How many processes wait for a turn; a hint for the timekeeper.
    private let waiting = Atomic<Int>(0)
    private let workers: [Worker]
    private let timekeeper = Timekeeper()
    private let runtime = SetOnce<Runtime>()
    private let makeContext: @Sendable () -> any WorkerContext
    private let threads = Mutex([PosixThread]())
    /// As in `Queues`, for the timekeeper.
    private let stopping = Atomic<Bool>(false)

    /// One worker thread as others see it.
    private final class Worker: Sendable {
        let parker = Parker()
        let context = SetOnce<ContextBox>()
        /// The block whose turn it is, for interrupts; compared, never followed without a check.
        let current = Mutex<ControlBlock?>(nil)
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
            worker.current.withLock { if $0 != nil { interruptRun(of: worker) } }
        }
        // A script that begins only now was not interrupted above: the next ticks do that.
        let started = threads.withLock { $0 }
        for thread in started.dropLast() { thread.join() }
        timekeeper.stop()
        started.last?.join()
    }

    package var workerCount: Int { workers.count }

    // MARK: Dispatcher

    package func enqueue(_ block: ControlBlock, urgent: Bool) {
        waiting.wrappingAdd(1, ordering: .relaxed)
        let idle = queues.withLock { queues -> Int? in
            if urgent { queues.urgent.append(block) } else { queues.ready.append(block) }
            return queues.idle.popLast()
        }
        if let idle { workers[idle].parker.unpark() }
    }

    package func interrupt(_ block: ControlBlock) {
        let hint = block.workerHint.load(ordering: .acquiring)
        guard hint > 0 else { return }
        let worker = workers[hint - 1]
        // Under the lock the turn cannot end and another begin, so the serial is this turn's.
        worker.current.withLock { current in
            if current === block { interruptRun(of: worker) }
        }
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
        worker.context.set(ContextBox(context))
        timekeeper.workerWakes()
        while let block = next(index) {
            block.workerHint.store(index + 1, ordering: .releasing)
            worker.current.withLock { $0 = block }
            runtime.runTurn(block, on: context)
            worker.current.withLock { $0 = nil }
            worker.turns.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// The next process for worker `index`; waits for one; nil when the pool stops.
    private func next(_ index: Int) -> ControlBlock? {
        while true {
            var stopping = false
            let block = queues.withLock { queues -> ControlBlock? in
                stopping = queues.stopping
                if stopping { return nil }
                if let block = queues.urgent.popFirst() ?? queues.ready.popFirst() { return block }
                queues.idle.append(index)
                return nil
            }
            if stopping { return nil }
            if let block {
                waiting.wrappingSubtract(1, ordering: .relaxed)
                return block
            }
            timekeeper.workerRests()
            workers[index].parker.park()
            timekeeper.workerWakes()
        }
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
                let block = serial == seen[index] ? worker.current.withLock { $0 } : nil
                if let block {
                    runtime.enforceCPULimit(block)
                    let mustEnd = block.dying.load(ordering: .relaxed)
                    if mustYield || mustEnd { context.interrupt(serial) }
                }
            }
            seen[index] = serial
        }
        return busy
    }

    /// What each worker does (API, /v1/system).
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
