import LuaLibraries
import Payload
import Posix
import ProcessRuntime
import Testing

/// What a kill leaves behind, and who notices.
@Suite struct KillTests {
    /// Scripts that never end, in as many states as a kill can find a process in.
    static let endless = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "while true do coroutine.wrap(function() for i = 1, 1000 do end coroutine.yield() end)() end",
        "while true do local t = {} for i = 1, 100 do t[i] = {i} end end",
        "local s = '' while true do s = (s .. 'x'):sub(-1000) end",
        "while true do (('a'):rep(200)):find(('.-'):rep(6) .. 'b') end",
        "while true do local t = {} for i = 1, 200 do t[i] = -i end table.sort(t) table.concat(t, ',') end",
        "local t = {} while true do table.insert(t, 1, 0) if #t > 500 then t = {} end end",
        "while true do table.move({1, 2, 3}, 1, 3, 2) string.format('%99.99f', 1e308) end",
        "local c = channel.new(1) while true do c:send(1) c:receive() end",
        "local c = channel.new() coroutine.spawn(function() while true do c:send(1) end end) while true do c:receive() end",
        "while true do process.send(process.pid(), 't', {1, {2}}) process.inbox():receive() end",
        "while true do json.decode(json.encode{a = {1, 2, {b = 'c'}}}) end",
        "while true do pcall(error, errors.new('x')) end",
        "while true do print('x') end",
        "while true do process.exec('app:none', 'app:processes') end",
        "while true do process.spawn('app:none', 'app:processes') end",
        "while true do coroutine.spawn(function() coroutine.yield() end) coroutine.yield() end",
        "process.inbox():receive()",
        "channel.new():receive()",
        "local x <close> = setmetatable({}, {__close = function() process.send('witness', 't', 1) end}) while true do end",
    ]

    @Test(arguments: [UInt64(1), 2])
    func `a storm of kills leaves nothing`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var entries = [SourceEntry(id: "app:none", source: "return function() end")]
        for (index, body) in Self.endless.enumerated() {
            entries.append(
                SourceEntry(id: "app:\(index)", source: "return function()\n\(body)\nend")
            )
        }
        let harness = LuaHarness(entries)
        var killed = 0
        while killed < 1_000 {
            var pids: [PID] = []
            for _ in 0..<20 {
                pids.append(try harness.spawn("app:\(random.next(Self.endless.count))"))
            }
            // Some get time to run, some are killed while they are being started.
            if random.next(3) > 0 {
                harness.waitUntil {
                    pids.contains { harness.runtime.snapshot($0)?.state == "running" }
                }
            }
            for pid in pids.reversed() {
                #expect(harness.runtime.kill(pid, .terminated))
            }
            for pid in pids {
                let record = try #require(harness.exit(of: pid, within: 30), "seed \(seed)")
                #expect(record.reason == .terminated)
            }
            killed += pids.count
        }
        harness.waitUntil { harness.runtime.counts.live == 0 }
        #expect(harness.runtime.counts.spawned == harness.runtime.counts.exited)
        #expect(harness.engine.processCount(ofHost: "app:processes") == 0)
        #expect(harness.runtime.pendingTimers == 0)
    }

    @Test func `nothing of a process runs after its kill, its __close least of all`() throws {
        let closing = """
            local x <close> = setmetatable({}, {__close = function() process.send("witness", "t", 1) end})
            local co = coroutine.wrap(function()
              local y <close> = setmetatable({}, {__close = function() process.send("witness", "t", 2) end})
              while true do end
            end)
            co()
            """
        let witness = """
            process.registry.register("witness")
            local inbox = process.inbox()
            local cancel = process.events()
            local r = channel.select{inbox:case_receive(), cancel:case_receive()}
            return r.channel == cancel
            """
        let harness = LuaHarness(LuaCase.entries(witness, ["closing": closing]))
        let observer = try harness.spawn("app:main")
        harness.waitUntil { harness.runtime.lookup("witness") != nil }
        for _ in 0..<20 {
            let pid = try harness.spawn("app:closing")
            harness.waitUntil {
                (harness.runtime.snapshot(pid)?.cpuNanoseconds ?? 0) > 0
                    || harness.runtime.snapshot(pid)?.state == "running"
            }
            #expect(harness.runtime.kill(pid, .terminated))
            #expect(harness.exit(of: pid)?.reason == .terminated)
        }
        try harness.runtime.cancel(observer, reason: "", from: nil)
        #expect(harness.exit(of: observer).map(harness.describe) == "true")
    }

    @Test func `busy loops leave room for an echo pair`() throws {
        let body = """
            local pid = process.spawn("app:echo", HOST, process.pid())
            local ch = process.listen("pong")
            for i = 1, 50 do process.send(pid, "ping", i) if ch:receive() ~= i then return i end end
            return "fair"
            """
        let echo = """
            local parent = ...
            local ch = process.listen("ping")
            while true do process.send(parent, "pong", (ch:receive())) end
            """
        let harness = LuaHarness(
            LuaCase.entries(body, ["echo": echo, "busy": "while true do end"])
        )
        let busy = try (0..<8).map { _ in try harness.spawn("app:busy") }
        #expect(harness.run(within: 60) == #""fair""#)
        // Each of the loops had its turns too.
        harness.waitUntil {
            busy.allSatisfy { (harness.runtime.snapshot($0)?.cpuNanoseconds ?? 0) > 0 }
        }
        for pid in busy { harness.runtime.kill(pid, .terminated) }
        for pid in busy { #expect(harness.exit(of: pid)?.reason == .terminated) }
    }

    @Test func `the CPU limit ends a loop that pcall guards`() throws {
        var limits = ProcessLimits()
        limits.cpuNanoseconds = 50_000_000
        let harness = LuaHarness(
            LuaCase.entries("while true do pcall(function() while true do end end) end"),
            limits: limits
        )
        #expect(harness.run() == "error: cpu limit exceeded")
    }

    @Test func `the lifetime limit ends a process that waits`() throws {
        var limits = ProcessLimits()
        limits.lifetimeNanoseconds = 50_000_000
        let harness = LuaHarness(LuaCase.entries("channel.new():receive()"), limits: limits)
        #expect(harness.run() == "error: lifetime limit exceeded")
    }

    @Test(arguments: [
        "local t = {} while true do t[#t + 1] = {} end",
        "pcall(function() local t = {} while true do t[#t + 1] = {} end end) return 'caught'",
        "xpcall(function() local t = {} while true do t[#t + 1] = {} end end, function() return 1 end) return 'caught'",
        "coroutine.wrap(function() local s = 'x' while true do s = s .. s end end)()",
        "local t = {} table.sort({2, 1}, function() while true do t[#t + 1] = {} end end)",
        "local inbox = process.inbox() local t = {} while true do process.send(process.pid(), 't', ('x'):rep(1000000)) t[#t + 1] = inbox:receive() end",
        "local t = {} while true do t[#t + 1] = json.decode('[' .. ('1,'):rep(10000) .. '1]') end",
        "local t = {} while true do t[#t + 1] = channel.new(10) end",
        "while true do coroutine.spawn(function() channel.new():receive() end) end",
        "local function f() local t = setmetatable({}, {__close = function() end}) local x <close> = t return f() + 1 end f()",
    ])
    func `memory over the limit ends the process, whatever it does`(body: String) throws {
        var limits = ProcessLimits()
        limits.memoryBytes = 8 << 20
        let harness = LuaHarness(LuaCase.entries(body), limits: limits)
        #expect(harness.run(within: 60) == "error: memory limit exceeded")
    }

    @Test func `a value that comes at the end of the stack ends the process, not the server`() {
        let body = """
            local t = {} for i = 2, 128 do t = {t} end
            process.send(process.pid(), "t", t)
            local inbox = process.inbox()
            for n = 999700, 999980, 7 do
              pcall(function()
                local function fill(...) return (inbox:receive()) end
                process.send(process.pid(), "t", t)
                fill(table.unpack({}, 1, n))
              end)
            end
            return "lived"
            """
        let harness = LuaHarness(LuaCase.entries(body))
        let result = harness.run(within: 60)
        #expect(result == #""lived""# || result == "error: memory limit exceeded", "\(result)")
    }

    @Test func `a process with much garbage and little room lives`() {
        var limits = ProcessLimits()
        limits.memoryBytes = 16 << 20
        let body = """
            local live = {}
            for i = 1, 100 do live[i] = ("x"):rep(100000) .. i end
            for i = 1, 20000 do local s = ("y"):rep(10000) .. i end
            local co = coroutine.wrap(function() while true do coroutine.yield(("z"):rep(50000)) end end)
            for i = 1, 5000 do co() end
            for i = 1, 5000 do coroutine.wrap(function() return ("z"):rep(50000) .. i end)() end
            return #live
            """
        let harness = LuaHarness(LuaCase.entries(body), limits: limits)
        #expect(harness.run(within: 60) == "100")
    }
}

/// Small numbers in an order that a seed decides (xorshift).
struct SeededRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// A number from 0 up to, not including, `bound`.
    mutating func next(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }
}

extension LuaHarness {
    /// Waits until a condition holds; records an issue when it never does.
    func waitUntil(
        within seconds: Double = 20,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) {
        let deadline = SystemTime.monotonicNanoseconds() + UInt64(seconds * 1e9)
        while !condition() {
            let now = SystemTime.monotonicNanoseconds()
            if now > deadline {
                Issue.record("never came true", sourceLocation: sourceLocation)
                return
            }
            Parker().park(until: now + 200_000)
        }
    }
}
