import Testing

/// SEMANTICS 8, links.
@Suite struct LinkTests {
    static let fails = ["fails": "process.inbox():receive() error('down', 0)"]

    static let cases = [
        LuaCase(
            "a LINK_DOWN event has kind, from, at and error",
            """
            process.set_options{trap_links = true}
            local pid = process.spawn_linked("app:fails", HOST)
            process.send(pid, "t")
            local e = process.events():receive()
            return {e.kind, e.from == pid, math.type(e.at), e.error:message()}
            """,
            #"["LINK_DOWN",true,"float","down"]"#,
            with: fails
        ),
        LuaCase(
            "a normal exit just takes the link away",
            """
            process.set_options{trap_links = true}
            local pid = process.spawn_linked_monitored("app:none", HOST)
            local first = process.events():receive().kind
            return {first, channel.select{process.events():case_receive(), default = true}.default}
            """,
            #"["EXIT",true]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "a linked failure ends the process wherever it waits",
            """
            local out = {}
            for _, where in ipairs{"receive", "select", "exec", "send", "loop", "coroutine", "events"} do
              local ok, err = process.exec("app:linked", HOST, where)
              out[#out + 1] = err and err:message() or "survived"
            end
            local wrong = 0
            for _, message in ipairs(out) do
              if message ~= "linked process failed" then wrong = wrong + 1 end
            end
            return {#out, wrong}
            """,
            "[7,0]",
            with: [
                "fails": "error('down')",
                "forever": "process.inbox():receive()",
                "linked": """
                local where = ...
                local pid = process.spawn_linked("app:fails", HOST)
                local ch = channel.new()
                if where == "receive" then ch:receive()
                elseif where == "select" then channel.select{ch:case_receive(), ch:case_send(1)}
                elseif where == "exec" then process.exec("app:forever", HOST)
                elseif where == "send" then ch:send(1)
                elseif where == "loop" then while true do pcall(function() while true do end end) end
                elseif where == "coroutine" then coroutine.wrap(function() ch:receive() end)()
                else process.events():receive() end
                """,
            ]
        ),
        LuaCase(
            "a failure goes through the graph",
            """
            local first = process.spawn_monitored("app:chain", HOST, 30)
            local e = process.events():receive()
            return e.error:message()
            """,
            #""linked process failed""#,
            with: [
                "chain": """
                local n = ...
                if n == 0 then error("end") end
                process.spawn_linked("app:chain", HOST, n - 1)
                process.inbox():receive()
                """
            ]
        ),
        LuaCase(
            "a trapping process stops it",
            """
            process.set_options{trap_links = true}
            process.spawn_linked("app:middle", HOST)
            local e = process.events():receive()
            return {e.kind, e.error:message()}
            """,
            #"["LINK_DOWN","linked process failed"]"#,
            with: [
                "middle": "process.spawn_linked('app:fails', HOST) process.inbox():receive()",
                "fails": "error('down')",
            ]
        ),
        LuaCase(
            "link is symmetric and idempotent",
            """
            process.set_options{trap_links = true}
            local pid = process.spawn("app:fails", HOST)
            local a, b = process.link(pid), process.link(pid)
            process.send(pid, "t")
            local kind = process.events():receive().kind
            return {a, b, kind, channel.select{process.events():case_receive(), default = true}.default}
            """,
            #"[true,true,"LINK_DOWN",true]"#,
            with: fails
        ),
        LuaCase(
            "link with the dead",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            return {refused(process.link(pid)), process.unlink(pid)}
            """,
            #"[["nil","NotFound","process not found"],true]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "after unlink nothing comes",
            """
            local pid = process.spawn_linked_monitored("app:fails", HOST)
            local ok = process.unlink(pid)
            process.send(pid, "t")
            return {ok, process.events():receive().kind, process.unlink(pid)}
            """,
            #"[true,"EXIT",true]"#,
            with: fails
        ),
        LuaCase(
            "a link with oneself has no effect",
            "return {process.link(process.pid()), process.unlink(process.pid())}",
            "[true,true]"
        ),
        LuaCase(
            "options are read fresh",
            """
            local a = process.get_options()
            a.trap_links = true
            local before = process.get_options().trap_links
            local ok = process.set_options{trap_links = true}
            return {before, ok, process.get_options().trap_links, process.get_options() == process.get_options()}
            """,
            "[false,true,true,false]"
        ),
        LuaCase(
            "options that are not",
            """
            local function say(v, err) return {v, err:message(), err:kind()} end
            return {say(process.set_options{trap_links = 1}), say(process.set_options{color = true}),
                    process.get_options().trap_links}
            """,
            #"[[false,"trap_links must be a boolean","Invalid"],[false,"option color is not supported","Invalid"],false]"#
        ),
        LuaCase(
            "an unknown option changes nothing, whatever else is there",
            """
            process.set_options{trap_links = true, color = true}
            return process.get_options().trap_links
            """,
            "false"
        ),
        LuaCase(
            "termination is felt by links",
            """
            process.set_options{trap_links = true}
            local pid = process.spawn_linked("app:fails", HOST)
            process.terminate(pid)
            return process.events():receive().error:message()
            """,
            #""process terminated""#,
            with: fails
        ),
    ]

    @Test(arguments: cases) func `a rule about links holds`(rule: LuaCase) { rule.check() }
}
