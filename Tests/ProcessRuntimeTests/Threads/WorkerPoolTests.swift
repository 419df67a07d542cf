import Glibc
import Payload
import Posix
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite(.serialized) struct WorkerPoolTests {
    /// A script that runs until it is interrupted or asked to die.
    private func longScript(
        _ started: @escaping @Sendable () -> Void
    ) -> Puppet {
        Puppet { _, worker in
            guard let context = worker as? PolledContext else { return .waiting }
            context.begin()
            started()
            while !context.isInterrupted {}
            context.end()
            return .preempted
        }
    }

    @Test func `a script that never waits is interrupted when others wait`() throws {
        try Crew.with(workers: 1, processes: 10) { crew in
            let turns = Atomic<Int>(0)
            let answered = Atomic<Bool>(false)
            let script = longScript { turns.wrappingAdd(1, ordering: .relaxed) }
            let spinner = try crew.runtime.spawn(.plain, running: script)
            #expect(wait { turns.load(ordering: .relaxed) > 0 })
            let other = Puppet { _, _ in
                answered.store(true, ordering: .releasing)
                return .waiting
            }
            _ = try crew.runtime.spawn(.plain, running: other)
            #expect(wait { answered.load(ordering: .acquiring) })
            crew.runtime.kill(spinner, .terminated)
            #expect(wait { !crew.runtime.isAlive(spinner) && crew.runtime.counts.live == 1 })
        }
    }

    @Test func `a script alone on its worker is left to run`() throws {
        try Crew.with(workers: 1, processes: 10) { crew in
            let turns = Atomic<Int>(0)
            let script = longScript { turns.wrappingAdd(1, ordering: .relaxed) }
            let spinner = try crew.runtime.spawn(.plain, running: script)
            // Timers fire on the timekeeper, whose ticks are what could interrupt.
            crew.runtime.startTimers(ticks: 20)
            #expect(wait { crew.runtime.pendingTimers == 0 })
            let given = turns.load(ordering: .relaxed)
            #expect(given == 1)
            crew.runtime.kill(spinner, .terminated)
            #expect(crew.everybodyEnds())
        }
    }

    @Test(arguments: [1, 2, 4])
    func `ten thousand busy processes have about as many turns each`(_ workers: Int) throws {
        let count = 10_000
        try Crew.with(workers: workers, processes: count) { crew in
            let turns = (0..<count).map { _ in TurnCounter() }
            let firsts = Atomic<Int>(0)
            let all = Atomic<Int>(0)
            for index in 0..<count {
                let had = Atomic<Bool>(false)
                let body = Puppet { _, _ in
                    if !had.exchange(true, ordering: .relaxed) {
                        firsts.wrappingAdd(1, ordering: .relaxed)
                    }
                    // Counted from when all had one turn, until all together had twenty each.
                    if firsts.load(ordering: .relaxed) == count,
                        all.wrappingAdd(1, ordering: .relaxed).oldValue < 20 * count
                    {
                        turns[index].value.wrappingAdd(1, ordering: .relaxed)
                    }
                    return .preempted
                }
                _ = try crew.runtime.spawn(.plain, running: body)
            }
            #expect(wait { all.load(ordering: .relaxed) >= 20 * count })
            let given = turns.map { $0.value.load(ordering: .relaxed) }
            let (fewest, most) = (given.min() ?? 0, given.max() ?? 0)
            #expect(most <= 2 * fewest, "\(fewest) to \(most)")
        }
    }

    private final class TurnCounter: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func `a kill interrupts a running script at once`() throws {
        try Crew.with(workers: 2, processes: 10) { crew in
            for _ in 0..<20 {
                let isStarted = Atomic<Bool>(false)
                let script = longScript { isStarted.store(true, ordering: .releasing) }
                let pid = try crew.runtime.spawn(.plain, running: script)
                #expect(wait { isStarted.load(ordering: .acquiring) })
                #expect(crew.runtime.kill(pid, .terminated))
                #expect(!crew.runtime.isAlive(pid))
                #expect(crew.everybodyEnds())
            }
        }
    }

    @Test func `the CPU limit ends a script that never waits`() throws {
        try Crew.with(workers: 1, processes: 10) { crew in
            var request = SpawnRequest.plain
            request.limits.cpuNanoseconds = 20_000_000
            let pid = try crew.runtime.spawn(request, running: longScript {})
            #expect(crew.everybodyEnds())
            #expect(crew.runtime.exitRecord(of: pid)?.reason == .limit(.cpu))
        }
    }

    /// Timeline: stop looks at the worker while its script has not begun | the script begins, and
    /// nobody waits | stop waits for the thread.
    @Test func `stop ends a script that begins while it looks`() throws {
        let stopper = Atomic<UInt>(0)
        let hasLooked = Atomic<Bool>(false)
        let isStarted = Atomic<Bool>(false)
        let crew = Crew(workers: 1, processes: 10) {
            PolledContext {
                let own = UInt(pthread_self())
                if stopper.load(ordering: .acquiring) == own {
                    hasLooked.store(true, ordering: .releasing)
                }
            }
        }
        let script = Puppet { _, worker in
            guard let context = worker as? PolledContext else { return .waiting }
            isStarted.store(true, ordering: .releasing)
            while !hasLooked.load(ordering: .acquiring) {}
            context.begin()
            while !context.isInterrupted {}
            context.end()
            return .preempted
        }
        _ = try crew.runtime.spawn(.plain, running: script)
        #expect(wait { isStarted.load(ordering: .acquiring) })
        let isStopped = Atomic<Bool>(false)
        let thread = PosixThread(name: "stopper", stackBytes: 1 << 20) {
            stopper.store(UInt(pthread_self()), ordering: .releasing)
            crew.pool.stop()
            isStopped.store(true, ordering: .releasing)
        }
        #expect(wait(within: 20) { isStopped.load(ordering: .acquiring) })
        thread.join()
    }

    @Test func `a pool that was stopped keeps no runtime alive`() throws {
        var crew: Crew? = Crew(workers: 2, processes: 10)
        weak let runtime = crew?.runtime
        weak let pool = crew?.pool
        let pid = try #require(try crew?.runtime.spawnIdle())
        crew?.runtime.kill(pid, .terminated)
        #expect(crew?.everybodyEnds() == true)
        crew?.pool.stop()
        crew = nil
        #expect(runtime == nil && pool == nil)
    }

    @Test func `an idle pool wakes for a timer, and for an earlier one`() {
        Crew.with(workers: 2, processes: 10) { crew in
            for _ in 0..<50 {
                let now = crew.runtime.clock.now()
                let late = crew.runtime.startTimer(forNobodyAt: now + 3_600_000_000_000)
                _ = crew.runtime.startTimer(forNobodyAt: now + 2_000_000)
                #expect(wait(within: 20) { crew.runtime.pendingTimers == 1 })
                #expect(crew.runtime.clock.now() >= now + 2_000_000)
                crew.runtime.stopTimer(late)
            }
        }
    }

    @Test(arguments: [1, 2, 8])
    func `a pool stops with processes still queued`(_ workers: Int) throws {
        for _ in 0..<10 {
            try Crew.with(workers: workers, processes: 100) { crew in
                for _ in 0..<100 {
                    _ = try crew.runtime.spawn(.plain, running: Puppet { _, _ in .preempted })
                }
            }
        }
    }

    /// Begins a batch while both workers are idle, and spawns processes that run `action` and end.
    private func spawnInBatch(
        _ count: Int,
        _ crew: Crew,
        _ action: @escaping @Sendable () -> Void
    ) throws {
        #expect(wait { crew.pool.queues.withLock { $0.idle.count } == 2 })
        crew.pool.beginBatch()
        for _ in 0..<count {
            let body = Puppet { _, _ in
                action()
                return .ended(.normal(.nothing))
            }
            _ = try crew.runtime.spawn(.plain, running: body)
        }
    }

    @Test func `in a batch nobody is woken until its end, and then everybody runs`() throws {
        try Crew.with(workers: 2, processes: 100) { crew in
            let ran = Atomic<Int>(0)
            try spawnInBatch(WakeBatch.heldMax, crew) { ran.wrappingAdd(1, ordering: .releasing) }
            #expect(crew.pool.queues.withLock { $0.idle.count } == 2)
            #expect(ran.load(ordering: .acquiring) == 0)
            crew.pool.endBatch()
            #expect(wait { ran.load(ordering: .acquiring) == WakeBatch.heldMax })
        }
    }

    @Test func `in a long batch workers begin before its end`() throws {
        try Crew.with(workers: 2, processes: 100) { crew in
            let ran = Atomic<Int>(0)
            try spawnInBatch(WakeBatch.heldMax + 1, crew) {
                ran.wrappingAdd(1, ordering: .releasing)
            }
            #expect(wait { ran.load(ordering: .acquiring) == WakeBatch.heldMax + 1 })
            crew.pool.endBatch()
        }
    }

    @Test func `who kills in a batch is not kept waiting`() throws {
        try Crew.with(workers: 1, processes: 10) { crew in
            let victim = try crew.runtime.spawn(.plain, running: Puppet { _, _ in .waiting })
            #expect(wait { crew.pool.queues.withLock { $0.idle.count } == 1 })
            crew.pool.beginBatch()
            crew.runtime.kill(victim, .terminated)
            #expect(wait { !crew.runtime.isAlive(victim) })
            crew.pool.endBatch()
        }
    }

    /// FIFO for each pair of many: 16 senders to 16 receivers.
    @Test(arguments: [1, 2, 4, 8])
    func `each pair's messages arrive in order, none lost, none twice`(_ workers: Int) throws {
        let (width, each) = (16, 100)
        try Crew.with(workers: workers, processes: 100) { crew in
            let runtime = crew.runtime
            let logs = Mutex<[PID: [PID: [Int]]]>([:])
            let received = Atomic<Int>(0)
            let receivers = try (0..<width).map { _ in
                let body = Listener(runtime) { _ in
                    .goOn
                } onMail: { own, mail in
                    guard case .message(let number, let sender?) = mail else { return .goOn }
                    logs.withLock { $0[own, default: [:]][sender, default: []].append(number) }
                    received.wrappingAdd(1, ordering: .releasing)
                    return .goOn
                }
                return try runtime.spawn(.plain, running: body)
            }
            for index in 0..<width {
                let luck = Luck(seed: UInt64(index))
                let next = Mutex(Array(repeating: 0, count: width))
                let body = Puppet { block, _ in
                    guard let own = PID(number: block.fields.currentPID.load(ordering: .relaxed))
                    else {
                        return .waiting
                    }
                    return next.withLock { next in
                        let open = next.indices.filter { next[$0] < each }
                        guard let choice = open.isEmpty ? nil : open[luck.below(open.count)] else {
                            return .ended(.normal(.nothing))
                        }
                        if luck.below(10) == 0 { sched_yield() }
                        next[choice] += 1
                        runtime.send(next[choice], from: own, to: receivers[choice])
                        return .preempted
                    }
                }
                _ = try runtime.spawn(.plain, running: body)
            }
            #expect(wait { received.load(ordering: .acquiring) == width * width * each })
            logs.withLock { logs in
                let all = logs.values.flatMap(\.values)
                #expect(all.count == width * width)
                #expect(all.allSatisfy { $0 == Array(1...each) })
            }
        }
    }
}
