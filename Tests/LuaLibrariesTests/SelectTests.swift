import Testing

/// SEMANTICS 7, `channel.select`.
@Suite struct SelectTests {
    static let cases = [
        LuaCase(
            "the first ready case in array order wins",
            """
            local a, b = channel.new(1), channel.new(1)
            a:send("a") b:send("b")
            local r = channel.select{b:case_receive(), a:case_receive()}
            return {r.value, r.ok, r.channel == b}
            """,
            #"["b",true,true]"#
        ),
        LuaCase(
            "nothing ready gives the default",
            """
            local r = channel.select{channel.new():case_receive(), default = true}
            return {r.default, r.ok, r.channel == nil, r.value == nil}
            """,
            "[true,true,true,true]"
        ),
        LuaCase(
            "the default as a second argument",
            "return channel.select({channel.new():case_receive()}, true).default",
            "true"
        ),
        LuaCase(
            "only a default",
            "return channel.select{default = true}.default",
            "true"
        ),
        LuaCase(
            "a default that is false is none",
            """
            local ch = channel.new(1)
            coroutine.spawn(function() coroutine.yield() ch:send(1) end)
            return channel.select{ch:case_receive(), default = false}.value
            """,
            "1"
        ),
        LuaCase(
            "no cases",
            "return raised(function() channel.select({}) end)",
            #""bad argument #1 to 'select' (no cases)""#
        ),
        LuaCase(
            "what is no case",
            """
            local function why(t) return raised(function() channel.select(t) end) end
            return {why{1}, why{channel.new()}, why{channel.new(1):case_send(1), {}}, why(5)}
            """,
            #"["bad argument #1 to 'select' (element 1 is not a case)","bad argument #1 to 'select' (element 1 is not a case)","bad argument #1 to 'select' (element 2 is not a case)","bad argument #1 to 'select' (table expected, got number)"]"#
        ),
        LuaCase(
            "a case that was tampered with",
            """
            local case = channel.new():case_receive()
            rawset(case, 1, "no channel")
            return raised(function() channel.select({case}) end)
            """,
            #""bad argument #1 to 'select' (element 1 is not a case)""#
        ),
        LuaCase(
            "a parked select whose cases are changed meanwhile",
            """
            local ch, got = channel.new(), channel.new(1)
            local cases = {ch:case_receive()}
            coroutine.spawn(function() got:send(channel.select(cases)) end)
            cases[1] = nil
            ch:send(5)
            local r = got:receive()
            return {r.value, r.ok, r.channel == ch}
            """,
            "[5,true,true]"
        ),
        LuaCase(
            "a send case with room",
            """
            local ch = channel.new(1)
            local r = channel.select{ch:case_send(9)}
            return {r.ok, r.channel == ch, r.value == nil, (ch:receive())}
            """,
            "[true,true,true,9]"
        ),
        LuaCase(
            "a send case waits for a receiver",
            """
            local ch, got = channel.new(), channel.new(1)
            coroutine.spawn(function() got:send(channel.select{ch:case_send("v")}) end)
            local v = ch:receive()
            local r = got:receive()
            return {v, r.ok, r.channel == ch, r.value == nil}
            """,
            #"["v",true,true,true]"#
        ),
        LuaCase(
            "a closed channel is ready for receive, with ok false",
            """
            local ch = channel.new()
            ch:close()
            local r = channel.select{channel.new():case_receive(), ch:case_receive()}
            return {r.ok, r.value == nil, r.channel == ch}
            """,
            "[false,true,true]"
        ),
        LuaCase(
            "a closed channel is never ready for send",
            """
            local closed, open = channel.new(1), channel.new(1)
            closed:close()
            local r = channel.select{closed:case_send(1), open:case_send(2)}
            return {r.channel == open, channel.select{closed:case_send(1), default = true}.default}
            """,
            "[true,true]"
        ),
        LuaCase(
            "a channel closed under a parked send case leaves the other cases",
            """
            local a, b, got = channel.new(), channel.new(), channel.new(1)
            coroutine.spawn(function()
              got:send(channel.select{a:case_send(1), a:case_send(2), b:case_receive()})
            end)
            a:close()
            b:send("through")
            local r = got:receive()
            return {r.value, r.channel == b}
            """,
            #"["through",true]"#
        ),
        LuaCase(
            "a parked select of one send case is not woken by the close",
            """
            local ch, log = channel.new(), {}
            coroutine.spawn(function() channel.select{ch:case_send(1)} log[1] = "woken" end)
            ch:close()
            coroutine.yield() coroutine.yield()
            return #log
            """,
            "0"
        ),
        LuaCase(
            "a close wakes a parked receive case",
            """
            local ch, got = channel.new(), channel.new(1)
            coroutine.spawn(function()
              got:send(channel.select{channel.new():case_receive(), ch:case_receive()})
            end)
            ch:close()
            local r = got:receive()
            return {r.ok, r.channel == ch}
            """,
            "[false,true]"
        ),
        LuaCase(
            "a parked select is withdrawn everywhere when one case fires",
            """
            local a, b, c, got = channel.new(), channel.new(), channel.new(), channel.new(1)
            coroutine.spawn(function()
              got:send(channel.select{a:case_receive(), b:case_receive(), c:case_send("s")})
            end)
            b:send("b")
            local r = got:receive()
            local left = {}
            for _, case in ipairs{a:case_send(1), b:case_send(1), c:case_receive()} do
              left[#left + 1] = channel.select{case, default = true}.default or false
            end
            return {r.value, left}
            """,
            #"["b",[true,true,true]]"#
        ),
        LuaCase(
            "the same channel in several cases",
            """
            local ch, got = channel.new(), channel.new(1)
            coroutine.spawn(function()
              got:send(channel.select{ch:case_receive(), ch:case_receive(), ch:case_send(1)})
            end)
            ch:send("x")
            return {got:receive().value, channel.select{ch:case_receive(), default = true}.default}
            """,
            #"["x",true]"#
        ),
        LuaCase(
            "two selects meet",
            """
            local ch, got = channel.new(), channel.new(2)
            coroutine.spawn(function() got:send(channel.select{ch:case_send("hi")}.ok) end)
            coroutine.spawn(function() got:send(channel.select{ch:case_receive()}.value) end)
            coroutine.yield()
            local t = {tostring((got:receive())), tostring((got:receive()))}
            table.sort(t)
            return t
            """,
            #"["hi","true"]"#
        ),
        LuaCase(
            "case tables may be reused",
            """
            local ch = channel.new(3)
            local receive, send = ch:case_receive(), ch:case_send("x")
            local cases = {receive}
            channel.select{send} channel.select{send}
            return {channel.select(cases).value, channel.select(cases).value,
                    channel.select{receive, default = true}.default}
            """,
            #"["x","x",true]"#
        ),
        LuaCase(
            "many cases, the last ready",
            """
            local cases, last = {}, nil
            for i = 1, 5000 do last = channel.new(1) cases[i] = last:case_receive() end
            last:send("end")
            return channel.select(cases).value
            """,
            #""end""#
        ),
        LuaCase(
            "many cases, parked, one woken, all withdrawn",
            """
            local cases, chans, got = {}, {}, channel.new(1)
            for i = 1, 3000 do chans[i] = channel.new() cases[i] = chans[i]:case_receive() end
            coroutine.spawn(function() got:send(channel.select(cases)) end)
            chans[1234]:send("x")
            local r = got:receive()
            local busy = 0
            for i = 1, 3000 do
              if not channel.select{chans[i]:case_send(1), default = true}.default then busy = busy + 1 end
            end
            return {r.value, r.channel == chans[1234], busy}
            """,
            #"["x",true,0]"#
        ),
        LuaCase(
            "more cases than allowed",
            """
            local cases, case = {}, channel.new():case_receive()
            for i = 1, 10001 do cases[i] = case end
            return raised(function() channel.select(cases) end)
            """,
            #""bad argument #1 to 'select' (too many cases (10001))""#
        ),
        LuaCase(
            "select over mailbox channels and channels",
            """
            local ch, topic, inbox = channel.new(), process.listen("t"), process.inbox()
            process.send(process.pid(), "other", "in")
            local cases = {ch:case_receive(), topic:case_receive(), inbox:case_receive()}
            local first = channel.select(cases)
            process.send(process.pid(), "t", "topic")
            local second = channel.select(cases)
            coroutine.spawn(function() ch:send("channel") end)
            local third = channel.select(cases)
            return {first.channel == inbox, first.value.payload, second.channel == topic,
                    second.value, third.channel == ch, third.value}
            """,
            #"[true,"in",true,"topic",true,"channel"]"#
        ),
        LuaCase(
            "select in a nested coroutine",
            """
            local ch = channel.new()
            local co = coroutine.wrap(function()
              coroutine.yield("first")
              return channel.select{ch:case_receive()}.value
            end)
            co()
            coroutine.spawn(function() ch:send("second") end)
            return co()
            """,
            #""second""#
        ),
        LuaCase(
            "a loop over a select with a default sees messages come",
            """
            process.spawn("app:sends", HOST, process.pid())
            local ch = process.listen("t")
            repeat local r = channel.select{ch:case_receive(), default = true} until not r.default
            return "seen"
            """,
            #""seen""#,
            with: ["sends": "process.send((...), 't', 1)"]
        ),
        LuaCase(
            "a send case on a mailbox channel is refused",
            "return (pcall(function() return process.inbox():case_send(1) end))",
            "false"
        ),
    ]

    @Test(arguments: cases) func `a rule about select holds`(rule: LuaCase) { rule.check() }

    /// Each case that is lost is found at once: a walk to it would make this quadratic.
    @Test func `closing a channel takes time in proportion to the cases that wait there`() throws {
        let result = lua(
            """
            local function closes(cases)
              local ch = channel.new()
              local list, case = {}, ch:case_send(1)
              for i = 1, cases do list[i] = case end
              for i = 1, 20 do coroutine.spawn(function() channel.select(list) end) end
              local began = os.clock()
              ch:close()
              return os.clock() - began
            end
            closes(500)
            return {closes(500), closes(10000)}
            """,
            within: 60
        )
        let times = result.dropFirst().dropLast().split(separator: ",").compactMap { Double($0) }
        try #require(times.count == 2, "\(result)")
        // Twenty times as many; in the square of that it would be four hundred times as long.
        #expect(times[1] < 100 * max(times[0], 0.000_5), "\(result)")
    }
}
