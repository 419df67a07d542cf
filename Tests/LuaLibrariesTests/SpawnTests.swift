import LuaLibraries
import Payload
import ProcessRuntime
import Testing

/// SEMANTICS 5.
@Suite struct SpawnTests {
    static let echo = ["echo": "return ..."]
    /// Waits for one message of any topic and returns its payload.
    static let waiter = ["waiter": "return process.inbox():receive().payload"]

    static let refusals = [
        LuaCase(
            "each spawn function wants an entry and a host",
            """
            local wrong = {}
            for _, name in ipairs{"spawn", "spawn_monitored", "spawn_linked",
                                  "spawn_linked_monitored", "exec"} do
              local v, err = process[name]("app:echo")
              local text = name .. " requires at least id and host arguments"
              if v ~= nil or err:kind() ~= errors.INVALID or err:message() ~= text then
                wrong[#wrong + 1] = tostring(err)
              end
              v, err = process.with_context({})[name](process.with_context({}))
              if v ~= nil or err:message() ~= text then wrong[#wrong + 1] = tostring(err) end
            end
            return json.array(wrong)
            """,
            "[]",
            with: echo
        ),
        LuaCase(
            "an unknown host is found before an unknown entry",
            "return refused(process.spawn('app:nothing', 'app:nowhere'))",
            #"["nil","NotFound","host not found: app:nowhere"]"#
        ),
        LuaCase(
            "an unknown entry",
            "return refused(process.spawn('app:nothing', HOST))",
            #"["nil","NotFound","entry not found: app:nothing"]"#
        ),
        LuaCase(
            "arguments of wrong types are raised",
            "return raised(function() process.spawn(true, HOST) end)",
            #""bad argument #1 to 'spawn' (string expected, got boolean)""#
        ),
        LuaCase(
            "an argument that can't be copied names itself",
            "return refused(process.spawn('app:echo', HOST, 1, {a = {print}}))",
            #"["nil","Invalid","argument 2.a[1]: cannot send a function"]"#,
            with: echo
        ),
        LuaCase(
            "more arguments than a spawn takes, a million included",
            """
            local function many(n) return table.unpack({}, 1, n) end
            local wrong = {}
            for _, n in ipairs{251, 999900} do
              local function check(v, err)
                local text = "a spawn takes at most 250 arguments, not " .. n
                if v ~= nil or err:kind() ~= errors.INVALID or err:message() ~= text then
                  wrong[#wrong + 1] = tostring(err)
                end
              end
              local spawner = process.with_context{}
              check(coroutine.wrap(function() return process.spawn("app:count", HOST, many(n)) end)())
              check(coroutine.wrap(function() return process.exec("app:count", HOST, many(n)) end)())
              check(coroutine.wrap(function() return spawner:spawn("app:count", HOST, many(n)) end)())
              check(coroutine.wrap(function() return spawner:exec("app:count", HOST, many(n)) end)())
            end
            wrong[#wrong + 1] = process.exec("app:count", HOST, many(250))
            return wrong
            """,
            "[250]",
            with: ["count": "return select('#', ...)"]
        ),
        LuaCase(
            "arguments that are together larger than a message may be",
            """
            local large = ("x"):rep(9 << 20)
            return refused(process.spawn("app:echo", HOST, large, large))
            """,
            #"["nil","Invalid","argument 2: larger than 16777216 bytes"]"#,
            with: echo
        ),
        LuaCase(
            "arguments that alone take more memory than the child may have",
            """
            local spawner = process.with_options{memory_bytes = 1 << 20}
            local wide = json.array{}
            for i = 1, 200000 do wide[i] = 1 end
            return {refused(spawner:spawn("app:echo", HOST, ("x"):rep(2 << 20)))[3],
                    refused(spawner:spawn("app:echo", HOST, wide))[3],
                    (spawner:exec("app:echo", HOST, "fits"))}
            """,
            #"["arguments: larger than the process's memory limit of 1048576 bytes","arguments: larger than the process's memory limit of 1048576 bytes","fits"]"#,
            with: echo
        ),
    ]

    @Test(arguments: refusals) func `a spawn is refused`(rule: LuaCase) { rule.check() }

