import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct SpawnTests {
    @Test(arguments: [false, true])
    func `a spawn tied to a dead process makes nothing`(_ linked: Bool) throws {
        let bench = Bench()
        let parent = try bench.runtime.spawnIdle()
        bench.runtime.kill(parent, .terminated)
        var request = SpawnRequest.plain
        request.name = "child"
        if linked { request.linkedTo = parent } else { request.monitoredBy = parent }
        let body = Puppet()
        #expect(throws: RuntimeFault.callerDying) {
            try bench.runtime.spawn(request, running: body)
        }
        bench.settle()
        #expect(bench.runtime.lookup("child") == nil)
        #expect(bench.runtime.counts.spawned == 1)
        #expect(bench.runtime.counts.live == 0)
        #expect(body.discards.load(ordering: .relaxed) == 0)
    }

    @Test func `a spawn with a taken name leaves no tie behind`() throws {
        let bench = Bench()
        let parent = try bench.runtime.spawnIdle()
        try _ = bench.runtime.register("taken", for: parent)
        var request = SpawnRequest.plain
        request.name = "taken"
        request.linkedTo = parent
        request.monitoredBy = parent
        #expect(throws: RuntimeFault.nameTaken(parent)) {
            try bench.runtime.spawn(request, running: Puppet())
        }
        let snapshot = try #require(bench.runtime.snapshot(parent))
        #expect(snapshot.links == [] && snapshot.monitors == [])
        // The slot is free again, and its pid is not: nobody ever gets it.
        let next = try bench.runtime.spawnIdle()
        #expect(next.slot == parent.slot + 1 && next.number > UInt64(PID.slotMax))
    }

    /// Timeline: the child claims a name | another process finds and monitors it | the spawn fails.
    ///
    /// The watcher would wait for ever.
    @Test func `nobody can reach a process before its spawn can no longer fail`() throws {
        let bench = Bench()
        let block = try #require(bench.runtime.table.take())
        let watcher = try bench.runtime.spawnIdle()
        let pid = PID(slot: block.slot, generation: 0)
        block.withLock {
            $0.pid = pid
            $0.phase = .starting
        }
        #expect(throws: RuntimeFault.processNotFound) {
            try bench.runtime.monitor(pid, by: watcher)
        }
        #expect(throws: RuntimeFault.processNotFound) { try bench.runtime.link(pid, watcher) }
        #expect(throws: RuntimeFault.processNotFound) {
            try bench.runtime.send(
                Signal(topic: "t", payload: .nothing, from: nil),
                to: pid
            )
        }
        #expect(!bench.runtime.kill(pid, .terminated))
        #expect(bench.runtime.snapshot(pid) == nil)
        guard case .unknown = bench.runtime.waitForExit(of: pid, { _ in }) else {
            Issue.record("somebody may wait for a process that may never be")
            return
        }
    }

    @Test func `first messages are there before the first instruction`() throws {
        let bench = Bench()
        let seen = Mutex<[Mail]>([])
        var request = SpawnRequest.plain
        var writer = PayloadWriter()
        writer.write(Int64(5))
        request.messages = [(Array("work".utf8), writer.finish())]
        let runtime = bench.runtime
        let body = Puppet { [unowned runtime] block, _ in
            var queue = SignalQueue()
            var sequence: UInt64 = 0
            runtime.drain(block, into: &queue, numberingFrom: &sequence)
            while let signal = queue.popFirst() {
                if let mail = Mail(signal) { seen.withLock { $0.append(mail) } }
            }
            return .waiting
        }
        _ = try bench.runtime.spawn(request, running: body)
        bench.settle()
        #expect(seen.withLock { $0 } == [.message(5, from: nil)])
    }

    @Test func `the limit of processes holds, and a slot is free after an exit`() throws {
        let bench = Bench { $0.processesMax = 3 }
        let pids = try (0..<3).map { _ in try bench.runtime.spawnIdle() }
        #expect(throws: RuntimeFault.processLimit) { try bench.runtime.spawnIdle() }
        bench.runtime.kill(pids[1], .terminated)
        bench.settle()
        let next = try bench.runtime.spawnIdle()
        #expect(!pids.contains(next))
    }

    @Test func `draining refuses new processes`() throws {
        let bench = Bench()
        bench.runtime.beginDraining()
        #expect(throws: RuntimeFault.draining) { try bench.runtime.spawnIdle() }
    }

    @Test(arguments: [1, 1_000_000, UInt64.max - 5, UInt64.max])
    func `a lifetime ends a process then and not before`(_ lifetime: UInt64) throws {
        let bench = Bench()
        var request = SpawnRequest.plain
        request.limits.lifetimeNanoseconds = lifetime
        let pid = try bench.runtime.spawnIdle(request)
        bench.settle()
        #expect(bench.runtime.isAlive(pid))
        bench.simulation.advance(by: 2_000_000)
        bench.settle()
        #expect(bench.runtime.isAlive(pid) == (lifetime > 2_000_000))
        if lifetime <= 2_000_000 {
            #expect(bench.runtime.exitRecord(of: pid)?.reason == .limit(.lifetime))
        }
        #expect(bench.runtime.pendingTimers == (lifetime > 2_000_000 ? 1 : 0))
    }

    @Test func `a turn that uses up the CPU limit is the last`() throws {
        let bench = Bench()
        var request = SpawnRequest.plain
        request.limits.cpuNanoseconds = 5_000_000
        let simulation = bench.simulation
        let turns = Atomic<Int>(0)
        let body = Puppet { _, _ in
            simulation.advance(by: 2_000_000)
            turns.wrappingAdd(1, ordering: .relaxed)
            return .preempted
        }
        let pid = try bench.runtime.spawn(request, running: body)
        bench.settle()
        #expect(turns.load(ordering: .relaxed) == 3)
        #expect(bench.runtime.exitRecord(of: pid)?.reason == .limit(.cpu))
    }
}
