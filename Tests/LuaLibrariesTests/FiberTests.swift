import ProcessRuntime
import Testing

/// SEMANTICS 7, fibers.
@Suite struct FiberTests {
    static let cases = [
        LuaCase(
            "a spawned fiber runs first, to its first blocking point",
            """
            local log, ch = {}, channel.new()
            coroutine.spawn(function() log[1] = "child" ch:receive() log[3] = "late" end)
            log[2] = "parent"
            ch:send(1)
            coroutine.yield()
            return log
            """,
            #"["child","parent","late"]"#
        ),
        LuaCase(
            "a fiber gets arguments, nils kept",
            """
            local got
            coroutine.spawn(function(...) got = {select("#", ...), ...} end, 1, nil, 3)
            return {got[1], got[2], tostring(got[3]), got[4]}
            """,
            #"[3,1,"nil",3]"#
        ),
        LuaCase(
            "a fiber gets very many arguments",
            """
            local t, n = {}, nil
            for i = 1, 5000 do t[i] = i end
            coroutine.spawn(function(...) n = select("#", ...) + select(5000, ...) end, table.unpack(t))
            return n
            """,
            "10000"
        ),
        LuaCase(
            "a fiber that has ended is dead, whatever it returned",
            """
            local ended, ran
            coroutine.spawn(function()
              ended = coroutine.running()
              return function() ran = true end
            end)
            local status, ok, err = coroutine.status(ended), coroutine.resume(ended)
            return {status, ok, err, coroutine.status(ended), ran == nil}
            """,
            #"["dead",false,"cannot resume dead coroutine","dead",true]"#
        ),
        LuaCase(
            "yield in a fiber lets the others run, and returns nothing",
            """
            local log = {}
            for i = 1, 2 do
              coroutine.spawn(function()
                for k = 1, 2 do log[#log + 1] = i .. "." .. k coroutine.yield("ignored") end
              end)
            end
            coroutine.yield() coroutine.yield()
            return {log, select("#", coroutine.yield())}
            """,
            #"[["1.1","2.1","1.2","2.2"],0]"#
        ),
        LuaCase(
            "spawn gives nothing",
            "return select('#', coroutine.spawn(function() end))",
            "0"
        ),
        LuaCase(
            "spawn wants a function",
            "return raised(function() coroutine.spawn(1) end)",
            #""bad argument #1 to 'spawn' (function expected, got number)""#
        ),
        LuaCase(
            "main's return ends every fiber, with no unwinding",
            """
            coroutine.spawn(function()
              local x <close> = setmetatable({}, {__close = function() process.send("app", "t", 1) end})
              channel.new():receive()
            end)
            return "over"
            """,
            #""over""#
        ),
        LuaCase(
            "an uncaught error in a fiber is the process's error",
            """
            coroutine.spawn(function() coroutine.yield() error("in fiber") end)
            channel.new():receive()
            """,
            "error: app:main:2: in fiber"
        ),
        LuaCase(
            "an error before the first blocking point of a fiber ends the process too",
            "coroutine.spawn(function() error('at once') end) return 'survived'",
            "error: app:main:2: at once"
        ),
        LuaCase(
            "fibers of fibers, a thousand of them",
            """
            local done = channel.new(2000)
            local function tree(n)
              if n == 0 then done:send(1) return end
              coroutine.spawn(tree, n - 1)
              coroutine.spawn(tree, n - 1)
            end
            tree(9)
            local sum = 0
            for i = 1, 512 do sum = sum + done:receive() end
            return sum
            """,
            "512"
        ),
        LuaCase(
            "spawn inside a coroutine",
            """
            local log = {}
            local co = coroutine.wrap(function()
              coroutine.spawn(function() log[1] = "fiber" end)
              log[2] = "coroutine"
              coroutine.yield("value")
            end)
            log[3] = co()
            return log
            """,
            #"["fiber","coroutine","value"]"#
        ),
        LuaCase(
            "a spawn where nothing can be suspended is refused",
            """
            local ok, err = pcall(table.sort, {2, 1}, function() coroutine.spawn(print) end)
            return {ok, err:find("attempt to yield across a C-call boundary", 1, true) ~= nil}
            """,
            "[false,true]"
        ),
        LuaCase(
            "another fiber's thread can't be resumed or closed behind its back",
            """
            local victim, ch, got = nil, channel.new(), channel.new(1)
            coroutine.spawn(function()
              victim = coroutine.running()
              got:send((ch:receive()))
            end)
            local ok, err = coroutine.resume(victim, "forged")
            local closed = pcall(coroutine.close, victim)
            ch:send("real")
            return {ok, err, closed, (got:receive()), coroutine.status(victim) ~= "suspended"}
            """,
            #"[false,"cannot resume non-suspended coroutine",false,"real",true]"#
        ),
        LuaCase(
            "a coroutine that waits in another fiber can't be resumed or closed",
            """
            local ch, got = channel.new(), channel.new(1)
            local co = coroutine.create(function() return (ch:receive()) end)
            coroutine.spawn(function() got:send({coroutine.resume(co)}) end)
            local ok, err = coroutine.resume(co, "forged")
            local closed = pcall(coroutine.close, co)
            local status = coroutine.status(co)
            ch:send("real")
            local r = got:receive()
            return {ok, err, closed, status, r[1], r[2], coroutine.status(co)}
            """,
            #"[false,"cannot resume non-suspended coroutine",false,"normal",true,"real","dead"]"#
        ),
        LuaCase(
            "a coroutine begun in one fiber goes on in another",
            """
            local co = coroutine.wrap(function() local ch = channel.new()
              coroutine.yield(1)
              coroutine.spawn(function() ch:send(2) end)
              coroutine.yield((ch:receive()))
            end)
            local got = channel.new(2)
            got:send(co())
            coroutine.spawn(function() got:send(co()) end)
            return {(got:receive()), (got:receive())}
            """,
            "[1,2]"
        ),
        LuaCase(
            "running says whose main thread it is",
            """
            local function main() return select(2, coroutine.running()) end
            local inFiber
            coroutine.spawn(function() inFiber = main() end)
            return {main(), inFiber, coroutine.wrap(main)()}
            """,
            "[true,true,false]"
        ),
        LuaCase(
            "fibers that hand over without end are preempted and killable",
            """
            local pid = process.spawn_monitored("app:busy", HOST)
            for i = 1, 20 do process.exec("app:none", HOST) end
            process.terminate(pid)
            return process.events():receive().error:message()
            """,
            #""process terminated""#,
            with: [
                "none": "",
                "busy": """
                local a, b = channel.new(), channel.new()
                coroutine.spawn(function() while true do b:send(a:receive()) end end)
                while true do a:send(1) b:receive() end
                """,
            ]
        ),
    ]

    @Test(arguments: cases) func `a rule about fibers holds`(rule: LuaCase) { rule.check() }

    @Test func `a yield with no other fiber lets other processes run`() throws {
        let harness = LuaHarness(
            ["main": "return function() for _ = 1, 1000 do coroutine.yield() end end"],
            workers: 1
        )
        let pid = try harness.spawn("app:main")
        #expect(harness.exit(of: pid)?.reason.isNormal == true)
        // Each yield is the end of a turn.
        #expect(harness.pool.progress().turns >= 1_000)
    }
}
