import Posix
import Synchronization

/// What a worker thread does at a moment.
package enum WorkerState: String, Sendable {
    /// It gives a process a turn.
    case running
    /// It waits for a process that wants a turn.
    case parked
    /// Its process kept others waiting for so long that a spare has its seat, or will have one.
    case stalled
    /// It waits for the seat of one that stalls.
    case spare
}

/// One worker thread as others see it.
final class Worker: Sendable {
    let parker = Parker()
    let context = SetOnce<ContextBox>()
    /// Whether it may take processes.
    ///
    /// Changes only under the lock of the queues. Its own thread looks without it: one that misses
    /// the loss gives one more turn and then finds out.
    let hasSeat: Atomic<Bool>
    /// The slot whose turn it is, zero between turns.
    let currentSlot = Atomic<Int>(0)
    /// The slot of the process woken last by the one that runs here: its turn comes next, on
    /// this core, where its message still is.
    ///
    /// Zero for none.
    ///
    /// Filled by this worker's own thread only; emptied by it, or by the timekeeper when the
    /// present turn lasts. Every change is an exchange, so one of the two gets the process, and with
    /// it what the other wrote (acquire and release).
    let runNext = Atomic<Int>(0)
    /// Turns given so far.
    let turns = Atomic<UInt64>(0)
    /// How many turns it had given when one was found stalled, plus one; written by the timekeeper.
    let stalledAfter = Atomic<UInt64>(0)

    init(hasSeat: Bool) {
        self.hasSeat = Atomic(hasSeat)
    }

    /// What belongs to its thread.
    final class ContextBox: Sendable {
        let context: any WorkerContext
        let processorClock: ProcessorClock
        /// For the calling thread.
        init(_ context: any WorkerContext) {
            self.context = context
            processorClock = CurrentThread.processorClock
        }
    }

    /// Interrupts the script that runs, if one does.
    func interruptRun() {
        guard let context = context.value?.context else { return }
        let serial = context.serial
        if serial % 2 == 1 { context.interrupt(serial) }
    }

    /// What it does, as far as it itself can tell: it does not know a spare from an idle one.
    var state: WorkerState {
        guard currentSlot.load(ordering: .acquiring) != 0 else { return .parked }
        let given = turns.load(ordering: .relaxed)
        return stalledAfter.load(ordering: .relaxed) == given + 1 ? .stalled : .running
    }
}
