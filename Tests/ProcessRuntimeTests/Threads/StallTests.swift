import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

/// Turns that cannot be ended keep their worker, and nobody else waits for long.
@Suite(.serialized) struct StallTests {
    /// A call that does not yield, asked or not, until the gate opens; then its process ends.
    final class LongCall: Sendable {
        let isOpen = Atomic<Bool>(false)
        let begun = Atomic<Int>(0)

        /// `isScript`: as seen from outside, Lua runs; else it is the runtime's own work.
        func puppet(
            isScript: Bool = true,
            atEnd: @escaping @Sendable () -> Void = {}
        ) -> Puppet {
            Puppet { _, worker in
                let context = worker as? PolledContext
                if isScript { context?.begin() }
                self.begun.wrappingAdd(1, ordering: .relaxed)
                while !self.isOpen.load(ordering: .acquiring) {}
                atEnd()
                if isScript { context?.end() }
                return .ended(.normal(.nothing))
            }
        }

        func open() { isOpen.store(true, ordering: .releasing) }
    }

    /// How many worker threads do what.
    private func states(_ crew: Crew) -> [WorkerState: Int] {
        crew.pool.describe().reduce(into: [:]) { $0[$1.state, default: 0] += 1 }
    }

    private func stalledPIDs(_ crew: Crew) -> [PID] {
        crew.runtime.feed.read(after: 0, limit: 1_000).events
            .filter { $0.kind == .stalled }.map(\.from)
    }

    /// Sends numbers to a process that counts them; returns how to ask for the count.
    private func counter(_ crew: Crew) throws -> (PID, @Sendable () -> Int) {
        let count = Counter()
        let body = Listener(
            crew.runtime,
            onMail: { _, _ in
                count.value.wrappingAdd(1, ordering: .relaxed)
                return .goOn
            }
        )
        return (
            try crew.runtime.spawn(.plain, running: body),
            { count.value.load(ordering: .relaxed) }
        )
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test(arguments: [true, false])
    func `with every worker stuck the others go on, and spares remain`(isScript: Bool) throws {
        try Crew.with(workers: 2) { crew in
            let call = LongCall()
            let (patient, count) = try counter(crew)
            let stuck = try (0..<2).map { _ in
                try crew.runtime.spawn(.plain, running: call.puppet(isScript: isScript))
            }
            #expect(wait { call.begun.load(ordering: .relaxed) == 2 })
            for number in 1...100 {
                crew.runtime.send(number, to: patient)
                #expect(wait { count() == number })
            }
            // One that waits finds one spare: the other stuck worker's seat moves when two wait.
            #expect(wait { !stalledPIDs(crew).isEmpty })
            #expect(Set(stalledPIDs(crew)).isSubset(of: Set(stuck)))
            #expect(states(crew)[.stalled, default: 0] >= 1)
            call.open()
            crew.runtime.kill(patient, .terminated)
            #expect(crew.everybodyEnds())
            // A process has ended a moment before its turn has.
            #expect(
                wait {
                    let all = states(crew)
                    return all[.parked] == 2 && Set(all.keys) == [.parked, .spare]
                }
            )
            #expect(states(crew)[.spare, default: 0] <= 2)
        }
    }

    @Test func `a turn is told of once, and only while others wait`() throws {
        try Crew.with(workers: 1) { crew in
            let call = LongCall()
            let stuck = try crew.runtime.spawn(.plain, running: call.puppet())
            #expect(wait { call.begun.load(ordering: .relaxed) == 1 })
            // Timers fire on the timekeeper, tick after tick.
            crew.runtime.startTimers(ticks: 60)
            #expect(wait { crew.runtime.pendingTimers == 0 })
            #expect(stalledPIDs(crew).isEmpty)
            #expect(crew.pool.describe().count == 1)
            let (patient, count) = try counter(crew)
            for number in 1...50 {
                crew.runtime.send(number, to: patient)
                #expect(wait { count() == number })
            }
            #expect(stalledPIDs(crew) == [stuck])
            #expect(crew.pool.describe().count == 2)
            call.open()
            crew.runtime.kill(patient, .terminated)
            #expect(crew.everybodyEnds())
        }
    }

