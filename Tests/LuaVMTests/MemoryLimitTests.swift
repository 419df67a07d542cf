import LuaVM
import Testing

/// The memory limit: exact, final, and not in the way of those who stay below it.
@Suite struct MemoryLimitTests {
    static let bombs = [
        "local t = {} while true do t[#t + 1] = {} end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(100) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "while true do pcall(string.rep, 'x', 1 << 30) end",
        "pcall(function() local t = {} while true do t[#t + 1] = {} end end) return 'caught'",
        "xpcall(function() local t = {} while true do t[#t + 1] = {} end end, print) return 'caught'",
        "xpcall(error, function() local t = {} while true do t[#t + 1] = {} end end) return 'caught'",
        "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
        "local function f(n) return coroutine.wrap(function() local t = {} for i = 1, 1e4 do t[i] = {} end f(n + 1) return t end)() end while true do pcall(f, 1) end",
        "local t = {} table.sort({2, 1}, function() while true do t[#t + 1] = {} end end)",
        "local t = {} ('x'):gsub('x', function() while true do t[#t + 1] = {} end end)",
        "local t = {} setmetatable(t, {__index = function() while true do t[#t + 1] = {} end end}) return t.x",
        "(function(...) end)(table.unpack({}, 1, 900000))",
        "table.concat(setmetatable({}, {__index = function() return ('x'):rep(1000) end}), '', 1, 1e9)",
        "table.create(1 << 26)",
        "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
        "local t = {} while true do t[('k'):rep(20) .. #t] = 1 t[#t + 1] = 1 end",
        "string.pack(('s'):rep(100), table.unpack((function() local t = {} for i = 1, 100 do t[i] = ('x'):rep(1e6) end return t end)()))",
    ]

    @Test(arguments: bombs)
    func `over the limit the machine dies, and no script stops it`(source: String) {
        let limit = 4 << 20
        let (outcome, used) = onWorker { worker in
            let machine = LuaMachine.fresh(limit: limit)
            let fiber = machine.fiber(source)
            let outcome = machine.runThrough(fiber, on: worker).outcome
            return (outcome, machine.memoryBytes)
        }
        #expect(outcome == .died(.memory))
        #expect(used <= limit)
    }

    @Test func `a dead machine stays dead`() {
        let outcomes = onWorker { worker in
            let machine = LuaMachine.fresh(limit: 1 << 20)
            let fiber = machine.fiber("local t = {} while true do t[#t + 1] = {} end")
            let first = machine.resume(fiber, arguments: 0, on: worker)
            machine.discard()
            return first
        }
        #expect(outcomes == .died(.memory))
    }

    /// Weak tables and metatables: what breaks in an interpreter whose allocator refuses.
    static let fragile = """
        for round = 1, 40 do
          local t = setmetatable({}, setmetatable({__newindex = {}}, {__mode = "v"}))
          for i = 1, 50 do t[i] = i end
          K = (K or "") .. ("x"):rep(300)
          local co = coroutine.wrap(function(...) coroutine.yield({...}) error({}) end)
          co(1, 2, 3)
          pcall(co)
          L = setmetatable({[{}] = {}, x = L}, {__mode = "k"})
        end
        """

    @Test func `every limit is survived by the host`() {
        let (died, ended) = onWorker { worker in
            var died = 0
            var ended = 0
            for limit in stride(from: 20_000, to: 140_000, by: 61) {
                let machine = LuaMachine.fresh(limit: limit)
                let fiber = machine.fiber(Self.fragile)
                switch machine.runThrough(fiber, on: worker).outcome {
                case .died(.memory): died += 1
                case .ended: ended += 1
                default: return (-1, -1)
                }
            }
            return (died, ended)
        }
        #expect(died > 100)
        #expect(ended > 100)
    }

    /// Live data of 60 % of the limit, and garbage made in the way of `source` many times over.
    static let garbage = [
        "for i = 1, 20000 do local s = ('y'):rep(5000) .. i end",
        "for i = 1, 200000 do local t = {i, {i}} end",
        "for i = 1, 5000 do coroutine.wrap(function() return ('z'):rep(20000) .. i end)() end",
        "local co = coroutine.wrap(function() while true do coroutine.yield(('z'):rep(20000)) end end) for i = 1, 5000 do co() end",
        "for i = 1, 20 do table.sort({5, 4, 3, 2, 1}, function(a, b) local s = ('q'):rep(50000) return a < b end) end",
        "for i = 1, 2000 do local t = {} for k = 1, 100 do t['k' .. k] = k end end",
    ]

    @Test(arguments: garbage)
    func `garbage does not count against a process that stays below its limit`(source: String) {
        let outcome = onWorker { worker in
            let limit = 8 << 20
            let machine = LuaMachine.fresh(limit: limit)
            let fiber = machine.fiber(
                """
                local live = {}
                for i = 1, 50 do live[i] = ("x"):rep(100000) .. i end
                \(source)
                return #live
                """
            )
            return machine.runThrough(fiber, on: worker).outcome
        }
        #expect(outcome == .ended(results: 1))
    }
}
