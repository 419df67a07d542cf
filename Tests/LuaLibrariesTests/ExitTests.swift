import LuaLibraries
import Payload
import ProcessRuntime
import Testing

/// SEMANTICS 3 (how a program starts) and 8 (how it ends).
@Suite struct ExitTests {
    /// A recursion whose frames are large, so that the stack ends before the memory does.
    static let overflow = """
        local function f(a, b, c, d, e, g, h, i) return 1 + f(1, 2, 3, 4, 5, 6, 7, 8) end
        """

    static let results = [
        LuaCase("nothing", "", "null"),
        LuaCase("nil", "return nil", "null"),
        LuaCase("false", "return false", "false"),
        LuaCase("a value", "return {a = 1}", #"{"a":1}"#),
        LuaCase("a second value that is a string", "return false, 'failed'", "error: failed"),
        LuaCase("an empty second string", "return true, ''", "error: "),
        LuaCase("a second value that is an error", "return nil, errors.new('e')", "error: e"),
        LuaCase("a second value of another kind", "return 1, 2, 'x'", "1"),
        LuaCase("a second table", "return 1, {message = 'x'}", "1"),
        LuaCase("a second nil", "return 1, nil", "1"),
        LuaCase(
            "a result that can't leave the process",
            "return {f = print}",
            "error: result.f: cannot send a function"
        ),
        LuaCase(
            "a Message as the result is its payload",
            "process.send(process.pid(), 't', 5) return process.inbox():receive()",
            "5"
        ),
        LuaCase("an uncaught error", "error('boom')", "error: app:main:2: boom"),
        LuaCase("an uncaught error without position", "error('boom', 0)", "error: boom"),
        LuaCase("an uncaught number", "error(42)", "error: 42"),
        LuaCase("an uncaught nil", "error()", "error: nil"),
        LuaCase("an uncaught boolean", "error(true)", "error: true"),
        LuaCase(
            "an uncaught table with a text",
            "error(setmetatable({}, {__tostring = function() return 'my text' end}))",
            "error: my text"
        ),
        LuaCase(
            "a text that fails to be made",
            "return select(2, process.exec('app:bad', HOST)):message():match('^table: ')",
            #""table: ""#,
            with: [
                "bad": "error(setmetatable({}, {__tostring = function() error('again') end}))"
            ]
        ),
        LuaCase(
            "a text that is no string",
            "return select(2, process.exec('app:bad', HOST)):message():match('^table: ')",
            #""table: ""#,
            with: ["bad": "error(setmetatable({}, {__tostring = function() return {} end}))"]
        ),
        LuaCase(
            "a text whose making blocks",
            "return select(2, process.exec('app:bad', HOST)):message():match('^table: ')",
            #""table: ""#,
            with: [
                "bad": """
                coroutine.spawn(function() process.inbox():receive() end)
                error(setmetatable({}, {__tostring = function() channel.new():receive() end}))
                """
            ]
        ),
        LuaCase(
            "a text whose making never ends can be killed",
            """
            local pid = process.spawn_monitored("app:bad", HOST)
            process.exec("app:none", HOST)
            process.terminate(pid)
            local message = process.events():receive().error:message()
            return message
            """,
            #""process terminated""#,
            with: [
                "none": "",
                "bad": "error(setmetatable({}, {__tostring = function() while true do end end}))",
            ]
        ),
        LuaCase(
            "a very long error is cut",
            "return #select(2, process.exec('app:long', HOST)):message()",
            "4096",
            with: ["long": "error(('x'):rep(1000000), 0)"]
        ),
        LuaCase(
            "a long error is cut between characters",
            """
            local text = select(2, process.exec("app:long", HOST)):message()
            return {utf8.len(text) ~= nil, #text}
            """,
            "[true,4095]",
            with: ["long": "error(('€'):rep(5000), 0)"]
        ),
        LuaCase(
            "a stack overflow is an error like any other",
            """
            local err = select(2, process.exec("app:deep", HOST))
            return err:message():find("stack overflow", 1, true) ~= nil
            """,
            "true",
            with: ["deep": overflow + " f()"]
        ),
        LuaCase(
            "a stack overflow can be caught and outlived",
            """
            \(overflow)
            local ok, err = pcall(f)
            process.send(process.pid(), "t", {1})
            return {ok, process.inbox():receive().payload[1]}
            """,
            "[false,1]"
        ),
        LuaCase(
            "an error's stack names lines",
            """
            local err = select(2, process.exec("app:fails", HOST))
            return err:stack():find("app:fails:2", 1, true) ~= nil
            """,
            "true",
            with: ["fails": "error('x')"]
        ),
    ]

    @Test(arguments: results) func `main's end is the exit`(rule: LuaCase) { rule.check() }

    static let chunks: [(source: String, expected: String)] = [
        ("return {main = function() return 'table' end}", #""table""#),
        ("return function() return 'function' end", #""function""#),
        (
            "return setmetatable({}, {__index = {main = function() return 'inherited' end}})",
            #""inherited""#
        ),
        ("return {}", #"error: method "main" not found in module"#),
        ("return {main = 1}", #"error: method "main" not found in module"#),
        ("return 5", #"error: method "main" not found in module"#),
        ("", #"error: method "main" not found in module"#),
        ("error('at load')", "error: app:main:1: at load"),
        ("local m = process.pid() return function() return m == process.pid() end", "true"),
        (
            "local c = channel.new() coroutine.spawn(function() c:send('early') end) "
                + "local v = c:receive() return function() return v end", #""early""#
        ),
        ("x = 1 return function() return x end", "1"),
        ("return function(...) return select('#', ...) end", "0"),
    ]

    @Test(arguments: chunks.indices)
    func `the chunk runs first and gives the method`(index: Int) {
        let harness = LuaHarness(["main": Self.chunks[index].source])
        #expect(harness.run() == Self.chunks[index].expected, "\(Self.chunks[index].source)")
    }

    @Test func `another method can be named`() {
        let source = "return {main = function() return 1 end, run = function() return 2 end}"
        let harness = LuaHarness([SourceEntry(id: "app:main", source: source, method: "run")])
        #expect(harness.run() == "2")
        let missing = LuaHarness([SourceEntry(id: "app:main", source: source, method: "go")])
        #expect(missing.run() == #"error: method "go" not found in module"#)
    }

    @Test func `each process has fresh globals and upvalues`() {
        let source = """
            local n = 0
            m = 0
            return function() n = n + 1 m = m + 1 return n + m end
            """
        let harness = LuaHarness(["main": source])
        for _ in 0..<3 { #expect(harness.run() == "2") }
    }

    @Test func `an error exit keeps kind, retryable and details`() throws {
        let harness = LuaHarness(
            LuaCase.entries(
                "error(errors.new{message = 'm', kind = errors.UNAVAILABLE, retryable = true, details = {1}})"
            )
        )
        let record = try #require(harness.exit(of: try harness.spawn("app:main")))
        let error = try #require(record.reason.error)
        #expect(record.reason.word == "error")
        #expect(error.kind == "Unavailable")
        #expect(error.retryable == true)
        #expect(!error.details.isNil)
    }

    static let order = [
        LuaCase(
            "whoever has seen EXIT finds the pid dead and the name free",
            """
            for i = 1, 200 do
              local pid = process.spawn_monitored("app:named", HOST)
              process.events():receive()
              if process.send(pid, "t") then return "alive" end
              if process.registry.lookup("taken") then return "named" end
              if not process.registry.register("taken") then return "not free" end
              process.registry.unregister("taken")
            end
            return "in order"
            """,
            #""in order""#,
            with: ["named": "process.registry.register('taken')"]
        ),
        LuaCase(
            "an EXIT event has the fields of SEMANTICS 8",
            """
            local pid = process.spawn_monitored("app:gives", HOST)
            local e = process.events():receive()
            return {e.kind == process.event.EXIT, e.from == pid, math.type(e.at), e.result.x,
                    e.error == nil, getmetatable(e) == nil}
            """,
            #"[true,true,"float",1,true,true]"#,
            with: ["gives": "return {x = 1}"]
        ),
        LuaCase(
            "an EXIT event of a failure has the error and no result",
            """
            process.spawn_monitored("app:fails", HOST)
            local e = process.events():receive()
            return {e.result == nil, errors.is(e.error, errors.CONFLICT), e.error:message()}
            """,
            #"[true,true,"why"]"#,
            with: ["fails": "return nil, errors.new{message = 'why', kind = errors.CONFLICT}"]
        ),
        LuaCase(
            "EXIT of a terminated process",
            """
            local pid = process.spawn_monitored("app:waits", HOST)
            local ok = process.terminate(pid)
            local gone = refused(process.send(pid, "t"))[3]
            return {ok, gone, process.events():receive().error:message()}
            """,
            #"[true,"process not found","process terminated"]"#,
            with: ["waits": "process.inbox():receive()"]
        ),
        LuaCase(
            "the kinds of events are strings",
            "return {process.event.EXIT, process.event.LINK_DOWN, process.event.CANCEL}",
            #"["EXIT","LINK_DOWN","CANCEL"]"#
        ),
        LuaCase(
            "cancel is an event with its reason, kept until events is called",
            """
            process.cancel(process.pid(), "enough")
            process.cancel(process.pid())
            local events = process.events()
            local a, b = events:receive(), events:receive()
            return {a.kind, a.reason, a.from == process.pid(), math.type(a.at), b.reason}
            """,
            #"["CANCEL","enough",true,"float",""]"#
        ),
        LuaCase(
            "cancel and terminate of the dead",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            return {refused(process.cancel(pid)), refused(process.terminate(pid))}
            """,
            #"[["nil","NotFound","process not found"],["nil","NotFound","process not found"]]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "terminating oneself never returns",
            "pcall(process.terminate, process.pid()) return 'went on'",
            "error: process terminated"
        ),
        LuaCase(
            "a terminated process runs nothing more",
            """
            local pid = process.spawn_monitored("app:waits", HOST, process.pid())
            process.inbox():receive()
            process.terminate(pid)
            process.events():receive()
            return channel.select{process.inbox():case_receive(), default = true}.default
            """,
            "true",
            with: [
                "waits": """
                local parent = ...
                local x <close> = setmetatable({}, {__close = function() process.send(parent, "t", "ran") end})
                process.send(parent, "t", "here")
                pcall(function() channel.new():receive() end)
                process.send(parent, "t", "ran")
                """
            ]
        ),
    ]

    @Test(arguments: order) func `an exit is told in order`(rule: LuaCase) { rule.check() }
}
