import LuaLibraries
import Payload
import ProcessRuntime
import Testing

/// SEMANTICS 6, "Message".
@Suite struct MessageObjectTests {
    /// A payload as Lua source, and how both forms must show it.
    static let payloads: [(source: String, shown: String)] = [
        ("'text'", "text"), ("''", ""), ("5", "5"), ("1.5", "1.5"), ("true", "true"),
        ("false", "false"), ("nil", "nil"), ("json.null", "nullish"), ("0/0", "nan"),
        ("{1}", "table"), ("json.array{}", "table"), ("json.object{}", "table"),
        ("json.decode('{\"a\":[]}')", "table"), ("errors.new('boom')", "boom"),
    ]

    @Test(arguments: payloads.indices)
    func `payload is a value and a method, whatever it is`(index: Int) {
        let payload = Self.payloads[index]
        let body = """
            process.send(process.pid(), "t", \(payload.source))
            local m = process.inbox():receive()
            local function show(v)
              if v == json.null then return "nullish" end
              if v ~= v then return "nan" end
              return type(v) == "table" and "table" or tostring(v)
            end
            local called = m:payload()
            local same = rawequal(called, m.payload) or called ~= called
            return {show(m.payload), show(called), same}
            """
        #expect(
            lua(body) == #"["\#(payload.shown)","\#(payload.shown)",true]"#,
            "\(payload.source)"
        )
    }

    static let cases = [
        LuaCase(
            "topic and from are values and methods",
            """
            process.send(process.pid(), "the topic", 1)
            local m = process.inbox():receive()
            return {m.topic, m:topic(), m.from == process.pid(), m:from() == process.pid()}
            """,
            #"["the topic","the topic",true,true]"#
        ),
        LuaCase(
            "a payload called in a tail call",
            """
            process.send(process.pid(), "t", 5)
            local m = process.inbox():receive()
            local function get() return m:payload() end
            return get()
            """,
            "5"
        ),
        LuaCase(
            "a payload table is an ordinary table",
            """
            process.send(process.pid(), "t", {1, 2, a = 3})
            local p = process.inbox():receive().payload
            local n = 0 for _ in pairs(p) do n = n + 1 end
            p.b = 4
            return {#p, n, p.b, getmetatable(p) == nil, getmetatable(setmetatable(p, {x = 1})).x}
            """,
            "[2,3,4,true,1]"
        ),
        LuaCase(
            "a field there is not is nil, and no method",
            """
            process.send(process.pid(), "t")
            local m = process.inbox():receive()
            return {tostring(m.reply), select(2, pcall(function() m:reply() end))}
            """,
            #"["nil","app:main:4: attempt to call a nil value (method 'reply')"]"#
        ),
        LuaCase(
            "a message object is read-only",
            """
            process.send(process.pid(), "t", 1)
            local m = process.inbox():receive()
            return {pcall(function() m.payload = 2 end), m.payload}
            """,
            "[false,1]"
        ),
        LuaCase(
            "tostring shows topic and sender",
            """
            process.send(process.pid(), "job", 1)
            local s = tostring(process.inbox():receive())
            return {s:find("job", 1, true) ~= nil, s:find(process.pid(), 1, true) ~= nil}
            """,
            "[true,true]"
        ),
    ]

    @Test(arguments: cases) func `a rule about messages holds`(rule: LuaCase) { rule.check() }

    /// What is called, and Lua's own words for it (manual 5.4, lua.c prints the same).
    static let uncallable: [(code: String, message: String)] = [
        ("f()", "attempt to call a nil value (global 'f')"),
        ("local x x()", "attempt to call a nil value (local 'x')"),
        ("local t = {} t.x()", "attempt to call a nil value (field 'x')"),
        ("local t = {} t:x()", "attempt to call a nil value (method 'x')"),
        ("local up; (function() up() end)()", "attempt to call a nil value (upvalue 'up')"),
        ("local x = 5 x()", "attempt to call a number value (local 'x')"),
        ("local x = true x()", "attempt to call a boolean value (local 'x')"),
        ("local x = 's' x()", "attempt to call a string value (local 'x')"),
        ("local x = {} x()", "attempt to call a table value (local 'x')"),
        ("local x = json.array{} x()", "attempt to call a table value (local 'x')"),
        ("local x = json.null x()", "attempt to call a userdata value (local 'x')"),
        ("local x = errors.new('e') x()", "attempt to call a error value (local 'x')"),
        ("local x = channel.new() x()", "attempt to call a channel value (local 'x')"),
        ("local x x(1)", "attempt to call a nil value (local 'x')"),
        ("local x = 5 return x()", "attempt to call a number value (local 'x')"),
    ]

    @Test(arguments: uncallable.indices)
    func `what can't be called says so as Lua does`(index: Int) {
        let (code, message) = Self.uncallable[index]
        #expect(lua(code) == "error: app:main:2: " + message, "\(code)")
    }

    @Test func `from is nil for a message from outside`() throws {
        let body = """
            local m = process.inbox():receive()
            return {tostring(m.from), tostring(m:from()), m:payload(), tostring(m)}
            """
        let harness = LuaHarness(LuaCase.entries(body))
        let pid = try harness.spawn("app:main")
        try harness.runtime.send(Signal(topic: "t", payload: Payload("hi"), from: nil), to: pid)
        let expected = #"["nil","nil","hi","message(topic=t, from=outside)"]"#
        #expect(harness.exit(of: pid).map(harness.describe) == expected)
    }
}
