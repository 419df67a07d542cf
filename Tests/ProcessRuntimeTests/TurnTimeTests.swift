import Posix
import Synchronization
import Testing

@testable import ProcessRuntime

/// The time a process has used, read by another thread than its worker's.
@Suite struct TurnTimeTests {
    /// A clock that moves on with each look.
    private final class StepClock: RuntimeClock {
        static let step: UInt64 = 1_000
        private let time = Atomic<UInt64>(StepClock.step)

        func now() -> UInt64 {
            time.wrappingAdd(StepClock.step, ordering: .sequentiallyConsistent).newValue
        }
        func wall() -> UInt64 { 1_700_000_000_000_000_000 }
        /// The time without moving it.
        var present: UInt64 { time.load(ordering: .sequentiallyConsistent) }
    }

    /// Nobody gives turns but the test.
    private final class Nobody: Dispatcher {
        func enqueue(_ block: ControlBlock, urgent: Bool) {}
        func requeue(_ block: ControlBlock, afterSlice: Bool) {}
        func interrupt(_ block: ControlBlock) {}
        func timerChanged(to deadline: UInt64) {}
    }

    /// One turn follows the other without a gap, so that a turn counted twice is more than the time
    /// that has passed.
    ///
    ///     worker                              reader
    ///                                         reads one of the two
    ///     says that no turn lasts
    ///     adds the turn to what was used
    ///                                         reads the other
    @Test func `a turn that ends meanwhile is not counted twice`() throws {
        let clock = StepClock()
        let runtime = Runtime(clock: clock, dispatcher: Nobody())
        let turns = Atomic<Int>(0)
        let body = Puppet { _, _ in
            turns.wrappingAdd(1, ordering: .relaxed)
            for _ in 0..<50 { _ = clock.now() }
            return .preempted
        }
        let pid = try runtime.spawn(.plain, running: body)
        let block = try #require(runtime.table.block(pid))
        let isOver = Atomic<Bool>(false)
        let worker = PosixThread(name: "turns") {
            var now = clock.now()
            while !isOver.load(ordering: .relaxed) {
                now = runtime.runTurn(block, on: nil, from: now)
            }
        }
        var most: (used: UInt64, time: UInt64)?
        while turns.load(ordering: .relaxed) < 100_000 {
            let used = block.usedNanoseconds(at: clock.present)
            let time = clock.present
            if used > time { most = (used, time) }
        }
        isOver.store(true, ordering: .relaxed)
        worker.join()
        #expect(most == nil)
    }
}
