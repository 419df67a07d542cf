import LuaLibraries
import ProcessRuntime
import Testing

/// What lifecycle events may take of a mailbox (Runtime+Exit.swift, `hasRoom`).
@Suite struct EventRoomTests {
    @Test func `no EXIT is lost, but results beyond the mailbox's bytes are left out and said so`()
    {
        var limits = ProcessLimits()
        limits.mailboxBytes = 100_000
        let harness = LuaHarness(
            [
                SourceEntry(
                    id: "app:main",
                    source: """
                        return function()
                          local events = process.events()
                          local pids = {}
                          for i = 1, 50 do
                            pids[i] = process.spawn_monitored("app:fat", "app:processes")
                          end
                          -- All are gone before the first event is looked at.
                          for i = 1, 50 do
                            while process.send(pids[i], "still there?") do time.sleep("1ms") end
                          end
                          local whole, cut = 0, 0
                          for i = 1, 50 do
                            local event = events:receive()
                            if event.truncated then
                              cut = cut + 1
                              assert(event.result == nil)
                            else
                              whole = whole + 1
                              assert(#event.result == 10000)
                            end
                          end
                          return {whole >= 1 and whole <= 20, whole + cut}
                        end
                        """
                ),
                SourceEntry(
                    id: "app:fat",
                    source: "return function() return ('x'):rep(10000) end"
                ),
            ],
            limits: limits
        )
        #expect(harness.run() == "[true,50]")
    }

    @Test func `a CANCEL finds a full mailbox full`() {
        var limits = ProcessLimits()
        limits.mailboxBytes = 10_000
        let harness = LuaHarness(
            [
                SourceEntry(
                    id: "app:main",
                    source: """
                        return function()
                          local me = process.pid()
                          local accepted = 0
                          while accepted < 100 do
                            local ok, err = process.cancel(me, ("x"):rep(1000))
                            if not ok then return {accepted < 12, err:kind()} end
                            accepted = accepted + 1
                          end
                          return "never full"
                        end
                        """
                )
            ],
            limits: limits
        )
        #expect(harness.run() == #"[true,"RateLimited"]"#)
    }
}
