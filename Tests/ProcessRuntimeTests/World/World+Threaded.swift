import Posix
import Synchronization

@testable import ProcessRuntime

/// A world on worker threads: the same walkers, while an outsider does things on a thread of its own.
///
/// The stamps of facts say when an operation began, so not every law can be read off the history
/// (see `ThreadedWorldTests`).
struct ThreadedWorld {
    let world: World
    private let crew: Crew
    private let outside: Hand

    /// Runs a world on `workers` threads until `turns` turns were given; returns it after its end.
    ///
    /// `lookAtSurvivors` is called when all is quiet and everybody has seen all mail.
    static func history(
        seed: UInt64,
        workers: Int,
        turns: Int,
        lookAtSurvivors: (Set<PID>, [Fact]) -> Void
    ) -> [Fact]? {
        let crew = Crew(workers: workers, processes: 40, events: 1 << 17)
        defer { crew.pool.stop() }
        let world = ThreadedWorld(
            world: World(seed: seed, crew.runtime, isThreaded: true),
            crew: crew
        )
        world.live(until: turns)
        guard world.settle() else { return nil }
        lookAtSurvivors(Set(crew.runtime.snapshots().map(\.pid)), world.world.history)
        return world.end() ? world.world.history : nil
    }

    private init(world: World, crew: Crew) {
        self.world = world
        self.crew = crew
        outside = world.makeOutside()
    }

    private func live(until turns: Int) {
        for _ in 0..<8 { outside.spawn(by: nil) }
        while Int(crew.pool.progress().turns) < turns {
            outside.outsideOperation()
            if outside.random(50) == 0 { world.takeCensus() }
        }
    }

    /// Lets everybody see all mail; false when that does not come about.
    private func settle() -> Bool {
        world.isSettling.store(true, ordering: .sequentiallyConsistent)
        guard isQuiet() else { return false }
        for pid in world.runtime.allPIDs() { outside.send(from: nil, to: pid) }
        return isQuiet()
    }

    /// Waits until no timer is pending, nobody is dying, and everybody waits.
    private func isQuiet() -> Bool {
        let quiet = wait {
            guard world.runtime.pendingTimers == 0 else { return false }
            let snapshots = world.runtime.snapshots()
            return snapshots.count == world.runtime.counts.live
                && snapshots.allSatisfy { $0.state == "waiting" }
        }
        world.note(.quiet)
        world.takeCensus()
        return quiet
    }

    private func end() -> Bool {
        for pid in world.runtime.allPIDs() { outside.kill(pid) }
        guard crew.everybodyEnds() else { return false }
        // The last of an exit is to tell those who wait for it, and this world writes it down then.
        guard wait(until: { world.endCount == Int(world.runtime.counts.exited) }) else {
            return false
        }
        world.note(.quiet)
        world.takeCensus()
        world.noteFeed()
        return true
    }
}
