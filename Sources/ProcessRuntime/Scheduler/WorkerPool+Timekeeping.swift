import Posix
import Synchronization

/// What the timekeeper does: timers, the ends of slices, CPU limits, stalled workers.
///
/// It looks at each worker once a tick. A script seen at two ticks in a row has used its slice: if
/// others wait, or its process must die, its thread is interrupted. The process that the turn woke
/// goes to the queue, where another worker may take it.
///
/// Not every turn can end when it is asked to: in one long call into C (a pattern, a sort) nothing
/// yields. A turn that was seen keeping others waiting at 20 ticks is *stalled*: STALLED is
/// published, and its worker's seat goes to a spare worker, which is started when there is none.
/// With all threads there may be in use, the others wait until one of the calls ends.
///
/// On a busy machine a worker may also stand still because the system runs other programs, and then
/// a spare would not run either. So a turn must have had CPU time for a third of its ticks; one
/// that did not (perhaps it waits for a slow disk) is stalled after ten times as many.
extension WorkerPool {
    /// Ticks at which a turn keeps others waiting until its worker is found stalled.
    static let stallTicks = 20
    /// As many, for a turn that gets no CPU time.
    static let starvedTicks = 200

    /// What the timekeeper remembers of a worker from tick to tick.
    struct Watch {
        /// The run of a script that was seen last.
        var serial: UInt64 = 0
        /// How many turns the worker had given when it was seen last.
        var turns: UInt64 = 0
        /// At how many ticks the present turn kept others waiting.
        var ticksWaitedFor = 0
        /// The CPU time its thread had had at the first of them.
        var processorTime: UInt64 = 0
        var isStalled = false

        mutating func begin(turnAfter turns: UInt64) {
            self.turns = turns
            ticksWaitedFor = 0
            isStalled = false
        }

        /// The present turn kept others waiting at one more tick.
        mutating func waited(_ clock: ProcessorClock) {
            ticksWaitedFor += 1
            if ticksWaitedFor == 1 { processorTime = clock.nanoseconds }
            guard ticksWaitedFor >= WorkerPool.stallTicks, !isStalled else { return }
            let used = clock.nanoseconds &- processorTime
            let ran = used >= UInt64(ticksWaitedFor) * Timekeeper.tickNanoseconds / 3
            isStalled = ran || ticksWaitedFor >= WorkerPool.starvedTicks
        }
    }

    func keepTime(_ runtime: Runtime) {
        var watches = Array(repeating: Watch(), count: workers.count)
        var busy = false
        var nextTick: UInt64 = 0
        while timekeeper.isRunning {
            let nextTimer = runtime.runTimers()
            let now = runtime.clock.now()
            // A timer may have woken it in the middle of a tick: slices do not get shorter by that.
            if now >= nextTick {
                busy = tick(&watches, runtime)
                nextTick = now + Timekeeper.tickNanoseconds
            }
            timekeeper.sleep(until: nextTimer, tick: nextTick, busy: busy)
        }
    }

    /// Looks at every worker once; returns whether some worker runs a script.
    private func tick(_ watches: inout [Watch], _ runtime: Runtime) -> Bool {
        var busy = false
        var withoutSpare = 0
        let othersWait = waiting.load(ordering: .relaxed) > 0
        for index in 0..<threadCount.load(ordering: .acquiring) {
            let worker = workers[index]
            guard let own = worker.context.value else { continue }
            let context = own.context
            let serial = context.serial
            let turns = worker.turns.load(ordering: .acquiring)
            let slot = worker.currentSlot.load(ordering: .acquiring)
            if serial % 2 == 1 { busy = true }
            if serial % 2 == 1, serial == watches[index].serial {
                let block = runtime.table.block(slot: slot)
                if let block, slot != 0 { runtime.enforceCPULimit(block) }
                let mustEnd = block?.fields.dying.load(ordering: .relaxed) ?? false
                if othersWait || mustEnd || stopping.load(ordering: .acquiring) {
                    context.interrupt(serial)
                }
            }
            watches[index].serial = serial
            if slot == 0 || turns != watches[index].turns {
                watches[index].begin(turnAfter: turns)
                continue
            }
            let handed = worker.runNext.exchange(0, ordering: .acquiringAndReleasing)
            if handed != 0 { pushSlot(handed, .woken) }
            let wasStalled = watches[index].isStalled
            if othersWait { watches[index].waited(own.processorClock) }
            guard watches[index].isStalled else { continue }
            if !wasStalled { declareStalled(worker, slot, watches[index], runtime) }
            if !passSeat(of: worker, turns) { withoutSpare += 1 }
        }
        if withoutSpare > 0 { provideSpares(withoutSpare, runtime) }
        return busy
    }

    /// Says of the turn that `watch` is of, with the process in `slot`, that it is stalled.
    private func declareStalled(
        _ worker: Worker,
        _ slot: Int,
        _ watch: Watch,
        _ runtime: Runtime
    ) {
        worker.stalledAfter.store(watch.turns + 1, ordering: .relaxed)
        guard let block = runtime.table.block(slot: slot),
            let pid = PID(number: block.fields.currentPID.load(ordering: .acquiring)),
            // The turn still lasts: the slot has not had another tenant.
            worker.turns.load(ordering: .acquiring) == watch.turns
        else { return }
        let waited = UInt64(watch.ticksWaitedFor) * Timekeeper.tickNanoseconds / 1_000_000
        let reason = "one call kept others waiting for \(waited) ms"
        runtime.publish(.stalled, pid, block, .text(reason))
    }

    /// Gives the seat of a worker that is still in the turn after `turns` others to a spare.
    ///
    /// False when there is none. True as well when the seat need not move: the turn ended, the seat
    /// moved already, or nobody waits any more.
    private func passSeat(of worker: Worker, _ turns: UInt64) -> Bool {
        let (isSettled, heir) = queues.withLock { queues -> (Bool, Int?) in
            guard !queues.stopping, worker.hasSeat.load(ordering: .relaxed),
                worker.currentSlot.load(ordering: .acquiring) != 0,
                worker.turns.load(ordering: .acquiring) == turns,
                !queues.urgent.isEmpty || !queues.ready.isEmpty
            else { return (true, nil) }
            guard let heir = queues.spares.popLast() else { return (false, nil) }
            worker.hasSeat.store(false, ordering: .relaxed)
            workers[heir].hasSeat.store(true, ordering: .relaxed)
            return (true, heir)
        }
        if let heir { workers[heir].parker.unpark() }
        return isSettled
    }

    /// Starts spares until `count` are on their way or no more may start.
    private func provideSpares(_ count: Int, _ runtime: Runtime) {
        let arriving = queues.withLock { $0.arriving }
        for _ in arriving..<max(count, arriving) where !startSpare(runtime) { return }
    }
}
