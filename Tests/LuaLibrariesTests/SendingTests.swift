import LuaLibraries
import ProcessRuntime
import Testing

/// SEMANTICS 6, sending and what crosses.
@Suite struct SendingTests {
    static let refusals = [
        LuaCase(
            "too few arguments",
            "return {refused(process.send())[2], refused(process.send(process.pid()))[3]}",
            #"["Invalid","send requires at least destination and topic arguments"]"#
        ),
        LuaCase(
            "a system topic",
            "return refused(process.send(process.pid(), '@pid/events', {kind = 'pid.exit'}))",
            #"["nil","Invalid","cannot send to @ topics"]"#
        ),
        LuaCase(
            "a name nobody has",
            "return refused(process.send('nobody', 't', 1))",
            #"["nil","NotFound","could not resolve 'nobody' as PID or registered name"]"#
        ),
        LuaCase(
            "a dead process",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            return refused(process.send(pid, "t", 1))
            """,
            #"["nil","NotFound","process not found"]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "a function, with its path",
            "return refused(process.send(process.pid(), 't', {items = {1, 2, print}}))",
            #"["nil","Invalid","payload.items[3]: cannot send a function"]"#
        ),
        LuaCase(
            "a coroutine",
            "return refused(process.send(process.pid(), 't', coroutine.create(print)))",
            #"["nil","Invalid","payload: cannot send a coroutine"]"#
        ),
        LuaCase(
            "a channel, under a boolean key",
            "return refused(process.send(process.pid(), 't', {[true] = channel.new()}))",
            #"["nil","Invalid","payload[true]: cannot send a channel"]"#
        ),
        LuaCase(
            "a logger",
            "return refused(process.send(process.pid(), 't', logger))",
            #"["nil","Invalid","payload: cannot send a logger"]"#
        ),
        LuaCase(
            "a function as a key",
            "return refused(process.send(process.pid(), 't', {[print] = 1}))[2]",
            #""Invalid""#
        ),
        LuaCase(
            "a message object as a key",
            """
            process.send(process.pid(), "t")
            local m = process.inbox():receive()
            return refused(process.send(process.pid(), "t", {[m] = 1}))[2]
            """,
            #""Invalid""#
        ),
        LuaCase(
            "a cycle, with its path",
            """
            local t = {} t.child = {t}
            return refused(process.send(process.pid(), "t", t))
            """,
            #"["nil","Invalid","payload.child[1].child[1].child[1].child[1]...: nested deeper than 128 levels (or a cycle)"]"#
        ),
        LuaCase(
            "details of an error object that can't be copied",
            "return refused(process.send(process.pid(), 't', errors.new{message = 'm', details = print}))[2]",
            #""Invalid""#
        ),
        LuaCase(
            "more than a message may weigh, found before it is built",
            """
            local t = {} for i = 1, 120 do t = {t, t} end
            return refused(process.send(process.pid(), "t", t))[2]
            """,
            #""Invalid""#
        ),
        LuaCase(
            "one string larger than a message may be",
            "return refused(process.send(process.pid(), 't', ('x'):rep(20 << 20)))[2]",
            #""Invalid""#
        ),
    ]

    @Test(arguments: refusals) func `a send is refused`(rule: LuaCase) { rule.check() }

    static let crossings: [LuaCase] = [
        LuaCase(
            "scalars and strings of bytes",
            """
            local values = {true, false, 0, -1, math.mininteger, math.maxinteger, 1.5, -0.0, 1e308,
                            math.huge, "", "a\\0b", "\\xff\\xfe", ("x"):rep(64), ("y"):rep(100000)}
            for i, v in ipairs(values) do
              process.send(process.pid(), "t", v)
              local back = process.inbox():receive().payload
              if back ~= v or math.type(back) ~= math.type(v) then return i end
            end
            return "same"
            """,
            #""same""#
        ),
        LuaCase(
            "NaN stays NaN",
            "process.send(process.pid(), 't', 0/0) local v = process.inbox():receive().payload return v ~= v",
            "true"
        ),
        LuaCase(
            "keys of every kind",
            """
            process.send(process.pid(), "t", {1, 2, x = "s", [1.5] = "f", [true] = "b", [10] = "i",
                                              [-1] = "n"})
            local p = process.inbox():receive().payload
            return {p[1], p[2], p.x, p[1.5], p[true], p[10], p[-1]}
            """,
            #"[1,2,"s","f","b","i","n"]"#
        ),
        LuaCase(
            "a table as a key",
            """
            process.send(process.pid(), "t", {[{7}] = "seven"})
            local k, v = next(process.inbox():receive().payload)
            return {k[1], v}
            """,
            #"[7,"seven"]"#
        ),
        LuaCase(
            "shared references become separate copies",
            """
            local s = {1}
            process.send(process.pid(), "t", {s, s})
            local p = process.inbox():receive().payload
            return {p[1] == p[2], p[1] == s, p[1][1], p[2][1]}
            """,
            "[false,false,1,1]"
        ),
        LuaCase(
            "the value at the call counts, not later changes",
            """
            local t = {1}
            process.send(process.pid(), "t", t)
            t[1] = 2
            return process.inbox():receive().payload
            """,
            "[1]"
        ),
        LuaCase(
            "metatables are not copied, metamethods not run",
            """
            local t = setmetatable({1}, {__index = error, __pairs = error, __len = error,
                                         __newindex = error, __call = error})
            process.send(process.pid(), "t", {t})
            local p = process.inbox():receive().payload
            return {p[1][1], getmetatable(p[1]) == nil, #p[1]}
            """,
            "[1,true,1]"
        ),
        LuaCase(
            "a table with holes",
            """
            process.send(process.pid(), "t", {1, nil, 3, nil, 5})
            local p = process.inbox():receive().payload
            return {p[1], tostring(p[2]), p[3], p[5]}
            """,
            #"[1,"nil",3,5]"#
        ),
        LuaCase(
            "an error object stays one",
            """
            process.send(process.pid(), "t", {errors.new{message = "m", kind = errors.TIMEOUT,
                                              retryable = true, details = {1}}})
            local e = process.inbox():receive().payload[1]
            return {errors.is(e, errors.TIMEOUT), tostring(e), e:retryable(), e:details()[1],
                    e:stack():find("app:main:2", 1, true) ~= nil}
            """,
            #"[true,"m",true,1,true]"#
        ),
        LuaCase(
            "a Message becomes its payload",
            """
            process.send(process.pid(), "t", {a = 1})
            local m = process.inbox():receive()
            process.send(process.pid(), "u", {m, m})
            local p = process.inbox():receive().payload
            return {p[1].a, p[2].a}
            """,
            "[1,1]"
        ),
        LuaCase(
            "json.null stays json.null",
            """
            process.send(process.pid(), "t", {json.null})
            return process.inbox():receive().payload[1] == json.null
            """,
            "true"
        ),
        LuaCase(
            "no values is nil, one is itself, several are an array",
            """
            local ch = process.listen("t")
            process.send(process.pid(), "t")
            process.send(process.pid(), "t", {9})
            process.send(process.pid(), "t", 1, nil, 3)
            local a, b, c = ch:receive(), ch:receive(), ch:receive()
            return {tostring(a), b[1], c[1], tostring(c[2]), c[3]}
            """,
            #"["nil",9,1,"nil",3]"#
        ),
        LuaCase(
            "a topic is bytes",
            """
            local ch = process.listen("\\xff\\0")
            process.send(process.pid(), "\\xff\\0", 5)
            return (ch:receive())
            """,
            "5"
        ),
        LuaCase(
            "one sender's messages keep their order",
            """
            for i = 1, 2000 do process.send(process.pid(), i % 2 == 0 and "even" or "odd", i) end
            local inbox, last = process.inbox(), 0
            for i = 1, 2000 do
              local m = inbox:receive()
              if m.payload ~= i then return i end
            end
            return "in order"
            """,
            #""in order""#
        ),
        LuaCase(
            "system events come after everything the dying process sent",
            """
            process.spawn_monitored("app:talks", HOST, process.pid())
            local all = channel.new(200)
            local inbox, events = process.inbox(), process.events()
            events:receive()
            local n = 0
            repeat
              local r = channel.select{inbox:case_receive(), default = true}
              if not r.default then n = n + 1 end
            until r.default
            return n
            """,
            "100",
            with: ["talks": "for i = 1, 100 do process.send((...), 't', i) end"]
        ),
    ]

    @Test(arguments: crossings) func `a value crosses as it should`(rule: LuaCase) { rule.check() }

    /// `{{{...}}}` with `depth` tables.
    static func nest(_ depth: Int) -> String {
        "local t = {} for i = 2, \(depth) do t = {t} end return process.send(process.pid(), 't', t) "
    }

    @Test(arguments: [1, 2, 127, 128, 129, 130, 100_000])
    func `tables nest to depth 128`(depth: Int) {
        let expected = depth <= 128 ? "true" : "nil"
        let body = "return tostring((function() \(Self.nest(depth)) end)())"
        #expect(lua(body) == "\"\(expected)\"")
    }

    @Test(arguments: [1, 100, 128])
    func `nested tables arrive whole`(depth: Int) {
        let body = """
            do local ok = (function() \(Self.nest(depth)) end)() end
            local t, n = process.inbox():receive().payload, 0
            while t do t = t[1] n = n + 1 end
            return n
            """
        #expect(lua(body) == "\(depth)")
    }

    @Test func `a full mailbox is an error to the sender, and retryable`() {
        var limits = ProcessLimits()
        limits.mailboxMessages = 10
        let body = """
            local n = 0
            while true do
              local ok, err = process.send(process.pid(), "t", n)
              if not ok then return {n, err:kind(), err:message(), err:retryable()} end
              n = n + 1
            end
            """
        let harness = LuaHarness(LuaCase.entries(body), limits: limits)
        #expect(harness.run() == #"[10,"RateLimited","mailbox full",true]"#)
    }

    @Test func `a mailbox is limited in bytes, and has room again after a receive`() {
        var limits = ProcessLimits()
        limits.mailboxBytes = 10_000
        let body = """
            local n, big = 0, ("x"):rep(1000)
            while process.send(process.pid(), "t", big) do n = n + 1 end
            for i = 1, n do process.inbox():receive() end
            local again = 0
            while process.send(process.pid(), "t", big) do again = again + 1 end
            return {n < 10, n > 5, again == n}
            """
        let harness = LuaHarness(LuaCase.entries(body), limits: limits)
        #expect(harness.run() == "[true,true,true]")
    }
}
