import Testing

/// SEMANTICS 4.
@Suite struct PidTests {
    static let cases = [
        LuaCase(
            "a pid is URL-safe and at most 64 bytes",
            "local p = process.pid() return p:match('^[A-Za-z0-9._-]+$') == p and #p <= 64",
            "true"
        ),
        LuaCase(
            "a pid has three parts, the last a number",
            "return process.pid():match('^[^.]+%.[^.]+%.%d+$') ~= nil",
            "true"
        ),
        LuaCase("id is the entry's id", "return process.id()", #""app:main""#),
        LuaCase(
            "a pid is not used again",
            """
            local seen = {}
            for i = 1, 500 do
              local pid = process.spawn_monitored("app:child", HOST)
              if seen[pid] then return "again" end
              seen[pid] = true
              process.events():receive()
            end
            return "never"
            """,
            #""never""#,
            with: ["child": "return 1"]
        ),
        LuaCase(
            "a name is as good as a pid where a destination is wanted",
            """
            process.registry.register("me")
            local sent = process.send("me", "t", 1)
            return {sent, process.cancel("me"), process.monitor("me"), process.link("me")}
            """,
            "[true,true,true,true]"
        ),
        LuaCase(
            "a name may not look like a pid",
            "return refused(process.registry.register((process.pid():gsub('%d+$', '999999'))))",
            #"["nil","Invalid","a name may not look like a pid"]"#
        ),
        LuaCase(
            "a pid of another run is not found, and is no name",
            "return refused(process.send((process.pid():gsub('%.[^.]+%.', '.zzz.')), 't'))",
            #"["nil","NotFound","process not found"]"#
        ),
        LuaCase(
            "a pid with an impossible number is not found",
            "return refused(process.send((process.pid():gsub('%d+$', ('9'):rep(30))), 't'))",
            #"["nil","NotFound","process not found"]"#
        ),
        LuaCase(
            "a destination of another type is an argument error",
            "return raised(function() process.send({}, 't') end)",
            #""bad argument #1 to 'send' (string expected, got table)""#
        ),
    ]

    @Test(arguments: cases) func `a rule about pids holds`(rule: LuaCase) { rule.check() }
}
