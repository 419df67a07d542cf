import Testing

/// SEMANTICS 8, monitors.
@Suite struct MonitorTests {
    static let waits = ["waits": "return process.inbox():receive().payload"]

    static let cases = [
        LuaCase(
            "a monitor yields exactly one EXIT",
            """
            local pid = process.spawn("app:waits", HOST)
            local ok = process.monitor(pid)
            process.send(pid, "t", 5)
            local e = process.events():receive()
            local more = channel.select{process.events():case_receive(), default = true}
            return {ok, e.result, e.from == pid, more.default}
            """,
            "[true,5,true,true]",
            with: waits
        ),
        LuaCase(
            "twice is an error",
            """
            local pid = process.spawn_monitored("app:waits", HOST)
            return refused(process.monitor(pid))
            """,
            #"["nil","AlreadyExists","already monitoring this process"]"#,
            with: waits
        ),
        LuaCase(
            "the dead and the unknown give an error and no event",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            local dead = refused(process.monitor(pid))
            local more = channel.select{process.events():case_receive(), default = true}
            return {dead, more.default}
            """,
            #"[["nil","NotFound","process not found"],true]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "after unmonitor there is no EXIT, and monitoring again works",
            """
            local pid = process.spawn_monitored("app:waits", HOST)
            local off = process.unmonitor(pid)
            local again = process.monitor(pid)
            process.unmonitor(pid)
            process.send(pid, "t", 1)
            process.exec("app:none", HOST)
            repeat until not process.send(pid, "t")
            local more = channel.select{process.events():case_receive(), default = true}
            return {off, again, more.default}
            """,
            "[true,true,true]",
            with: ["waits": "return process.inbox():receive().payload", "none": ""]
        ),
        LuaCase(
            "unmonitor keeps an EXIT that is queued",
            """
            -- A watcher that came later hears of it later.
            local ready, saw = process.listen("ready"), process.listen("saw")
            local pid = process.spawn_monitored("app:waits", HOST)
            process.spawn("app:watches", HOST, pid, process.pid())
            ready:receive()
            process.send(pid, "t")
            saw:receive()
            local ok = process.unmonitor(pid)
            return {ok, process.events():receive().kind}
            """,
            #"[true,"EXIT"]"#,
            with: [
                "waits": "process.inbox():receive()",
                "watches": """
                local target, parent = ...
                process.monitor(target)
                process.send(parent, "ready")
                process.events():receive()
                process.send(parent, "saw")
                """,
            ]
        ),
        LuaCase(
            "unmonitor of a pid never monitored, and of a dead one",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            return {process.unmonitor(pid), process.unmonitor(process.pid())}
            """,
            "[true,true]",
            with: ["none": ""]
        ),
        LuaCase(
            "monitoring oneself is accepted and has no effect",
            "return {process.monitor(process.pid()), process.monitor(process.pid())}",
            "[true,true]"
        ),
        LuaCase(
            "a watcher's exit tells the watched nothing",
            """
            process.send(process.spawn("app:watches", HOST), "t", process.pid())
            process.inbox():receive()
            process.exec("app:none", HOST)
            return channel.select{process.events():case_receive(), default = true}.default
            """,
            "true",
            with: [
                "none": "",
                "watches": """
                local pid = process.inbox():receive().payload
                process.monitor(pid)
                process.send(pid, "t", 1)
                """,
            ]
        ),
        LuaCase(
            "many watchers get one EXIT each",
            """
            local target = process.spawn("app:waits", HOST)
            for i = 1, 20 do process.spawn("app:watches", HOST, target, process.pid()) end
            for i = 1, 20 do process.listen("ready"):receive() end
            process.send(target, "t", "end")
            local n = 0
            for i = 1, 20 do if process.listen("saw"):receive() == "end" then n = n + 1 end end
            return n
            """,
            "20",
            with: [
                "waits": "return process.inbox():receive().payload",
                "watches": """
                local target, parent = ...
                process.monitor(target)
                process.send(parent, "ready", 1)
                process.send(parent, "saw", process.events():receive().result)
                """,
            ]
        ),
    ]

    @Test(arguments: cases) func `a rule about monitors holds`(rule: LuaCase) { rule.check() }
}
