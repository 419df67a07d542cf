import LuaLibraries
import ProcessRuntime
import Testing

/// Calls that cannot be preempted: others go on, and a kill works there too.
@Suite struct StallTests {
    /// Each sits in one call of C for ever, or for far longer than any test.
    static let longCalls = [
        "('a'):rep(5000):find(('.-'):rep(8) .. 'b')",
        "('a'):rep(5000):gsub(('a*'):rep(8) .. 'b', 'x')",
        "table.sort({3, 1, 2}, function() while true do end end)",
        "('x'):gsub('.', function() while true do end end)",
        "table.concat(setmetatable({}, {__len = function() return 1 end, __index = function() while true do end end}))",
        "string.format('%s', setmetatable({}, {__tostring = function() while true do end end}))",
        "pcall(table.sort, {3, 1, 2}, function() while true do pcall(error) end end)",
        "coroutine.wrap(function() ('a'):rep(5000):match(('.-'):rep(8) .. 'b') end)()",
    ]

    @Test(arguments: longCalls)
    func `a long call holds nobody up and dies by request`(call: String) throws {
        let body = """
            local pid = process.spawn("app:echo", HOST, process.pid())
            local ch = process.listen("pong")
            for i = 1, 50 do process.send(pid, "ping", i) if ch:receive() ~= i then return i end end
            return "fair"
            """
        let echo = """
            local parent = ...
            local ch = process.listen("ping")
            while true do process.send(parent, "pong", (ch:receive())) end
            """
        let harness = LuaHarness(LuaCase.entries(body, ["echo": echo, "long": call]))
        let stuck = try (0..<2).map { _ in try harness.spawn("app:long") }
        harness.waitUntil {
            stuck.allSatisfy { harness.runtime.snapshot($0)?.state == "running" }
        }
        #expect(harness.run(within: 60) == #""fair""#)
        let stalled = harness.runtime.feed.read(after: 0, limit: 1_000).events
            .filter { $0.kind == .stalled }
        #expect(!stalled.isEmpty)
        #expect(stalled.allSatisfy { stuck.contains($0.from) && $0.entry == "app:long" })
        #expect(harness.pool.describe().contains { $0.state == .stalled })
        for pid in stuck {
            #expect(harness.runtime.kill(pid, .terminated))
            #expect(harness.exit(of: pid)?.reason == .terminated)
        }
        harness.waitUntil { harness.pool.describe().allSatisfy { $0.state != .stalled } }
    }
}
