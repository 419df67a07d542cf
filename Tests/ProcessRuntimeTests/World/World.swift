import Payload

@testable import ProcessRuntime

/// A small world run from one seed: up to twelve processes doing random things to each other.
///
/// Everything a walker or the outside does goes through the functions in `World+Operations.swift`,
/// which write down what they did. One thread touches a world at a time.
final class World: @unchecked Sendable {
    static let populationMax = 12
    /// A pid that no process of a world ever has: a slot beyond the table.
    static let nobody = PID(slot: 4_095, generation: 0)
    static let names = ["alpha", "beta", "gamma", "delta"]

    let simulation: Simulation
    let runtime: Runtime
    var facts: [Fact] = []
    /// Pids that operations aim at, the living and a few of the dead.
    var known: [PID] = []
    var nextNumber = 0
    var nextTimer = 0
    /// From here on walkers only empty their mailboxes and wait.
    var isSettling = false
    /// Timers that processes started and may stop.
    var startedTimers: [(owner: PID, number: Int, key: TimerKey)] = []

    init(seed: UInt64) {
        simulation = Simulation(seed: seed)
        var configuration = Runtime.Configuration()
        configuration.processesMax = 40
        configuration.eventsMax = 4_096
        configuration.namesPerProcessMax = 3
        runtime = simulation.makeRuntime(configuration)
        facts.reserveCapacity(1_024)
    }

    /// Runs the world and returns its history.
    static func history(seed: UInt64) -> [Fact] {
        let world = World(seed: seed)
        world.live()
        world.settle()
        world.end()
        return world.facts
    }

    func random(_ bound: Int) -> Int {
        simulation.random(below: bound)
    }

    /// The part where random things happen.
    private func live() {
        for _ in 0..<2 + random(4) { spawn(by: nil) }
        let steps = 50 + random(251)
        for step in 0..<steps {
            switch random(16) {
            case 0: outsideOperation()
            case 1: passTime()
            default:
                if !simulation.step() {
                    note(.quiet)
                    if random(2) == 0 { passTime() } else { outsideOperation() }
                }
            }
            if step % 24 == 0 { takeCensus() }
        }
        takeCensus()
    }

    /// Lets everybody see what is in the mailbox, and every timer fire.
    private func settle() {
        isSettling = true
        for _ in 0..<2 {
            runUntilQuiet()
            note(.quiet)
            takeCensus()
            passTime(nanoseconds: 2_000_000_000)
        }
        for pid in runtime.allPIDs() { send(from: nil, to: pid) }
        runUntilQuiet()
        note(.quiet)
        takeCensus()
    }

    /// Ends everybody and adds the feed.
    private func end() {
        for pid in runtime.allPIDs() { kill(pid) }
        runUntilQuiet()
        note(.quiet)
        takeCensus()
        for event in runtime.feed.read(after: 0, limit: .max).events {
            note(.fed(event.sequence, event.kind, event.from))
        }
    }

    private func runUntilQuiet() {
        while simulation.step() {}
    }
}
