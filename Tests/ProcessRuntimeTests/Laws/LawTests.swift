import Payload
import Testing

@testable import ProcessRuntime

/// Each law refuses a small history that breaks it, and accepts one that differs only there.
///
/// A law that accepts everything would let every seed pass.
@Suite struct LawTests {
    @Test(arguments: Example.all)
    func `a law refuses what breaks it and accepts what does not`(_ example: Example) throws {
        let law = try #require(Law.all.first { $0.name == example.law })
        #expect(!law.violations(History(example.broken)).isEmpty)
        #expect(law.violations(History(example.sound)) == [])
    }

    @Test func `every law has an example, and every name is there once`() {
        #expect(Set(Law.all.map(\.name)) == Set(Example.all.map(\.law)))
        #expect(Set(Law.all.map(\.name)).count == Law.all.count)
    }

    @Test(arguments: Example.all)
    func `the model has nothing against a sound history`(_ example: Example) {
        // These leave out what does not matter to their law: census, counters, feed.
        #expect(History(example.sound).model.mismatches == [])
    }
}

/// Two histories for one law.
struct Example: Sendable, CustomTestStringConvertible {
    let law: String
    let broken: [Fact]
    let sound: [Fact]

    init(_ law: String, broken: [Fact], sound: [Fact]) {
        self.law = law
        self.broken = broken
        self.sound = sound
    }

    var testDescription: String { law }

    static let all = messages + monitors + links + names + processes

    static let a = PID(slot: 1, generation: 0)
    static let b = PID(slot: 2, generation: 0)
    static let c = PID(slot: 3, generation: 0)

    /// Somebody outside spawns the three.
    static let abc: [Fact] = [born(a), born(b), born(c)]

    static func born(
        _ pid: PID,
        by parent: PID? = nil,
        _ ties: Fact.Ties = [],
        name: String? = nil
    ) -> Fact {
        .spawned(pid, by: parent, ties, name: name, ProcessLimits(), at: 1_000_000_000)
    }

    static let fine = ExitReason.normal(.nothing)
    static let broken = ExitReason.error(ErrorValue(message: "broken"))

    /// A process ends by itself.
    static func ends(_ pid: PID, _ reason: ExitReason) -> [Fact] {
        [.returned(pid, reason), .ended(pid, reason)]
    }

    static func exit(_ pid: PID, _ reason: ExitReason) -> Mail {
        .exit(of: pid, Mail.Outcome(reason))
    }

    static func census(_ snapshots: ProcessSnapshot...) -> Fact {
        .census(snapshots, spawned: 3, exited: 0, live: 3)
    }

    static func shown(
        _ pid: PID,
        links: [PID] = [],
        monitoredBy: [PID] = [],
        names: [String] = [],
        mailbox: Int = 0
    ) -> ProcessSnapshot {
        ProcessSnapshot(
            pid: pid,
            entry: "",
            host: "",
            names: names,
            state: "waiting",
            startedAt: 0,
            memoryBytes: 0,
            mailboxMessages: mailbox,
            mailboxBytes: 0,
            cpuNanoseconds: 0,
            links: links,
            monitors: [],
            monitoredBy: monitoredBy,
            trapLinks: false,
            parent: nil,
            fibers: 1,
            waitingFor: [],
            handlesEvents: false,
            limits: ProcessLimits()
        )
    }
}