    static let rules = [
        LuaCase(
            "arguments come in order, nils kept",
            """
            return process.exec("app:count", HOST, 1, nil, "x", nil)
            """,
            #"[4,1,"nil","x","nil"]"#,
            with: [
                "count":
                    "local a, b, c, d = ... return {select('#', ...), a, tostring(b), c, tostring(d)}"
            ]
        ),
        LuaCase(
            "an instantly exiting child always yields its EXIT",
            """
            for i = 1, 300 do
              local pid = process.spawn_monitored("app:echo", HOST, i)
              local event = process.events():receive()
              if event.kind ~= "EXIT" or event.from ~= pid or event.result ~= i then return i end
            end
            return "all"
            """,
            #""all""#,
            with: echo
        ),
        LuaCase(
            "an instantly failing linked child always yields its LINK_DOWN",
            """
            process.set_options{trap_links = true}
            for i = 1, 300 do
              local pid = process.spawn_linked("app:fails", HOST, i)
              local event = process.events():receive()
              if event.kind ~= "LINK_DOWN" or event.from ~= pid then return i end
            end
            return "all"
            """,
            #""all""#,
            with: ["fails": "error('no ' .. (...))"]
        ),
        LuaCase(
            "monitored and linked: EXIT first",
            """
            process.set_options{trap_links = true}
            process.spawn_linked_monitored("app:fails", HOST)
            local events = process.events()
            return {events:receive().kind, events:receive().kind}
            """,
            #"["EXIT","LINK_DOWN"]"#,
            with: ["fails": "error('no')"]
        ),
        LuaCase(
            "a linked child that fails takes its parent along",
            "process.spawn_linked('app:fails', HOST) process.inbox():receive()",
            "error: linked process failed",
            with: ["fails": "error('no')"]
        ),
        LuaCase(
            "exec gives the return value",
            "return process.exec('app:echo', HOST, {1, 2})",
            "[1,2]",
            with: echo
        ),
        LuaCase(
            "exec of a process that returns nothing gives one nil",
            "local function f(...) return select('#', ...) end return f(process.exec('app:none', HOST))",
            "1",
            with: ["none": ""]
        ),
        LuaCase(
            "exec gives the error with all it carries",
            """
            local v, err = process.exec("app:fails", HOST)
            return {tostring(v), err:kind(), err:message(), err:retryable(), err:details().n,
                    err:stack():find("here", 1, true) ~= nil}
            """,
            #"["nil","Conflict","no",false,7,true]"#,
            with: [
                "fails": """
                local err = errors.new{message = "no", kind = errors.CONFLICT,
                                       retryable = false, details = {n = 7}}
                error(errors.wrap(err, "here"))
                """
            ]
        ),
        LuaCase(
            "exec works in nested coroutines and pcall",
            """
            local inner = coroutine.wrap(function()
              local ok, v = pcall(function()
                local co = coroutine.create(function() return process.exec("app:echo", HOST, 5) end)
                return select(2, coroutine.resume(co))
              end)
              coroutine.yield(v)
              coroutine.yield(process.exec("app:echo", HOST, 6))
            end)
            return {inner(), inner()}
            """,
            "[5,6]",
            with: echo
        ),
        LuaCase(
            "exec of a process that is terminated",
            """
            coroutine.spawn(function()
              repeat local pid = process.registry.lookup("victim") coroutine.yield() until pid
              process.terminate("victim")
            end)
            return refused(process.exec("app:victim", HOST))
            """,
            #"["nil","Canceled","process terminated"]"#,
            with: ["victim": "process.registry.register('victim') process.inbox():receive()"]
        ),
        LuaCase(
            "two fibers wait for two execs at once",
            """
            local done = channel.new()
            coroutine.spawn(function() done:send(process.exec("app:asks", HOST, "a")) end)
            coroutine.spawn(function() done:send(process.exec("app:asks", HOST, "b")) end)
            local function known(name) return process.registry.lookup(name) end
            repeat coroutine.yield() until known("a") and known("b")
            process.send("b", "t", "B")
            local first = done:receive()
            process.send("a", "t", "A")
            return {first, (done:receive())}
            """,
            #"["B","A"]"#,
            with: [
                "asks": """
                process.registry.register((...))
                return process.inbox():receive().payload
                """
            ]
        ),
    ]

