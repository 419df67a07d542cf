import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct ExitTests {
    @Test func `a kill makes a process unroutable at once and ends it once`() throws {
        let bench = Bench()
        let body = Puppet()
        let pid = try bench.runtime.spawn(.plain, running: body)
        #expect(bench.runtime.kill(pid, .terminated))
        #expect(!bench.runtime.kill(pid, .shutdown))
        let isAsked = body.isAskedToDie.load(ordering: .relaxed)
        #expect(isAsked)
        #expect(throws: RuntimeFault.processNotFound) {
            try bench.runtime.send(Signal(topic: "t", payload: .nothing, from: nil), to: pid)
        }
        bench.settle()
        #expect(body.discards.load(ordering: .relaxed) == 1)
        #expect(bench.runtime.exitRecord(of: pid)?.reason == .terminated)
        #expect(bench.runtime.counts.exited == 1)
    }

    @Test func `a kill during the last turn wins over what the turn returns`() throws {
        let bench = Bench()
        let runtime = bench.runtime
        let own = Mutex<PID?>(nil)
        let body = Puppet { [unowned runtime] _, _ in
            if let pid = own.withLock({ $0 }) { runtime.kill(pid, .terminated) }
            return .ended(.normal(.nothing))
        }
        let pid = try runtime.spawn(.plain, running: body)
        own.withLock { $0 = pid }
        bench.settle()
        #expect(runtime.exitRecord(of: pid)?.reason == .terminated)
        #expect(runtime.counts.exited == 1)
    }

    /// Timeline: the owner is killed | somebody unregisters its name | its exit is carried out.
    @Test func `a name's end is told of, whoever asks for it while its owner dies`() throws {
        let bench = Bench()
        let pid = try bench.runtime.spawnIdle()
        _ = try bench.runtime.register("n", for: pid)
        bench.runtime.kill(pid, .terminated)
        #expect(bench.runtime.unregister("n") == nil)
        bench.settle()
        let events = bench.runtime.feed.read(after: 0, limit: .max).events
        #expect(events.count { $0.kind == .unregister } == 1)
    }

    @Test func `who waits is told once, before and after and never after stopping`() throws {
        let bench = Bench()
        let pid = try bench.runtime.spawnIdle()
        let told = Mutex<[Int]>([])
        for number in 0..<3 {
            let wait = bench.runtime.waitForExit(of: pid) { _ in
                told.withLock { $0.append(number) }
            }
            guard case .pending(let id) = wait else {
                Issue.record("the process lives")
                return
            }
            if number == 1 { bench.runtime.stopWaiting(id, for: pid) }
        }
        bench.runtime.kill(pid, .terminated)
        guard case .pending = bench.runtime.waitForExit(of: pid, { _ in }) else {
            Issue.record("a decided exit is still to come")
            return
        }
        bench.settle()
        #expect(told.withLock { $0 } == [0, 2])
        guard case .ended(let record) = bench.runtime.waitForExit(of: pid, { _ in }) else {
            Issue.record("the record is kept")
            return
        }
        #expect(record.reason == .terminated)
        guard case .unknown = bench.runtime.waitForExit(of: World.nobody, { _ in }) else {
            Issue.record("nobody has that pid")
            return
        }
    }

    @Test func `terminate after a time does nothing to a later process of the slot`() throws {
        let bench = Bench()
        let first = try bench.runtime.spawnIdle()
        bench.runtime.terminate(first, after: 5_000_000)
        bench.runtime.kill(first, .terminated)
        bench.settle()
        let second = try bench.runtime.spawnIdle()
        #expect(second.slot == first.slot)
        bench.simulation.advance(by: 10_000_000)
        bench.settle()
        #expect(bench.runtime.isAlive(second))
    }

    @Test(arguments: [UInt64.max, UInt64.max - 1])
    func `terminate in the far future does not wrap around to now`(_ delay: UInt64) throws {
        let bench = Bench()
        let pid = try bench.runtime.spawnIdle()
        bench.runtime.terminate(pid, after: delay)
        bench.simulation.advance(by: 1_000_000_000)
        bench.settle()
        #expect(bench.runtime.isAlive(pid))
    }

    /// Every topology of three with each member failing first.
    @Test(arguments: 0..<8, 0..<3)
    func `a failure reaches everybody who is linked through others`(
        _ edges: Int,
        _ first: Int
    ) throws {
        let bench = Bench(seed: UInt64(edges * 3 + first))
        let pids = try (0..<3).map { _ in try bench.runtime.spawnIdle() }
        let pairs = [(0, 1), (1, 2), (0, 2)]
        var reached: Set<Int> = [first]
        for (bit, pair) in pairs.enumerated() where edges >> bit & 1 == 1 {
            try bench.runtime.link(pids[pair.0], pids[pair.1])
        }
        for _ in 0..<3 {
            for (bit, pair) in pairs.enumerated() where edges >> bit & 1 == 1 {
                if reached.contains(pair.0) { reached.insert(pair.1) }
                if reached.contains(pair.1) { reached.insert(pair.0) }
            }
        }
        bench.runtime.kill(pids[first], .terminated)
        bench.settle()
        for (index, pid) in pids.enumerated() {
            #expect(bench.runtime.isAlive(pid) == !reached.contains(index))
        }
        #expect(bench.runtime.counts.exited == UInt64(reached.count))
    }
}
