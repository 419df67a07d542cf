import Payload
import Synchronization

@testable import ProcessRuntime

/// A small world: processes doing random things to each other, and what they wrote down.
///
/// It runs on a simulation, from one seed and on one thread (`World+Simulated.swift`), or on worker
/// threads (`World+Threaded.swift`).
final class World: Sendable {
    static let populationMax = 12
    static let names = ["alpha", "beta", "gamma", "delta"]
    /// A pid that no process of a world ever has: a slot beyond the table.
    static let nobody = PID(slot: 4_095, generation: 0)

    let runtime: Runtime
    let isThreaded: Bool
    /// From here on walkers only empty their mailboxes and wait.
    let isSettling = Atomic<Bool>(false)
    /// The moments that facts are stamped with.
    let stamps = Atomic<UInt64>(0)
    private let numbers = Atomic<Int>(0)
    let shared = Mutex(Shared())
    private let seed: UInt64

    struct Shared {
        var facts: [(stamp: UInt64, fact: Fact)] = []
        /// Pids that operations aim at, the living and a few of the dead.
        var known: [PID] = []
        /// Timers that processes started and anybody may stop.
        var timers: [(owner: PID, number: Int, key: TimerKey)] = []
    }

    init(seed: UInt64, _ runtime: Runtime, isThreaded: Bool) {
        self.seed = seed
        self.runtime = runtime
        self.isThreaded = isThreaded
        shared.withLock { $0.facts.reserveCapacity(1_024) }
    }

    /// The one outside.
    func makeOutside() -> Hand {
        Hand(world: self, luck: Luck(seed: seed))
    }

    static var configuration: Runtime.Configuration {
        var configuration = Runtime.Configuration()
        configuration.processesMax = 40
        configuration.eventsMax = 65_536
        configuration.namesPerProcessMax = 3
        return configuration
    }

    // MARK: Writing down

    func stamp() -> UInt64 {
        stamps.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    }

    func note(_ fact: Fact, at stamp: UInt64? = nil) {
        let stamp = stamp ?? self.stamp()
        shared.withLock { $0.facts.append((stamp, fact)) }
    }

    /// The number of the next message or timer: each is used once.
    func nextNumber() -> Int {
        numbers.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// A process was made.
    func welcome(_ pid: PID) {
        shared.withLock { shared in
            if shared.known.count >= World.populationMax + 4 { shared.known.removeFirst() }
            shared.known.append(pid)
        }
        let wait = runtime.waitForExit(of: pid) { [unowned self] record in
            note(.ended(record.pid, record.reason))
            // Most of the dead are forgotten: doing things to them soon says nothing new.
            if record.pid.number % 4 != 0 {
                shared.withLock { shared in shared.known.removeAll { $0 == record.pid } }
            }
        }
        // Already over: that is possible only on threads.
        if case .ended(let record) = wait { note(.ended(record.pid, record.reason)) }
    }

    func takeCensus() {
        let counts = runtime.counts
        note(
            .census(
                runtime.snapshots(),
                spawned: Int(counts.spawned),
                exited: Int(counts.exited),
                live: counts.live
            )
        )
    }

    /// Adds the feed's events to the facts.
    func noteFeed() {
        for event in runtime.feed.read(after: 0, limit: .max).events {
            note(.fed(event.sequence, event.kind, event.from))
        }
    }

    /// How many ends were written down.
    var endCount: Int {
        shared.withLock { shared in
            shared.facts.count { if case .ended = $0.fact { true } else { false } }
        }
    }

    /// What happened, in order.
    var history: [Fact] {
        var facts = shared.withLock { $0.facts }
        if isThreaded { facts.sort { $0.stamp < $1.stamp } }
        return facts.map(\.fact)
    }
}
