import Testing

@testable import ProcessRuntime

@Suite struct SimulationTests {
    @Test func `a runtime and its simulation go when the test lets go of them`() {
        weak var runtime: Runtime?
        weak var simulation: Simulation?
        do {
            let bench = Bench()
            runtime = bench.runtime
            simulation = bench.simulation
            #expect(runtime != nil)
        }
        #expect(runtime == nil && simulation == nil)
    }

    @Test func `run passes the time that timers need`() throws {
        let bench = Bench()
        let pid = try bench.runtime.spawnIdle()
        bench.runtime.terminate(pid, after: 3_600_000_000_000)
        #expect(bench.simulation.run())
        #expect(!bench.runtime.isAlive(pid))
        #expect(bench.simulation.now() >= 3_601_000_000_000)
    }

    @Test func `run gives up on a process that never waits`() throws {
        let bench = Bench()
        _ = try bench.runtime.spawn(.plain, running: Puppet { _, _ in .preempted })
        #expect(!bench.simulation.run(limit: 1_000))
    }
}
