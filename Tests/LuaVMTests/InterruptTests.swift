import LuaVM
import Synchronization
import Testing

/// Preemption and kill by signal, one machine on one worker.
@Suite struct InterruptTests {
    /// Programs with a result that a lost or doubled instruction would change.
    static let programs: [(source: String, result: String)] = [
        (
            "local n = 0 for i = 1, 3e6 do n = n + i end return string.format('%d', n)",
            "4500001500000"
        ),
        (
            "local g = coroutine.wrap(function() for i = 1, 3 do for k = 1, 1e6 do end coroutine.yield(i) end return 'end' end) return table.concat({g(), g(), g(), g()}, ' ')",
            "1 2 3 end"
        ),
        (
            "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return '' .. fib(27)",
            "196418"
        ),
        (
            "local function deep(n) if n == 0 then local s = 0 for i = 1, 1e6 do s = s + 1 end return s end return coroutine.wrap(deep)(n - 1) end return '' .. deep(30)",
            "1000000"
        ),
        (
            "local n = 0 for i = 1, 2e5 do local ok, v = pcall(function() n = n + 1 return n end) end return '' .. n",
            "200000"
        ),
        (
            "local n = 0 for i = 1, 2e4 do local ok, e = pcall(error, 'x') if not ok then n = n + #e end end return '' .. n",
            "20000"
        ),
        (
            "local mt = {__index = function(t, k) local s = 0 for i = 1, 100 do s = s + i end return s end} local n = 0 local t = setmetatable({}, mt) for i = 1, 1e4 do n = n + t[i] end return '' .. n",
            "50500000"
        ),
        (
            "for i = 1, 3e6 do end local t = {} for i = 1, 2e4 do t[i] = (i * 7919) % 20011 end table.sort(t, function(a, b) return a < b end) for i = 2, #t do if t[i] < t[i - 1] then return 'unsorted' end end return 'sorted'",
            "sorted"
        ),
        (
            "local s = 0 for w in ('ab '):rep(3e4):gmatch('%a+') do s = s + #w end return '' .. s",
            "60000"
        ),
        ("local t = {} for i = 1, 2e5 do t[i % 1000] = {i} end return '' .. #t", "999"),
    ]

    @Test(arguments: programs.indices)
    func `preempted at any time a program still gives its result`(index: Int) {
        let program = Self.programs[index]
        let (result, preemptions) = onWorker { worker -> (String, Int) in
            var total = 0
            let interrupter = Interrupter(worker, pauses: 2)
            defer { interrupter.stop() }
            // Short programs may end before a busy system lets the interrupter run.
            for round in 0..<2_000 where round < 3 || total == 0 {
                let machine = LuaMachine.fresh()
                let fiber = machine.fiber(program.source)
                let (outcome, preemptions) = machine.runThrough(fiber, on: worker)
                total += preemptions
                guard outcome == .ended(results: 1) else { return ("\(outcome)", total) }
                let text = fiber.string(-1) ?? "none"
                if text != program.result { return (text, total) }
            }
            return (program.result, total)
        }
        #expect(result == program.result)
        #expect(preemptions > 0)
    }

    static let endless = [
        "while true do end",
        "::a:: goto a",
        "for i = 1.0, math.huge do end",
        "local function f() return f() end f()",
        "while true do pcall(function() while true do end end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "xpcall(error, function() while true do end end)",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local function nest(n) if n == 0 then while true do end end coroutine.wrap(nest)(n - 1) end nest(100)",
        "pcall(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) error('x') end)",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "('x'):gsub('x', function() while true do end end)",
        "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
        "table.move({}, 1, 1 << 60, 2)",
        "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 0)",
        "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)",
        "(('a'):rep(300)):find(('.-'):rep(12) .. 'b')",
        "(('a'):rep(40000)):find(('.*'):rep(3) .. 'b')",
        "while true do (('a'):rep(2e5)):find(('a'):rep(1e5) .. 'b', 1, true) end",
        "while true do (('x'):rep(1e5)):gsub('.', pcall) end",
        "table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, 1 << 60)",
        "while true do pcall(string.format, '%99.99f', 1e308) end",
        "while true do local s = ('x'):rep(1e6) end",
        "local t = {} while true do t[#t + 1] = 1 if #t > 1e5 then t = {} end end",
        "while true do local t = setmetatable({}, {__mode = 'k'}) t[{}] = {} end",
        "local t = {} for i = 1, 1e5 do t['k' .. i] = 1 end for k in pairs(t) do t[k] = nil end while true do next(t) end",
    ]

    @Test(arguments: endless)
    func `a kill ends any script, and nothing of it runs afterwards`(source: String) {
        let outcome = onWorker { worker -> LuaMachine.RunOutcome in
            let machine = LuaMachine.fresh()
            let fiber = machine.fiber(source)
            let killer = Killer(machine, worker)
            var outcome = machine.resume(fiber, arguments: 0, on: worker)
            while outcome == .preempted {
                outcome = machine.resume(fiber, arguments: 0, on: worker)
            }
            killer.join()
            machine.discard()
            return outcome
        }
        #expect(outcome == .died(.killed))
    }

    @Test func `a kill before the first run runs nothing`() {
        let outcome = onWorker { worker -> LuaMachine.RunOutcome in
            let machine = LuaMachine.fresh()
            let fiber = machine.fiber("return 1")
            machine.requestDeath()
            return machine.resume(fiber, arguments: 0, on: worker)
        }
        #expect(outcome == .died(.killed))
    }

    @Test func `an interrupt that comes late does nothing`() {
        let outcomes = onWorker { worker -> [LuaMachine.RunOutcome] in
            let machine = LuaMachine.fresh()
            let serial = worker.serial
            let first = machine.resume(machine.fiber("return 1"), arguments: 0, on: worker)
            // The run this names is over; the next one must not notice.
            worker.interrupt(serial + 1)
            let second = machine.resume(
                machine.fiber("for i = 1, 1e5 do end return 1"),
                arguments: 0,
                on: worker
            )
            worker.interrupt(serial)
            return [first, second]
        }
        #expect(outcomes == [.ended(results: 1), .ended(results: 1)])
    }

    @Test func `a worker runs many machines to their deaths`() {
        let killed = onWorker { worker -> Int in
            var killed = 0
            for round in 0..<400 {
                let machine = LuaMachine.fresh(limit: 16 << 20, seed: UInt64(round))
                let fiber = machine.fiber(Self.endless[round % Self.endless.count])
                let killer = Killer(machine, worker, after: round % 40)
                var outcome = machine.resume(fiber, arguments: 0, on: worker)
                while outcome == .preempted {
                    outcome = machine.resume(fiber, arguments: 0, on: worker)
                }
                killer.join()
                if outcome == .died(.killed) { killed += 1 }
                machine.discard()
            }
            return killed
        }
        #expect(killed == 400)
    }
}