    @Test(arguments: rules) func `a rule about spawning holds`(rule: LuaCase) { rule.check() }

    static let spawners = [
        LuaCase(
            "a spawner is immutable",
            """
            local plain = process.with_context{a = 1}
            local more = plain:with_context{b = 2}
            local other = plain:with_message("t", 1):with_name("n")
            local function seen(s) return (s:exec("app:keys", HOST)) end
            return {seen(plain), seen(more), seen(plain)}
            """,
            #"["a=1,","a=1,b=2,","a=1,"]"#,
            with: [
                "keys": """
                local keys = {}
                for key, value in pairs(ctx.all()) do keys[#keys + 1] = key .. "=" .. value .. "," end
                table.sort(keys)
                return table.concat(keys)
                """
            ]
        ),
        LuaCase(
            "messages of a spawner are there first, in order",
            """
            return process.with_context{}:with_message("t", 1):with_message("u", 2, 3)
              :exec("app:two", HOST)
            """,
            #"["t",1,"u",3]"#,
            with: [
                "two": """
                local a, b = process.inbox():receive(), process.inbox():receive()
                return {a.topic, a.payload, b.topic, b.payload[2]}
                """
            ]
        ),
        LuaCase(
            "with_name registers before the first instruction",
            "return process.with_context{}:with_name('worker'):exec('app:who', HOST)",
            "true",
            with: ["who": "return process.registry.lookup('worker') == process.pid()"]
        ),
        LuaCase(
            "with_name on a taken name makes nothing: the holder gets the messages",
            """
            local s = process.with_context{}:with_name("only"):with_message("t", "x")
            local first = s:spawn("app:two", HOST, process.pid())
            local second = s:spawn("app:two", HOST, process.pid())
            local m = process.inbox():receive()
            return {first == second, m.from == first, m.payload}
            """,
            #"[true,true,"xx"]"#,
            with: [
                "two": """
                local inbox = process.inbox()
                local a, b = inbox:receive(), inbox:receive()
                process.send((...), "got", a.payload .. b.payload)
                """
            ]
        ),
        LuaCase(
            "a name that may not be",
            "return refused(process.with_context{}:with_name(''):spawn('app:echo', HOST))",
            #"["nil","Invalid","a name may not be empty"]"#,
            with: echo
        ),
        LuaCase(
            "with_message refuses system topics and what can't be sent",
            """
            local s = process.with_context{}
            return {refused(s:with_message("@x", 1))[3], refused(s:with_message("t", print))[3]}
            """,
            #"["cannot send to @ topics","payload: cannot send a function"]"#
        ),
        LuaCase(
            "with_message takes a topic byte for byte",
            """
            local s = process.with_context{}:with_message("\\xff", 1):with_message("e\\u{301}", 2)
            local mark, err = s:with_message("@\\u{301}x", 3)
            local first, second = s:exec("app:two", HOST):match("(.*) (.*)")
            return {first == "\\xff", second == "e\\u{301}", mark == nil, tostring(err)}
            """,
            #"[true,true,true,"cannot send to @ topics"]"#,
            with: [
                "two": """
                local inbox = process.inbox()
                return inbox:receive().topic .. " " .. inbox:receive().topic
                """
            ]
        ),
        LuaCase(
            "options limit the child",
            "return refused(process.with_options{memory_bytes = 300000}:exec('app:eats', HOST))",
            #"["nil","RateLimited","memory limit exceeded"]"#,
            with: ["eats": "local t = {} while true do t[#t + 1] = {} end"]
        ),
        LuaCase(
            "options that are unknown or wrong",
            """
            return {refused(process.with_options{color = 1})[3],
                    refused(process.with_options{memory_bytes = -1})[3],
                    refused(process.with_options{cpu_ms = "x"})[3]}
            """,
            #"["option color is not supported","option memory_bytes must be a non-negative integer","option cpu_ms must be a non-negative integer"]"#
        ),
        LuaCase(
            "a script can't give its child more than the host gives",
            """
            local pid = process.with_options{memory_bytes = 1 << 40}:spawn("app:waiter", HOST)
            return type(pid)
            """,
            #""string""#,
            with: waiter
        ),
        LuaCase(
            "methods want a spawner",
            "return raised(function() process.with_context{}.spawn(1, 'app:echo', HOST) end)",
            #""bad argument #1 to 'spawn' (spawner expected, got number)""#
        ),
    ]

