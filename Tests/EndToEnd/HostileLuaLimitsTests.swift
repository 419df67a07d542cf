import Foundation
import Testing

/// Scripts that want much of what all processes share: memory, the timekeeper, the kernel's time.
@Suite(.serialized) struct HostileLuaLimitsTests {
    private static func entry(_ name: String, _ body: String) -> (String, String) {
        (name, "return function(...)\n\(body)\nend\n")
    }

    private static let app = Result {
        try TemporaryApp([
            entry(
                "arguments",
                """
                local n = ...
                local v, err = process.spawn("app.test:quick", "app:processes", table.unpack({}, 1, n))
                return {tostring(v), tostring(err)}
                """
            ),
            entry("quick", "return 1"),
            entry(
                "strings",
                """
                local n, bytes = ...
                local events = process.events()
                for i = 1, n do
                  process.spawn_monitored("app.test:string", "app:processes", bytes)
                end
                for i = 1, n do events:receive() end
                return n
                """
            ),
            entry("string", "local s = ('x'):rep((...)) time.sleep('200ms') return #s"),
            entry("tables", "local t = {} for i = 1, (...) do t[i] = {i} end return #t"),
            entry("kinds", "error(errors.new{message = 'x', kind = ('k'):rep((...))})"),
            entry(
                "tickers",
                """
                local n, period = ...
                local t = {}
                for i = 1, n do t[i] = assert(time.ticker(period)) end
                process.registry.register("tickers" .. process.pid())
                process.inbox():receive()
                """
            ),
            entry(
                "naps",
                """
                local worst = 0
                for i = 1, (...) do
                  local before = time.now()
                  time.sleep("5ms")
                  worst = math.max(worst, time.now():sub(before):milliseconds())
                end
                return worst
                """
            ),
            // Small in its process, and large as a copy, where nothing is shared.
            entry(
                "wide",
                """
                local row, rows = {}, {}
                for i = 1, 1000 do row[i] = 1 end
                for i = 1, (...) do rows[i] = row end
                return rows
                """
            ),
            entry(
                "results",
                """
                local n, length = ...
                for i = 1, n do
                  coroutine.spawn(function()
                    process.exec("app.test:wide", "app:processes", length)
                  end)
                end
                -- The results come while nothing is taken.
                local before = os.clock()
                while os.clock() - before < 1 do end
                time.sleep("10ms")
                return "done"
                """
            ),
        ])
    }

    private func exec(_ server: RunningServer, _ name: String, _ arguments: String) throws
        -> HTTPAnswer
    {
        try server.exec(#"{"entry": "app.test:\#(name)", "args": \#(arguments)}"#)
    }

    @Test func `a spawn with a million arguments is refused`() throws {
        let server = try RunningServer(Self.app.get().path)
        let answer = try exec(server, "arguments", "[999900]")
        #expect(answer.text.contains("at most 250 arguments"), "\(answer.text)")
        #expect(server.isRunning)
    }

    @Test func `memory comes down after storms of large processes`() throws {
        let server = try RunningServer(Self.app.get().path)
        _ = try exec(server, "strings", "[2, 1000]")
        let before = server.residentBytes
        for _ in 0..<3 { _ = try exec(server, "strings", "[20, 15728640]") }
        for _ in 0..<3 { _ = try exec(server, "strings", "[60, 3000000]") }
        for _ in 0..<5 { _ = try exec(server, "tables", "[300000]") }
        let left = waitFor(seconds: 10) { () -> Int? in
            let more = server.residentBytes - before
            return more < 100 << 20 ? more : nil
        }
        print("figure: resident after storms, more by \((server.residentBytes - before) >> 20) MiB")
        #expect(left != nil, "\((server.residentBytes - before) >> 20) MiB more")
    }

    @Test func `errors with large kinds leave little behind`() throws {
        let server = try RunningServer(Self.app.get().path)
        _ = try exec(server, "kinds", "[1000]")
        let before = server.residentBytes
        for _ in 0..<20 {
            let answer = try exec(server, "kinds", "[10000000]")
            #expect(answer.json["error"]["kind"].text.utf8.count == 256)
        }
        #expect(server.residentBytes - before < 100 << 20)
    }

    @Test(arguments: ["1", "1000000000"])
    func `the timers of some delay neither those of others nor their own end`(
        period: String
    ) throws {
        let server = try RunningServer(Self.app.get().path)
        let count = 50_000
        let pids = try (0..<4).map { _ in
            try server.spawn(
                #"{"entry": "app.test:tickers", "args": [\#(count), \#(period)]}"#
            )
        }
        for pid in pids {
            let ready = waitFor(seconds: 60) { () -> Bool? in
                (try? server.get("/v1/names/tickers\(pid)").status) == 200 ? true : nil
            }
            #expect(ready == true)
        }
        let worst = try exec(server, "naps", "[40]").json["result"]
        print("figure: naps of 5 ms beside \(4 * count) tickers of \(period) ns: \(worst) ms")
        #expect(worst.number ?? .infinity < 30 * PromiseTests.slack)
        for pid in pids {
            let clock = ContinuousClock.now
            let answer = try server.request("DELETE", "/v1/processes/\(pid)")
            let took = ContinuousClock.now - clock
            print("figure: DELETE of \(count) tickers of \(period) ns: \(took)")
            #expect(answer.status < 300, "\(answer.text)")
            #expect(took < .seconds(0.5 * PromiseTests.slack))
        }
        #expect(try server.get("/v1/system").json["counts"]["timers"].integer ?? 0 < 100)
    }

    @Test func `results that nobody takes do not pile up`() throws {
        let server = try RunningServer(Self.app.get().path)
        _ = try exec(server, "results", "[2, 10]")
        let before = server.peakBytes
        // Each is a megabyte as a message, and sixteen of them in Lua.
        let answer = try exec(server, "results", "[100, 1000]")
        #expect(answer.json["error"]["message"].text == "memory limit exceeded", "\(answer.text)")
        let more = server.peakBytes - before
        print("figure: peak with 100 results of 16 MB: \(more >> 20) MiB more")
        #expect(more < 500 << 20)
    }
}
