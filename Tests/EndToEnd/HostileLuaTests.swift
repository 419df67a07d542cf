import Foundation
import Testing

/// The hostile scripts, each an entry of one app on the real binary, run with limits over HTTP.
///
/// Rows are those of the list of 86; `HostileLuaTable` has the programs. After each one the control
/// plane must answer at once, and nothing may be left of it.
@Suite(.serialized) struct HostileLuaTests {
    static let app = Result {
        try TemporaryApp(
            HostileLuaTable.rows.map { ($0.name, $0.program) } + [
                ("bystander", "return function(n) return n + 1 end"),
                ("victim", "return function() process.listen('never'):receive() end"),
            ]
        )
    }
    static let server = Result { try RunningServer(try app.get().path) }

    @Test func `every row of the list has a program or a reason`() {
        let rows = Set(HostileLuaTable.rows.map(\.number))
        for number in 1...86 {
            let reason = HostileLuaTable.elsewhere[number]
            #expect(rows.contains(number) != (reason != nil), "row \(number)")
        }
    }

    @Test(arguments: HostileLuaTable.rows)
    func `the script ends as its row says, and the server serves on`(
        _ row: HostileLuaRow
    ) throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        let body = """
            {"entry": "app.test:\(row.name)", "timeout_ms": 20000, "limits": {\
            "memory_bytes": 33554432, "cpu_ms": \(row.processorMilliseconds), \
            "lifetime_ms": 15000, "mailbox_messages": 1000, "mailbox_bytes": 8388608}}
            """
        let head =
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n"
        try connection.send(head + body)
        var slowest = 0.0
        for _ in 0..<5 { slowest = max(slowest, try server.liveMilliseconds()) }
        let answer = try connection.answer()
        #expect(answer.status == 200, "\(answer.text.prefix(300))")
        let end =
            answer.json["outcome"].text == "ok"
            ? "ok \(answer.json["result"]) \(answer.text)" : answer.json["error"]["message"].text
        #expect(row.ends.contains { end.contains($0) }, "\(end.prefix(300))")
        let milliseconds = try server.liveMilliseconds()
        #expect(max(slowest, milliseconds) < 50 * PromiseTests.slack)
        let bystander = try server.exec(#"{"entry": "app.test:bystander", "args": [41]}"#)
        #expect(bystander.json["result"].integer == 42, "\(bystander.text)")
        let pid = answer.json["pid"].text
        #expect(try server.get("/v1/processes/\(pid)").json["state"].text == "exited")
    }

    @Test func `nothing is left of all of them`() throws {
        let app = try TemporaryApp(
            HostileLuaTable.rows.map { ($0.name, $0.program) }
                + [("bystander", "return function(n) return n + 1 end")]
        )
        let server = try RunningServer(app.path)
        let memory = ["r38", "r39", "r40", "r41", "r43"]
        func run(_ times: Int) throws {
            for _ in 0..<times {
                for name in memory {
                    let answer = try server.exec(
                        "{\"entry\": \"app.test:\(name)\", \"limits\": "
                            + "{\"memory_bytes\": 33554432, \"cpu_ms\": 5000}}"
                    )
                    #expect(answer.json["outcome"].text == "error", "\(name)")
                }
            }
        }
        try run(2)
        let before = server.residentBytes
        try run(4)
        let after = server.residentBytes
        print(
            "figure: resident after the first bombs \(before >> 20) MiB, after more \(after >> 20)"
        )
        #expect(after - before < 40 << 20)
        #expect(try server.get("/v1/system").json["counts"]["processes"].integer == 0)
    }

    @Test func `sources that are no programs are refused by name`() throws {
        let long =
            "local a return function() return a" + String(repeating: " and a", count: 100_000)
        let deep =
            "return " + String(repeating: "(", count: 100_000) + "1"
            + String(repeating: ")", count: 100_000)
        let wide =
            "local a return function() if a then "
            + String(repeating: "elseif a then ", count: 20_000) + " end end"
        for (source, words) in [
            (long + " end", "larger than 512 KiB"), (deep, "C stack overflow"),
            ("\u{1B}LuaT\u{0}", "bytecode"), (wide, nil),
        ] {
            let app = try TemporaryApp([("main", source)])
            let run = try CommandRun.of(["check", app.path])
            #expect(run.code == (words == nil ? 0 : 1), "\(run.errors)")
            if let words {
                #expect(run.errors.contains("app.test:main") && run.errors.contains(words))
            }
        }
    }

    @Test func `what scripts are shown is no address of the server`() throws {
        let app = try TemporaryApp([
            (
                "shows",
                """
                return function()
                    local words = {}
                    local values = {{}, print, coroutine.create(print), process.inbox()}
                    for _, v in ipairs(values) do
                        words[#words + 1] = tostring(v)
                        words[#words + 1] = string.format("%p", v)
                    end
                    return table.concat(words, " ")
                end
                """
            )
        ])
        let server = try RunningServer(app.path)
        let answer = try server.exec(#"{"entry": "app.test:shows"}"#)
        let shown = answer.json["result"].text.matches(of: #/0x([0-9a-f]+)/#).compactMap {
            UInt64($0.output.1, radix: 16)
        }
        #expect(shown.count > 3, "\(answer.text)")
        let maps = try String(contentsOfFile: "/proc/\(server.pid)/maps", encoding: .utf8)
        let ranges = maps.split(separator: "\n").compactMap { line -> Range<UInt64>? in
            let ends = line.prefix { $0 != " " }.split(separator: "-")
            guard ends.count == 2, let low = UInt64(ends[0], radix: 16),
                let high = UInt64(ends[1], radix: 16)
            else { return nil }
            return low..<high
        }
        #expect(ranges.count > 10)
        for address in shown {
            #expect(!ranges.contains { $0.contains(address) }, "\(String(address, radix: 16))")
        }
    }

    @Test func `a fork bomb fills its host and no more, and ends with the server`() throws {
        let app = try TemporaryApp(files: [
            (
                "_index.yaml",
                """
                version: "1.0"
                namespace: app
                entries:
                  - name: processes
                    kind: process.host
                    host: {max_processes: 300}
                  - name: safe
                    kind: process.host
                  - name: bomb
                    kind: process.lua
                    source: "return function() while true do process.spawn('app:bomb', 'app:processes') end end"
                  - name: ok
                    kind: process.lua
                    source: "return function() return 1 end"
                """
            )
        ])
        let server = try RunningServer(app.path, ["--shutdown-timeout", "4s"])
        _ = try server.spawn(#"{"entry": "app:bomb", "host": "app:processes"}"#)
        let full = waitFor(seconds: 10) { () -> Bool? in
            let counts = try? server.get("/v1/system").json["counts"]
            return counts?["processes"].integer ?? 0 >= 300 ? true : nil
        }
        #expect(full == true)
        #expect(try server.get("/v1/system").json["counts"]["processes"].integer ?? 0 <= 301)
        let refused = try server.exec(#"{"entry": "app:bomb", "host": "app:processes"}"#)
        #expect(refused.code == "process-limit", "\(refused.text)")
        let other = try server.exec(#"{"entry": "app:ok", "host": "app:safe"}"#)
        #expect(other.json["result"].integer == 1, "\(other.text)")
        #expect(try server.liveMilliseconds() < 50 * PromiseTests.slack)
        #expect(server.stop() == 0)
    }
}