    @Test(arguments: spawners) func `a rule about spawners holds`(rule: LuaCase) { rule.check() }

    @Test func `a source that does not compile makes the spawn fail, naming the line`() {
        let harness = LuaHarness([
            SourceEntry(
                id: "app:main",
                source: LuaCase.source("return refused(process.spawn('app:bad', HOST))")
            ),
            SourceEntry(id: "app:bad", source: "local x = 1\nlocal = 2"),
        ])
        let expected = #"["nil","Invalid","app:bad:2: <name> expected near '='"]"#
        #expect(harness.run() == expected)
    }

    @Test func `a spawn from outside is held to the same arguments`() throws {
        let harness = LuaHarness(["main": "return function(...) return select('#', ...) end"])
        func fault(_ arguments: [Payload]) -> LuaEngine.SpawnFault? {
            do {
                _ = try harness.spawn("app:main", arguments)
                return nil
            } catch {
                return error as? LuaEngine.SpawnFault
            }
        }
        let large = Payload(String(repeating: "x", count: 9 << 20))
        #expect(fault(Array(repeating: .nothing, count: 250)) == nil)
        #expect(
            fault(Array(repeating: .nothing, count: 251))
                == .badArguments("a spawn takes at most 250 arguments, not 251")
        )
        #expect(
            fault([large, large])
                == .badArguments("arguments: larger than 16777216 bytes together")
        )
    }

    @Test func `bytecode is refused`() {
        let harness = LuaHarness([SourceEntry(id: "app:main", source: "\u{1B}LuaT")])
        #expect(throws: LuaEngine.SpawnFault.self) { try harness.spawn("app:main") }
    }

    @Test func `a library can't be spawned`() {
        let harness = LuaHarness([
            SourceEntry(
                id: "app:main",
                source: LuaCase.source("return refused(process.spawn('app:lib', HOST))")
            ),
            SourceEntry(id: "app:lib", isLibrary: true, source: "return {}"),
        ])
        #expect(harness.run() == #"["nil","Invalid","entry app:lib is not a process"]"#)
    }

    @Test func `a full host refuses, and has room again after an exit`() {
        let body = """
            local a = process.spawn_monitored("app:waiter", HOST)
            local v, err = process.spawn("app:waiter", HOST)
            process.send(a, "t", 1)
            process.events():receive()
            local b = process.spawn("app:waiter", HOST)
            return {tostring(v), err:kind(), err:message(), b ~= nil}
            """
        let harness = LuaHarness(LuaCase.entries(body, Self.waiter), processesMax: 2)
        #expect(
            harness.run()
                == #"["nil","RateLimited","max processes limit exceeded on host app:processes",true]"#
        )
    }

    @Test func `a draining server makes no processes`() throws {
        let body = """
            process.inbox():receive()
            return refused(process.spawn("app:nothing", HOST))
            """
        let harness = LuaHarness(LuaCase.entries(body))
        let pid = try harness.spawn("app:main")
        harness.runtime.beginDraining()
        try harness.runtime.send(Signal(topic: "t", payload: .nothing, from: nil), to: pid)
        let result = harness.exit(of: pid).map(harness.describe)
        #expect(result == #"["nil","Unavailable","shutting down"]"#)
    }

    @Test func `a plain child outlives its parent`() throws {
        let body = "return process.spawn('app:waiter', HOST)"
        let harness = LuaHarness(LuaCase.entries(body, Self.waiter))
        let parent = try harness.spawn("app:main")
        let record = try #require(harness.exit(of: parent))
        guard case .normal(let result) = record.reason, let text = result.text,
            let child = harness.runtime.pids.parse(text)
        else {
            Issue.record("no child: \(record.reason)")
            return
        }
        #expect(harness.runtime.isAlive(child))
        try harness.runtime.send(Signal(topic: "t", payload: Payload("bye"), from: nil), to: child)
        #expect(harness.exit(of: child).map(harness.describe) == #""bye""#)
    }
}
