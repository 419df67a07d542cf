import Testing

/// SEMANTICS 7, channels without select.
@Suite struct ChannelTests {
    static let cases = [
        LuaCase(
            "a buffered channel keeps order and takes what fits",
            """
            local ch = channel.new(3)
            ch:send(1) ch:send(2) ch:send(3)
            return {(ch:receive()), (ch:receive()), (ch:receive())}
            """,
            "[1,2,3]"
        ),
        LuaCase(
            "values pass by reference",
            "local ch, t = channel.new(1), {} ch:send(t) return (ch:receive()) == t",
            "true"
        ),
        LuaCase(
            "functions and nil pass too",
            """
            local ch = channel.new(3)
            ch:send(print) ch:send(nil) ch:send(false)
            local a, b, c = {ch:receive()}, {ch:receive()}, {ch:receive()}
            return {a[1] == print, b[1] == nil, b[2], c[1], c[2]}
            """,
            "[true,true,true,false,true]"
        ),
        LuaCase(
            "send answers true; receive answers value and true",
            "local ch = channel.new(1) return {ch:send(5), select('#', ch:receive())}",
            "[true,2]"
        ),
        LuaCase(
            "a full channel blocks the sender until there is room",
            """
            local ch, log = channel.new(1), {}
            coroutine.spawn(function()
              for i = 1, 3 do ch:send(i) log[#log + 1] = "sent" .. i end
            end)
            log[#log + 1] = "go"
            for i = 1, 3 do local v = ch:receive() log[#log + 1] = "got" .. v end
            coroutine.yield()
            return log
            """,
            #"["sent1","go","got1","got2","sent2","sent3","got3"]"#
        ),
        LuaCase(
            "an unbuffered sender waits for a receiver",
            """
            local ch, log = channel.new(), {}
            coroutine.spawn(function() ch:send("x") log[#log + 1] = "sent" end)
            log[#log + 1] = "before"
            local v = ch:receive()
            log[#log + 1] = v
            log[#log + 1] = "receiver first"
            coroutine.yield()
            return log
            """,
            #"["before","x","receiver first","sent"]"#
        ),
        LuaCase(
            "a sender meeting a parked receiver continues first",
            """
            local ch, log = channel.new(), {}
            coroutine.spawn(function() local v = ch:receive() log[#log + 1] = v end)
            ch:send("x")
            log[#log + 1] = "sender first"
            coroutine.yield()
            return log
            """,
            #"["sender first","x"]"#
        ),
        LuaCase(
            "parked receivers are served in the order they came",
            """
            local ch, log = channel.new(), {}
            for i = 1, 3 do coroutine.spawn(function() local v = ch:receive() log[#log + 1] = i .. v end) end
            ch:send("a") ch:send("b") ch:send("c")
            coroutine.yield()
            return log
            """,
            #"["1a","2b","3c"]"#
        ),
        LuaCase(
            "parked senders are served in the order they came",
            """
            local ch = channel.new()
            for i = 1, 3 do coroutine.spawn(function() ch:send(i) end) end
            return {(ch:receive()), (ch:receive()), (ch:receive())}
            """,
            "[1,2,3]"
        ),
        LuaCase(
            "a send on a closed channel raises",
            "local ch = channel.new(1) ch:close() ch:send(1)",
            "error: app:main:2: send on closed channel"
        ),
        LuaCase(
            "a sender parked at the close gets nil and an error",
            """
            local ch, got = channel.new(), channel.new(1)
            coroutine.spawn(function() got:send(refused(ch:send(1))) end)
            ch:close()
            return (got:receive())
            """,
            #"["nil","Canceled","channel closed"]"#
        ),
        LuaCase(
            "a receiver parked at the close gets nil and false",
            """
            local ch, got = channel.new(), channel.new(1)
            coroutine.spawn(function() local v, ok = ch:receive() got:send({tostring(v), ok}) end)
            ch:close()
            return (got:receive())
            """,
            #"["nil",false]"#
        ),
        LuaCase(
            "buffered values are delivered after close, then nil and false for ever",
            """
            local ch = channel.new(2)
            ch:send(1) ch:send(2)
            ch:close() ch:close()
            local a, aok = ch:receive()
            local b, bok = ch:receive()
            local c, cok = ch:receive()
            local d, dok = ch:receive()
            return {a, aok, b, bok, tostring(c), cok, tostring(d), dok}
            """,
            #"[1,true,2,true,"nil",false,"nil",false]"#
        ),
        LuaCase(
            "a capacity that may not be",
            """
            return {raised(function() channel.new(-1) end), raised(function() channel.new(1.5) end),
                    raised(function() channel.new("x") end), type(channel.new(2.0))}
            """,
            #"["bad argument #1 to 'new' (capacity must be between 0 and 16777216)","bad argument #1 to 'new' (integer expected, got number)","bad argument #1 to 'new' (integer expected, got string)","userdata"]"#
        ),
        LuaCase(
            "methods want a channel",
            "return raised(function() channel.new().send({}, 1) end)",
            #""bad argument #1 to 'send' (channel expected, got table)""#
        ),
        LuaCase(
            "a ring of fibers passes a token",
            """
            local n = 50
            local chans = {}
            for i = 1, n do chans[i] = channel.new() end
            for i = 1, n do
              coroutine.spawn(function()
                while true do chans[i % n + 1]:send((chans[i]:receive()) + 1) end
              end)
            end
            local first = channel.new()
            coroutine.spawn(function() chans[1]:send(0) end)
            for i = 1, 200 do coroutine.yield() end
            return "passed"
            """,
            #""passed""#
        ),
        LuaCase(
            "a buffered channel through many rounds keeps its contents",
            """
            local ch, expected = channel.new(7), 0
            coroutine.spawn(function() for i = 1, 5000 do ch:send(i) end ch:close() end)
            for v in function() return (ch:receive()) end do
              expected = expected + 1
              if v ~= expected then return v end
            end
            return expected
            """,
            "5000"
        ),
        LuaCase(
            "a channel nobody holds is collected with what it keeps",
            """
            for i = 1, 2000 do local ch = channel.new(1) ch:send(("x"):rep(10000) .. i) end
            return "small"
            """,
            #""small""#
        ),
    ]

    @Test(arguments: cases) func `a rule about channels holds`(rule: LuaCase) { rule.check() }
}
