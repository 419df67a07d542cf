import Testing

/// SEMANTICS 6, receiving.
@Suite struct ListeningTests {
    static let cases = [
        LuaCase(
            "the same topic is the identical channel",
            "return {process.listen('t') == process.listen('t'), process.listen('t') == process.listen('u')}",
            "[true,false]"
        ),
        LuaCase(
            "inbox and events are the identical channels",
            "return {process.inbox() == process.inbox(), process.events() == process.events(), process.inbox() == process.events()}",
            "[true,true,false]"
        ),
        LuaCase(
            "the inbox's identity survives many collections",
            """
            local before = tostring(process.inbox())
            for i = 1, 200000 do local t = {} end
            return tostring(process.inbox()) == before
            """,
            "true"
        ),
        LuaCase(
            "message mode upgrades, a raw call does not downgrade",
            """
            local ch = process.listen("t")
            process.send(process.pid(), "t", 1)
            local raw = ch:receive()
            process.listen("t", {message = true})
            process.send(process.pid(), "t", 2)
            local upgraded = ch:receive()
            process.listen("t")
            process.send(process.pid(), "t", 3)
            return {raw, upgraded.payload, ch:receive().payload}
            """,
            "[1,2,3]"
        ),
        LuaCase(
            "topics that may not be listened on",
            "return {refused(process.listen(''))[3], refused(process.listen('@x'))[3], refused(process.listen(''))[2]}",
            #"["topic may not be empty","cannot listen on @ topics","Invalid"]"#
        ),
        LuaCase(
            "a topic listened on has a bounded length",
            """
            local long = ("t"):rep(256)
            return {process.listen(long) ~= nil, refused(process.listen(long .. "t"))[2]}
            """,
            #"[true,"Invalid"]"#
        ),
        LuaCase(
            "listen wants a string and a table",
            "return {raised(function() process.listen() end), raised(function() process.listen('t', 1) end)}",
            #"["bad argument #1 to 'listen' (string expected, got no value)","bad argument #2 to 'listen' (table expected, got number)"]"#
        ),
        LuaCase(
            "unlisten closes the channel",
            """
            local ch = process.listen("t")
            local ok = process.unlisten(ch)
            local v, open = ch:receive()
            return {ok, tostring(v), open}
            """,
            #"[true,"nil",false]"#
        ),
        LuaCase(
            "unlisten of what is no live subscription",
            """
            local ch = process.listen("t")
            process.unlisten(ch)
            local a, err = process.unlisten(ch)
            local b = process.unlisten(process.inbox())
            local c = process.unlisten(channel.new())
            return {a, b, c, err:message()}
            """,
            #"[false,false,false,"not a live subscription"]"#
        ),
        LuaCase(
            "unlisten wakes who waits at the channel",
            """
            local ch, done = process.listen("t"), channel.new(1)
            coroutine.spawn(function() local v, ok = ch:receive() done:send({tostring(v), ok}) end)
            process.unlisten(ch)
            return (done:receive())
            """,
            #"["nil",false]"#
        ),
        LuaCase(
            "messages queued at an ended subscription go to the inbox, in order of arrival",
            """
            local ch = process.listen("t")
            process.send(process.pid(), "t", 1)
            process.send(process.pid(), "other", 2)
            process.send(process.pid(), "t", 3)
            channel.select{process.listen("nothing"):case_receive(), default = true}
            process.unlisten(ch)
            process.send(process.pid(), "t", 4)
            local inbox = process.inbox()
            local function next() return inbox:receive().payload end
            return {next(), next(), next(), next()}
            """,
            "[1,2,3,4]"
        ),
        LuaCase(
            "listening again after unlisten gives a fresh channel",
            """
            local a = process.listen("t")
            process.unlisten(a)
            local b = process.listen("t")
            process.send(process.pid(), "t", 1)
            return {a == b, (b:receive())}
            """,
            "[false,1]"
        ),
        LuaCase(
            "a topic's slot is used again by another topic",
            """
            local a = process.listen("a")
            process.unlisten(a)
            local b = process.listen("b")
            local c = process.listen("c")
            process.send(process.pid(), "c", "C")
            process.send(process.pid(), "b", "B")
            return {(b:receive()), (c:receive()), process.listen("b") == b}
            """,
            #"["B","C",true]"#
        ),
        LuaCase(
            "closing a topic's channel is unlisten",
            """
            local ch = process.listen("t")
            ch:close()
            process.send(process.pid(), "t", 1)
            return {process.unlisten(ch), process.inbox():receive().payload}
            """,
            "[false,1]"
        ),
        LuaCase(
            "a message waits for a listener",
            """
            for i = 1, 3 do process.send(process.pid(), "later", i) end
            channel.select{process.listen("other"):case_receive(), default = true}
            local ch = process.listen("later")
            return {(ch:receive()), (ch:receive()), (ch:receive())}
            """,
            "[1,2,3]"
        ),
        LuaCase(
            "what the inbox saw waiting goes to a listener that comes before the receive",
            """
            local inbox = process.inbox()
            process.send(process.pid(), "t", 1)
            process.send(process.pid(), "u", 2)
            channel.select{process.events():case_receive(), default = true}
            local ch = process.listen("t")
            return {inbox:receive().payload, (ch:receive())}
            """,
            "[2,1]"
        ),
        LuaCase(
            "the inbox gets what no listener wants",
            """
            local ch, inbox = process.listen("mine"), process.inbox()
            process.send(process.pid(), "other", 1)
            process.send(process.pid(), "mine", 2)
            process.send(process.pid(), "another", 3)
            return {inbox:receive().topic, inbox:receive().topic, (ch:receive())}
            """,
            #"["other","another",2]"#
        ),
        LuaCase(
            "one stuck topic blocks no other",
            """
            for i = 1, 1000 do process.send(process.pid(), "stuck", i) end
            process.send(process.pid(), "t", "through")
            return (process.listen("t"):receive())
            """,
            #""through""#
        ),
        LuaCase(
            "a select with a default sees what is queued",
            """
            process.send(process.pid(), "t", 7)
            return channel.select{process.listen("t"):case_receive(), default = true}.value
            """,
            "7"
        ),
        LuaCase(
            "no more topics than 256",
            """
            local made = 0
            for i = 1, 300 do
              local ch, err = process.listen("t" .. i)
              if not ch then return {made, err:kind()} end
              made = made + 1
            end
            """,
            #"[256,"RateLimited"]"#
        ),
        LuaCase(
            "a message refused a topic at the limit still reaches the inbox",
            """
            process.send(process.pid(), "x", 1)
            for i = 1, 256 do process.listen("t" .. i) end
            process.listen("x")
            return process.inbox():receive().payload
            """,
            "1"
        ),
        LuaCase(
            "a fiber at a topic is woken by a message while another runs",
            """
            local ch, got = process.listen("t"), channel.new(1)
            coroutine.spawn(function() got:send((ch:receive())) end)
            process.send(process.pid(), "t", "woken")
            return (got:receive())
            """,
            #""woken""#
        ),
        LuaCase(
            "a message wakes the fiber that waited longest",
            """
            local ch, got = process.listen("t"), channel.new(4)
            for i = 1, 2 do
              coroutine.spawn(function() got:send(i .. (ch:receive())) got:send(i .. (ch:receive())) end)
            end
            for _, v in ipairs{"a", "b", "c", "d"} do process.send(process.pid(), "t", v) end
            return {(got:receive()), (got:receive()), (got:receive()), (got:receive())}
            """,
            #"["1a","1c","2b","2d"]"#
        ),
        LuaCase(
            "a mailbox channel can't be sent to",
            "return raised(function() process.inbox():send(1) end)",
            #""cannot send to a mailbox channel: use process.send""#
        ),
    ]

    @Test(arguments: cases) func `a rule about receiving holds`(rule: LuaCase) { rule.check() }
}
