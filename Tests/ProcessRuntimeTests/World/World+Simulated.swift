import Synchronization

@testable import ProcessRuntime

/// A world on one thread, where one seed decides everything.
struct SimulatedWorld {
    private let simulation: Simulation
    private let world: World
    private let outside: Hand

    /// Runs the world of `seed` and returns its history.
    static func history(seed: UInt64) -> [Fact] {
        let world = SimulatedWorld(seed: seed)
        world.live()
        world.settle()
        world.end()
        return world.world.history
    }

    private init(seed: UInt64) {
        simulation = Simulation(seed: seed)
        world = World(
            seed: seed,
            simulation.makeRuntime(World.configuration),
            isThreaded: false
        )
        outside = world.makeOutside()
    }

    /// The part where random things happen.
    private func live() {
        for _ in 0..<2 + outside.random(4) { outside.spawn(by: nil) }
        let steps = 50 + outside.random(251)
        for step in 0..<steps {
            switch outside.random(16) {
            case 0: outside.outsideOperation()
            case 1: passTime()
            default:
                if !simulation.step() {
                    world.note(.quiet)
                    if outside.random(2) == 0 { passTime() } else { outside.outsideOperation() }
                }
            }
            if step % 24 == 0 { world.takeCensus() }
        }
        world.takeCensus()
    }

    /// Lets everybody see what is in the mailbox, and every timer fire.
    private func settle() {
        world.isSettling.store(true, ordering: .relaxed)
        for _ in 0..<2 {
            runUntilQuiet()
            passTime(nanoseconds: 2_000_000_000)
        }
        for pid in world.runtime.allPIDs() { outside.send(from: nil, to: pid) }
        runUntilQuiet()
    }

    /// Ends everybody and adds the feed.
    private func end() {
        for pid in world.runtime.allPIDs() { outside.kill(pid) }
        runUntilQuiet()
        world.noteFeed()
    }

    private func runUntilQuiet() {
        while simulation.step() {}
        world.note(.quiet)
        world.takeCensus()
    }

    private func passTime() {
        let most = outside.random(4) == 0 ? 300 : 4
        passTime(nanoseconds: UInt64(1 + outside.random(most)) * 800_000)
    }

    private func passTime(nanoseconds: UInt64) {
        simulation.advance(by: nanoseconds)
        world.note(.time(simulation.now()))
    }
}
