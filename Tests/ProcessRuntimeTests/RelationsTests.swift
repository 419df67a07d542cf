import Payload
import Testing

@testable import ProcessRuntime

@Suite struct RelationsTests {
    /// Timeline: b is killed | a unlinks b | b's exit is carried out.
    @Test func `unlinking a partner that is dying undoes the link`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        let b = try bench.runtime.spawnIdle()
        try bench.runtime.link(a, b)
        bench.runtime.kill(b, .terminated)
        bench.runtime.unlink(a, b)
        bench.settle()
        #expect(bench.runtime.isAlive(a))
    }

    /// Timeline: b is killed | a unmonitors b | b's exit is carried out.
    @Test func `unmonitoring a process that is dying keeps its EXIT away`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        let b = try bench.runtime.spawnIdle()
        try bench.runtime.monitor(b, by: a)
        bench.runtime.kill(b, .terminated)
        bench.runtime.unmonitor(b, by: a)
        bench.settle()
        #expect(bench.runtime.takeMail(of: a) == [])
    }

    @Test func `an EXIT that is queued stays after unmonitor`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        let b = try bench.runtime.spawnIdle()
        try bench.runtime.monitor(b, by: a)
        bench.runtime.kill(b, .terminated)
        bench.settle()
        bench.runtime.unmonitor(b, by: a)
        #expect(
            bench.runtime.takeMail(of: a) == [.exit(of: b, Mail.Outcome(.terminated))]
        )
    }

    @Test func `a watcher that is linked too gets EXIT before LINK_DOWN`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        let b = try bench.runtime.spawnIdle()
        bench.runtime.setTrapLinks(true, of: a)
        try bench.runtime.link(b, a)
        try bench.runtime.monitor(b, by: a)
        bench.runtime.kill(b, .terminated)
        bench.settle()
        #expect(
            bench.runtime.takeMail(of: a) == [
                .exit(of: b, Mail.Outcome(.terminated)),
                .linkDown(of: b, error: "process terminated"),
            ]
        )
    }

    @Test func `names are free and the pid unroutable when EXIT is there`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        var request = SpawnRequest.plain
        request.name = "worker"
        request.monitoredBy = a
        let b = try bench.runtime.spawnIdle(request)
        #expect(bench.runtime.lookup("worker") == b)
        bench.runtime.kill(b, .terminated)
        #expect(bench.runtime.lookup("worker") == nil)
        bench.settle()
        #expect(!bench.runtime.takeMail(of: a).isEmpty)
        #expect(try bench.runtime.register("worker", for: a))
    }

    @Test func `monitoring and linking oneself has no effect`() throws {
        let bench = Bench()
        let a = try bench.runtime.spawnIdle()
        try bench.runtime.monitor(a, by: a)
        try bench.runtime.link(a, a)
        bench.runtime.unmonitor(a, by: a)
        bench.runtime.unlink(a, a)
        let snapshot = try #require(bench.runtime.snapshot(a))
        #expect(snapshot.links == [] && snapshot.monitors == [] && snapshot.monitoredBy == [])
    }

    @Test func `a name that looks like a pid of this node is refused, dots in the node or not`()
        throws
    {
        for node in ["moon", "moon.rise", "a.b.c"] {
            let bench = Bench { $0.node = node }
            let a = try bench.runtime.spawnIdle()
            for text in [bench.runtime.pids.text(a), "\(node).abc.1", "\(node).0.99999999"] {
                #expect(throws: RuntimeFault.nameInvalid("a name may not look like a pid")) {
                    try bench.runtime.register(text, for: a)
                }
            }
            for text in ["moon", "\(node).abc", "\(node).abc.x", "\(node).A.1", "other.abc.1"] {
                #expect(try bench.runtime.register(text, for: a))
            }
        }
    }

    @Test func `names have a length and a number limit`() throws {
        let bench = Bench { $0.namesPerProcessMax = 2 }
        let a = try bench.runtime.spawnIdle()
        #expect(throws: RuntimeFault.self) { try bench.runtime.register("", for: a) }
        let longest = String(repeating: "n", count: 256)
        #expect(throws: RuntimeFault.self) { try bench.runtime.register(longest + "n", for: a) }
        #expect(try bench.runtime.register(longest, for: a))
        #expect(try bench.runtime.register("two", for: a))
        #expect(throws: RuntimeFault.tooManyNames) { try bench.runtime.register("three", for: a) }
        #expect(try !bench.runtime.register("two", for: a))
        #expect(bench.runtime.unregister("two", onlyOf: try bench.runtime.spawnIdle()) == nil)
        #expect(bench.runtime.unregister("two", onlyOf: a) == a)
        #expect(try bench.runtime.register("three", for: a))
    }
}
