import Testing

@testable import ProcessRuntime

/// The laws over thousands of seeded worlds.
///
/// `MOONLET_SEED=n` replays only that seed; `MOONLET_SEEDS=n` sets how many run.
@Suite struct SeedTests {
    static let lanes = 4

    @Test(arguments: 0..<lanes)
    func `every law holds in every seeded world`(_ lane: Int) {
        if let seed = Settings.seed {
            if lane == 0 { check(seed) }
            return
        }
        for seed in stride(from: UInt64(lane + 1), through: Settings.seeds, by: SeedTests.lanes) {
            guard check(seed) else { return }
        }
    }

    /// Runs one world; false when it broke something.
    @discardableResult
    private func check(_ seed: UInt64) -> Bool {
        let history = History(SimulatedWorld.history(seed: seed))
        var complaints = history.model.mismatches.map { "model: \($0)" }
        for law in Law.all {
            complaints += law.violations(history).map { "\(law.name) (\(law.says)): \($0)" }
        }
        if complaints.isEmpty { return true }
        Issue.record("MOONLET_SEED=\(seed): \(complaints.prefix(5).joined(separator: "; "))")
        return false
    }

    @Test func `a seed gives the same history each time`() {
        let first = SimulatedWorld.history(seed: 7).map { "\($0)" }
        #expect(first == SimulatedWorld.history(seed: 7).map { "\($0)" })
        #expect(first != SimulatedWorld.history(seed: 8).map { "\($0)" })
    }
}