    @Test func `whom a stuck process woke is served, before and after it lost its seat`() throws {
        try Crew.with(workers: 1) { crew in
            let call = LongCall()
            let (first, heardFirst) = try counter(crew)
            let (second, heardSecond) = try counter(crew)
            let runtime = crew.runtime
            let inner = call.puppet { runtime.send(2, to: second) }
            let body = Puppet { block, worker in
                runtime.send(1, to: first)
                return inner.run(block, on: worker)
            }
            _ = try runtime.spawn(.plain, running: body)
            #expect(wait { heardFirst() == 1 })
            #expect(states(crew)[.stalled] == 1)
            call.open()
            #expect(wait { heardSecond() == 1 })
            runtime.kill(first, .terminated)
            runtime.kill(second, .terminated)
            #expect(crew.everybodyEnds())
        }
    }

    @Test func `with all threads stuck the others wait until a call ends`() throws {
        let told = Mutex([Int]())
        let pool = WorkerPool(
            count: 1,
            threadsMax: 3,
            onSpare: { count in told.withLock { $0.append(count) } },
            makeContext: { PolledContext() }
        )
        let crew = Crew(pool: pool)
        defer { pool.stop() }
        let calls = (0..<3).map { _ in LongCall() }
        for call in calls {
            _ = try crew.runtime.spawn(.plain, running: call.puppet())
            #expect(wait { call.begun.load(ordering: .relaxed) == 1 })
        }
        let (patient, count) = try counter(crew)
        crew.runtime.send(1, to: patient)
        #expect(wait { stalledPIDs(crew).count == 3 })
        #expect(count() == 0)
        #expect(states(crew) == [.stalled: 3])
        #expect(told.withLock { $0 } == [2, 3])
        calls[1].open()
        #expect(wait { count() == 1 })
        for call in calls { call.open() }
        crew.runtime.kill(patient, .terminated)
        #expect(crew.everybodyEnds())
        #expect(wait { states(crew) == [.parked: 1, .spare: 2] })
        #expect(told.withLock { $0 } == [2, 3])
    }

    @Test func `a pool stops while seats change hands`() throws {
        for round in 0..<10 {
            let call = LongCall()
            try Crew.with(workers: 2) { crew in
                for _ in 0..<6 { _ = try crew.runtime.spawn(.plain, running: call.puppet()) }
                #expect(wait { call.begun.load(ordering: .relaxed) >= 2 + round % 4 })
                call.open()
            }
        }
    }

    /// Pairs talk while long calls come and go: no message may stay in a place nobody looks at.
    @Test(arguments: [1, 2, 4])
    func `no wake-up is lost while seats change hands`(workers: Int) throws {
        try Crew.with(workers: workers) { crew in
            let runtime = crew.runtime
            let heard = Counter()
            let pids = Mutex([PID]())
            for index in 0..<8 {
                let luck = Luck(seed: UInt64(index))
                let body = Listener(
                    runtime,
                    onMail: { own, mail in
                        guard case .message(let left, _) = mail else { return .goOn }
                        heard.value.wrappingAdd(1, ordering: .releasing)
                        // One in so many turns lasts about thirty ticks.
                        if luck.below(200) == 0 {
                            let end = runtime.clock.now() + 30_000_000
                            while runtime.clock.now() < end {}
                        }
                        let next = pids.withLock { $0[luck.below($0.count)] }
                        if left > 0 { runtime.send(left - 1, from: own, to: next) }
                        return .goOn
                    }
                )
                let pid = try runtime.spawn(.plain, running: body)
                pids.withLock { $0.append(pid) }
            }
            let all = pids.withLock { $0 }
            for pid in all { runtime.send(499, to: pid) }
            #expect(wait { heard.value.load(ordering: .acquiring) == 8 * 500 })
            for pid in all { runtime.kill(pid, .terminated) }
            #expect(crew.everybodyEnds())
            #expect(wait { states(crew)[.parked] == workers })
        }
    }
}
