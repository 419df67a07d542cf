import Testing

/// SEMANTICS 9, the registry.
@Suite struct RegistryTests {
    static let waits = ["waits": "process.inbox():receive()"]

    static let cases = [
        LuaCase(
            "register, look up, unregister",
            """
            local r = process.registry
            return {r.register("a"), r.register("a"), r.lookup("a") == process.pid(),
                    r.unregister("a"), r.unregister("a"), r.lookup("a") == nil}
            """,
            "[true,true,true,true,false,true]"
        ),
        LuaCase(
            "a name for another process",
            """
            local pid = process.spawn("app:waits", HOST)
            return {process.registry.register("other", pid), process.registry.lookup("other") == pid}
            """,
            "[true,true]",
            with: waits
        ),
        LuaCase(
            "a name somebody else has",
            """
            process.registry.register("a", process.spawn("app:waits", HOST))
            return refused(process.registry.register("a"))
            """,
            #"["nil","AlreadyExists","name already registered"]"#,
            with: waits
        ),
        LuaCase(
            "an empty name, a dead process, a name nobody has",
            """
            local pid = process.spawn_monitored("app:none", HOST)
            process.events():receive()
            local r = process.registry
            return {refused(r.register(""))[2], refused(r.register("a", pid)), refused(r.lookup("a"))}
            """,
            #"["Invalid",["nil","NotFound","process not found"],["nil","NotFound","name not registered"]]"#,
            with: ["none": ""]
        ),
        LuaCase(
            "names go with their process, before EXIT",
            """
            for i = 1, 100 do
              local pid = process.spawn_monitored("app:named", HOST)
              process.events():receive()
              if process.registry.lookup("n") then return i end
            end
            return "free"
            """,
            #""free""#,
            with: ["named": "process.registry.register('n')"]
        ),
        LuaCase(
            "a terminated process's name never resolves again",
            """
            for i = 1, 100 do
              local pid = process.spawn("app:waits", HOST)
              process.registry.register("n", pid)
              process.terminate(pid)
              if process.registry.lookup("n") then return i end
              if not process.registry.register("n") then return -i end
              process.registry.unregister("n")
            end
            return "free"
            """,
            #""free""#,
            with: waits
        ),
        LuaCase(
            "one process has at most 64 names",
            """
            local n = 0
            while true do
              local ok, err = process.registry.register("n" .. n)
              if not ok then return {n, err:kind()} end
              n = n + 1
            end
            """,
            #"[64,"RateLimited"]"#
        ),
        LuaCase(
            "a name has at most 256 bytes",
            "return {process.registry.register(('x'):rep(256)), refused(process.registry.register(('x'):rep(257)))[2]}",
            #"[true,"Invalid"]"#
        ),
        LuaCase(
            "a name is UTF-8, and compared byte for byte",
            """
            local r = process.registry
            local function message(ok, err) return tostring(ok) .. " " .. tostring(err) end
            return {
              message(r.register("a\\xff")), message(r.register("a\\u{FFFD}")),
              message(r.lookup("a\\xfe")), tostring(r.unregister("a\\xfe")),
              message(process.send("a\\xfe", "t")):sub(1, 21),
              message(process.with_context{}:with_name("a\\xff")),
              message(r.register("\\u{e9}")), message(r.lookup("e\\u{301}")),
            }
            """,
            #"["nil a name must be UTF-8","true nil","nil name not registered","false","nil could not resolve","nil a name must be UTF-8","true nil","nil name not registered"]"#
        ),
        LuaCase(
            "names are text",
            "return raised(function() process.registry.register({}) end)",
            #""bad argument #1 to 'register' (string expected, got table)""#
        ),
    ]

    @Test(arguments: cases) func `a rule about names holds`(rule: LuaCase) { rule.check() }
}
