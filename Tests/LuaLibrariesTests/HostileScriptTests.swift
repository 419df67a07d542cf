import LuaLibraries
import LuaVM
import Posix
import ProcessRuntime
import Testing

/// Every row of the catalogue on real workers, with a bystander that must notice nothing.
@Suite struct HostileScriptTests {
    @Test(arguments: HostileScript.all)
    func `a hostile script ends as the catalogue says`(script: HostileScript) throws {
        let harness = LuaHarness([
            SourceEntry(id: "app:main", source: "return function(...)\n\(script.body)\nend"),
            SourceEntry(id: "app:bystander", source: "return function() return 'well' end"),
        ])
        if case .absent = script.expectation { return }
        let pid = try harness.spawn("app:main")
        if case .killable = script.expectation {
            try harness.waitUntilRunning(pid)
            let start = SystemTime.monotonicNanoseconds()
            #expect(harness.runtime.kill(pid, .terminated))
            let record = try #require(harness.exit(of: pid, within: 20), "not killed")
            let milliseconds = (SystemTime.monotonicNanoseconds() - start) / 1_000_000
            #expect(record.reason == .terminated)
            #expect(milliseconds < 3_000)
        } else {
            let record = try #require(harness.exit(of: pid, within: 60), "did not end")
            check(harness.describe(record), record.reason, script.expectation)
        }
        #expect(harness.run("app:bystander") == "\"well\"")
        #expect(harness.runtime.counts.live == 0)
    }

    private func check(
        _ result: String,
        _ reason: ExitReason,
        _ expectation: HostileScript.Expectation
    ) {
        switch expectation {
        case .ok(let expected): #expect(result == expected)
        case .error(let part):
            #expect(reason.word == "error" && result.contains(part), "\(result.prefix(300))")
        case .memory: #expect(reason == .limit(.memory))
        case .errorOrMemory(let part):
            #expect(reason == .limit(.memory) || result.contains(part), "\(result.prefix(300))")
        case .killable, .absent: Issue.record("nothing to compare")
        }
    }

    @Test func `kills can end code inside liblua`() {
        #expect(LuaWorker.knowsLuaText)
    }
}

extension HostileScript: CustomTestStringConvertible {
    var testDescription: String { "\(row): \(body.prefix(60))" }
}

extension LuaHarness {
    /// Waits until a worker runs `pid`'s code and has done so for a moment.
    func waitUntilRunning(_ pid: PID, within seconds: Double = 20) throws {
        let deadline = SystemTime.monotonicNanoseconds() + UInt64(seconds * 1e9)
        var sightings = 0
        while sightings < 50 {
            let now = SystemTime.monotonicNanoseconds()
            guard now < deadline, let snapshot = runtime.snapshot(pid) else {
                throw NeverRan()
            }
            sightings = snapshot.state == "running" ? sightings + 1 : 0
            Parker().park(until: now + 1_000_000)
        }
    }

    struct NeverRan: Error {}
}
