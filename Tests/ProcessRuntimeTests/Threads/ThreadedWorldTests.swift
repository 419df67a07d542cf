import Testing

@testable import ProcessRuntime

/// The laws that can be read off the merged logs of processes on real threads.
///
/// A fact is stamped when its operation began. Laws that compare only one process's log, or only say
/// "after", hold as they stand; those that ask for the exact state at one moment do not, and are
/// checked here for the survivors, when all is quiet.
@Suite(.serialized) struct ThreadedWorldTests {
    private static let laws: Set<String> = [
        "M1", "M2", "M3", "M5", "M8", "M9", "W2", "W6", "W7", "W9", "L4", "L8", "L9", "L10", "N1",
        "N3", "P1", "P3", "P5", "X2",
    ]

    @Test(arguments: [1, 2, 4, 8])
    func `the laws hold on real threads`(_ workers: Int) {
        for run in 1...Settings.runs {
            let seed = UInt64(workers * 1_000 + run)
            var complaints: [String] = []
            let facts = ThreadedWorld.history(seed: seed, workers: workers, turns: 6_000) {
                complaints += ThreadedWorldTests.complaints(of: $0, $1)
            }
            guard let facts else {
                Issue.record("the world never came to rest")
                return
            }
            let history = History(facts)
            // A kill that began before a census may take effect after it, and a census looks at one
            // process after the other: only the bound on a mailbox holds at any moment.
            let withoutCensus = History(
                facts.filter { fact in
                    if case .census = fact { false } else { true }
                }
            )
            for law in Law.all where ThreadedWorldTests.laws.contains(law.name) {
                let read = law.name == "M9" ? history : withoutCensus
                complaints += law.violations(read).map { "\(law.name): \($0)" }
            }
            #expect(complaints == [], "\(workers) workers, run \(run)")
        }
    }

    /// What the survivors of a world may complain of: they have seen everything that was theirs.
    private static func complaints(of survivors: Set<PID>, _ facts: [Fact]) -> [String] {
        let history = History(facts)
        var law = Complaints()
        var received = Set<Int>()
        for life in history.lives.values {
            for case (_, .message(let number, _)) in life.mail { received.insert(number) }
        }
        for send in history.sends where send.fault == nil && survivors.contains(send.to) {
            law.require(received.contains(send.number), "M4: \(send.number) is lost")
        }
        var watched = Set<Pair>()
        var released = Set<Pair>()
        for fact in facts {
            switch fact {
            case .monitored(let target, let watcher, nil): watched.insert(Pair(watcher, target))
            case .unmonitored(let target, let watcher): released.insert(Pair(watcher, target))
            case .spawned(let child, by: let parent?, let ties, _, _, _):
                if ties.contains(.monitor) { watched.insert(Pair(parent, child)) }
            default: break
            }
        }
        for pair in watched.subtracting(released) where survivors.contains(pair.first) {
            let exits = history.life(pair.first).exits(of: pair.second).count
            let due = history.life(pair.second).ended.isEmpty || pair.first == pair.second ? 0 : 1
            law.require(exits == due, "W1: \(pair.first.number) got \(exits) EXITs, not \(due)")
        }
        return law.list
    }
}
