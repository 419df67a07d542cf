import Posix
import Synchronization

/// When the timekeeper thread sleeps and what wakes it.
///
/// It sleeps to the next tick while workers run, to the next timer otherwise, and without end when
/// there is neither. A worker that takes up work, or a timer earlier than the one slept for, wakes
/// it. `alarm` is what it sleeps for (zero while awake). Both sides write first and read second,
/// sequentially consistent: the sleeper sets `alarm` and then looks at `active`; a worker raises
/// `active` and then looks at `alarm`. So one of them sees the other.
final class Timekeeper: Sendable {
    static let tickNanoseconds: UInt64 = 1_000_000
    private let parker = Parker()
    private let alarm = Atomic<UInt64>(0)
    private let running = Atomic<Bool>(true)
    /// Workers that are not parked.
    private let active = Atomic<Int>(0)

    var isRunning: Bool { running.load(ordering: .acquiring) }

    /// Sleeps to the next timer, or to the time of the next tick if that is earlier and needed.
    ///
    /// It is needed while workers are not parked; `busy` says that one runs a script.
    func sleep(until timer: UInt64?, tick: UInt64, busy: Bool) {
        var deadline = min(timer ?? .max, busy ? tick : .max)
        alarm.store(deadline, ordering: .sequentiallyConsistent)
        if active.load(ordering: .sequentiallyConsistent) > 0 { deadline = min(deadline, tick) }
        if deadline == .max { parker.park() } else { parker.park(until: deadline) }
        alarm.store(0, ordering: .sequentiallyConsistent)
    }

    /// A timer was added that is due at `deadline`, earlier than all others.
    func wake(for deadline: UInt64) {
        let current = alarm.load(ordering: .sequentiallyConsistent)
        // Awake: it may have read the wheel already; the token makes the next sleep short.
        if current == 0 || deadline < current { parker.unpark() }
    }

    /// A worker takes up work: ticks are needed from now on.
    func workerWakes() {
        let before = active.wrappingAdd(
            1,
            ordering: .sequentiallyConsistent
        ).oldValue
        if before == 0 && alarm.load(ordering: .sequentiallyConsistent) != 0 { parker.unpark() }
    }

    /// A worker is about to park.
    func workerRests() {
        active.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    func stop() {
        // Release: pairs with the acquire load in `isRunning`; what the joined workers wrote is seen.
        running.store(false, ordering: .releasing)
        parker.unpark()
    }
}
