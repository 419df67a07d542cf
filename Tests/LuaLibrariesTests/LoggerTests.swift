import JSON
import LuaLibraries
import ProcessRuntime
import Testing

/// SEMANTICS 9 (`print`) and 10 (`logger`).
@Suite struct LoggerTests {
    /// Lines as "level|logger|message|fields|line".
    private func logged(_ body: String) -> [String] {
        let harness = LuaHarness(LuaCase.entries(body))
        let result = harness.run()
        #expect(!result.hasPrefix("error"), "\(result)")
        return harness.lines.all.map { line in
            let fields = (try? PayloadJSON.encode(line.fields, .wire)) ?? []
            let text = String(decoding: fields, as: UTF8.self)
            return "\(line.level.rawValue)|\(line.logger)|\(line.message)|\(text)|\(line.line)"
        }
    }

    @Test func `print is one info line, its arguments joined by a space`() {
        let lines = logged(
            """
            print("a", 1, 2.5, nil, true)
            print()
            print(setmetatable({}, {__tostring = function() return "own" end}), errors.new("e"))
            """
        )
        #expect(lines == ["info||a 1 2.5 nil true|null|2", "info|||null|3", "info||own e|null|4"])
    }

    @Test func `levels, fields, with and named`() {
        let lines = logged(
            """
            logger:debug("d") logger:info("i") logger:warn("w") logger:error("e")
            logger:info("f", {a = 1})
            local l = logger:with{a = 1}
            l:info("g") l:info("h", {a = 2})
            l:named("n"):info("i")
            l:named("n"):with{a = 3}:info("j")
            logger:info("k")
            """
        )
        #expect(
            lines == [
                "debug||d|null|2", "info||i|null|2", "warn||w|null|2", "error||e|null|2",
                #"info||f|{"a":1}|3"#, #"info||g|{"a":1}|5"#, #"info||h|{"a":2}|5"#,
                #"info|n|i|{"a":1}|6"#, #"info|n|j|{"a":3}|7"#, "info||k|null|8",
            ]
        )
    }

    @Test func `an error object is a message`() {
        #expect(logged("logger:error(errors.new('went wrong'))") == ["error||went wrong|null|2"])
    }

    @Test func `a line says which process wrote it`() throws {
        let harness = LuaHarness(LuaCase.entries("print(1)"))
        let pid = try harness.spawn("app:main")
        _ = harness.exit(of: pid)
        let line = try #require(harness.lines.all.first)
        #expect(line.entry == "app:main")
        #expect(line.pid == harness.runtime.pids.text(pid))
    }

    static let cases = [
        LuaCase(
            "a message is wanted, and a table",
            """
            return {raised(function() logger.info(logger) end), raised(function() logger:info("m", 1) end),
                    raised(function() logger:with(1) end), raised(function() logger.info("m") end)}
            """,
            #"["bad argument #2 to 'info' (string expected, got no value)","bad argument #2 to 'info' (table expected, got number)","bad argument #1 to 'with' (table expected, got number)","bad argument #1 to 'info' (logger expected, got string)"]"#
        ),
        LuaCase(
            "fields that can't be copied harm nobody",
            "logger:info('m', {f = print, c = channel.new()}) return 'fine'",
            #""fine""#
        ),
    ]

    @Test(arguments: cases) func `a rule about the logger holds`(rule: LuaCase) { rule.check() }

    @Test func `a flood of lines is cut off and counted`() {
        let harness = LuaHarness(
            LuaCase.entries("for i = 1, 5000 do print(('x'):rep(1000)) end return 1")
        )
        #expect(harness.run() == "1")
        #expect(harness.lines.all.count < 500)
        #expect(harness.lines.all.count >= 10)
    }

    @Test func `a long line is cut`() {
        let lines = logged("print(('x'):rep(1000000))")
        #expect(lines.count == 1)
        #expect(lines.allSatisfy { $0.utf8.count < 9_000 })
    }
}
