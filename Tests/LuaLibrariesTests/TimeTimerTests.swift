import LuaLibraries
import Posix
import ProcessRuntime
import Testing

/// Sleeping, and channels that deliver a Time.
@Suite struct TimeTimerTests {
    // MARK: sleep

    @Test func `sleepers wake in the order of their deadlines, not of their calls`() {
        let result = lua(
            """
            local order, done = {}, channel.new(3)
            for _, ms in ipairs({30, 10, 20}) do
              coroutine.spawn(function()
                time.sleep(ms .. 'ms')
                order[#order + 1] = ms
                done:send(true)
              end)
            end
            for _ = 1, 3 do done:receive() end
            return order
            """
        )
        #expect(result == "[10,20,30]")
    }

    @Test(arguments: ["'20ms'", "20000000", "2e7", "time.parse_duration('20ms')"])
    func `a sleep takes any duration, and is never too short`(duration: String) {
        let result = lua(
            """
            local before = time.now()
            local ok = time.sleep(\(duration))
            return {ok, time.now():sub(before) >= '19ms'}
            """
        )
        #expect(result == "[true,true]")
    }

    @Test(arguments: ["0", "'0'", "-5", "'-5s'"])
    func `sleeping for nothing lets the others run`(duration: String) {
        let result = lua(
            """
            local order = {}
            coroutine.spawn(function()
              for i = 1, 3 do order[#order + 1] = 'a' .. i time.sleep(\(duration)) end
            end)
            for i = 1, 3 do order[#order + 1] = 'b' .. i time.sleep(\(duration)) end
            return table.concat(order, ' ')
            """
        )
        #expect(result == #""a1 b1 a2 b2 a3 b3""#)
    }

    @Test func `a sleep works inside coroutines and pcall, and not where C is in between`() {
        let result = lua(
            """
            local co = coroutine.wrap(function()
              pcall(function() time.sleep('1ms') coroutine.yield('slept') end)
            end)
            local first = co()
            local ok, err = pcall(table.sort, {1, 2, 3}, function() time.sleep('1h') end)
            return {first, ok, (tostring(err):gsub('^.-: ', ''))}
            """
        )
        #expect(result == #"["slept",false,"attempt to yield across a C-call boundary"]"#)
    }

    // MARK: after

    @Test func `after delivers one Time and is closed then`() {
        let result = lua(
            """
            local before = time.now()
            local ch = time.after('5ms')
            local t, ok = ch:receive()
            local late, open = ch:receive()
            return {t:sub(before) >= '4ms', ok, late == nil, open, t:location() == time.localtz}
            """
        )
        #expect(result == "[true,true,true,false,true]")
    }

    @Test func `a select falls to the timeout only when nothing else comes`() {
        let result = lua(
            """
            local ch, timeout = channel.new(1), time.after('10ms')
            local r = channel.select {ch:case_receive(), timeout:case_receive()}
            local first = r.channel == timeout and r.ok
            timeout = time.after('1h')
            coroutine.spawn(function() time.sleep('2ms') ch:send('x') end)
            r = channel.select {ch:case_receive(), timeout:case_receive()}
            return {first, r.channel == ch, r.value}
            """
        )
        #expect(result == #"[true,true,"x"]"#)
    }

    @Test func `a fiber parked at a channel nobody else holds is woken`() {
        let result = lua(
            """
            local done = channel.new()
            coroutine.spawn(function()
              time.after('30ms'):receive()
              done:send('woken')
            end)
            local ticker = time.ticker('1ms')
            for i = 1, 20 do
              ticker:channel():receive()
              for j = 1, 200 do local garbage = {('x'):rep(100 + j)} end
            end
            return (done:receive())
            """
        )
        #expect(result == #""woken""#)
    }

    // MARK: Timers

    @Test func `a timer fires once, and again after each reset, on one channel`() {
        let result = lua(
            """
            local t = time.timer('2ms')
            local ch = t:channel()
            local got = {ch == t:response(), ch == t:channel()}
            got[#got + 1] = select(2, ch:receive())
            got[#got + 1] = t:reset('2ms')
            got[#got + 1] = select(2, ch:receive())
            local r = channel.select {ch:case_receive(), default = true}
            got[#got + 1] = r.default
            return got
            """
        )
        #expect(result == "[true,true,true,false,true,true]")
    }

    @Test func `a stopped timer says whether it was on, and stays silent`() {
        let result = lua(
            """
            local t = time.timer('3ms')
            local stopped, again = t:stop(), t:stop()
            time.sleep('8ms')
            local r = channel.select {t:channel():case_receive(), default = true}
            return {stopped, again, r.default}
            """
        )
        #expect(result == "[true,false,true]")
    }

    /// The timer is due, and its signal in the mailbox, while the script runs on and stops it.
    ///
    ///     script                    timekeeper
    ///     timer(1ms)
    ///     busy for 10 ms            TIMER signal sent
    ///     stop or reset
    ///     wait: the signal is read
    @Test func `a timer that fired but was not read yet can be stopped and reset`() {
        let result = lua(
            """
            local function busy()
              local began = time.now()
              while time.now():sub(began) < '10ms' do end
            end
            local t = time.timer('1ms')
            busy()
            local stopped = t:stop()
            time.sleep('2ms')
            local silent = channel.select {t:channel():case_receive(), default = true}.default
            t = time.timer('1ms')
            busy()
            local began = time.now()
            local reset = t:reset('20ms')
            local at = t:channel():receive()
            return {stopped, silent, reset, at:sub(began) >= '19ms'}
            """
        )
        #expect(result == "[true,true,true,true]")
    }

    @Test func `a Time that nobody received yet is taken back by stop and reset`() {
        let result = lua(
            """
            local t = time.timer('1ms')
            time.sleep('5ms')
            local stopped = t:stop()
            local empty = channel.select {t:channel():case_receive(), default = true}.default
            t:reset('1ms')
            time.sleep('5ms')
            local began = time.now()
            local reset = t:reset('5ms')
            local at = t:channel():receive()
            return {stopped, empty, reset, at:sub(began) >= '4ms', t:stop()}
            """
        )
        #expect(result == "[true,true,true,true,false]")
    }

    @Test func `reset moves a pending timer`() {
        let result = lua(
            """
            local t = time.timer('1h')
            local was = t:reset('2ms')
            return {was, select(2, t:channel():receive())}
            """
        )
        #expect(result == "[true,true]")
    }

    // MARK: Tickers

    @Test func `a ticker ticks at its pace until it is stopped`() {
        let result = lua(
            """
            local before = time.now()
            local t = time.ticker('4ms')
            local ch, last = t:channel(), nil
            for i = 1, 5 do last = ch:receive() end
            local took = last:sub(before)
            local stopped = t:stop()
            local r = channel.select {ch:case_receive(), time.after('15ms'):case_receive()}
            return {took >= '19ms', stopped, r.channel ~= ch, t:response() == ch}
            """
        )
        #expect(result == "[true,true,true,true]")
    }

    @Test func `of the ticks nobody reads one is kept, the first`() {
        let result = lua(
            """
            local t = time.ticker('5ms')
            local other = time.ticker('5ms')
            for _ = 1, 4 do other:channel():receive() end
            local ch = t:channel()
            local first = ch:receive()
            local r = channel.select {ch:case_receive(), default = true}
            return {other:channel():receive():sub(first) >= '10ms', r.default}
            """
        )
        #expect(result == "[true,true]")
    }

    @Test func `late turns neither shift ticks nor pile them up`() {
        func next(_ due: UInt64, _ period: UInt64, now: UInt64) -> UInt64 {
            Ticks.next(after: due, period: period, now: now)
        }
        let never = UInt64.max / 2
        #expect(next(100, 10, now: 99) == 110)
        #expect(next(100, 10, now: 100) == 110)
        #expect(next(100, 10, now: 109) == 110)
        #expect(next(100, 10, now: 110) == 120)
        #expect(next(100, 10, now: 135) == 140)
        #expect(next(100, 1, now: 135) == 136)
        #expect(next(0, .max, now: 5) == UInt64.max)
        #expect(next(1, .max, now: 5) == never)
        #expect(next(.max - 5, 10, now: .max - 5) == never)
        #expect(next(0, never + 2, now: .max) == never)
    }

    @Test func `an error's text is asked for while no sleeper wakes any more`() {
        let result = lua(
            """
            coroutine.spawn(function() time.sleep('2ms') error('woke', 0) end)
            error(setmetatable({}, {__tostring = function()
              time.sleep('10ms')
              return 'mine'
            end}))
            """
        )
        #expect(result == "error: mine")
    }

    @Test func `a ticker can be reset to another pace`() {
        let result = lua(
            """
            local t = time.ticker('1h')
            local was = t:reset('2ms')
            for i = 1, 3 do t:channel():receive() end
            t:stop()
            return {was, t:reset('1h'), t:stop()}
            """
        )
        #expect(result == "[true,false,true]")
    }

    @Test(arguments: [
        "local ch = time.ticker('1ms'):channel()",
        "local t = time.ticker('1ms') local ch = setmetatable({}, {__index = function(_, k) return function() return t:channel()[k](t:channel()) end end})",
    ])
    func `a ticker goes on while its channel or its object is held`(setup: String) {
        let result = lua(
            """
            \(setup)
            for i = 1, 30 do
              local _, ok = ch:receive()
              if not ok then return i end
              for j = 1, 200 do local garbage = {('x'):rep(100 + j)} end
            end
            return 'alive'
            """
        )
        #expect(result == #""alive""#)
    }

    @Test func `a channel that the script closed ends its ticker`() {
        let harness = LuaHarness([
            "main": """
            return function()
              local t = time.ticker('1ms')
              t:channel():close()
              time.sleep('5ms')
              local _, open = t:channel():receive()
              process.listen('hold'):receive()
            end
            """
        ])
        let pid = try? harness.spawn("app:main")
        #expect(waits { pid != nil && harness.runtime.pendingTimers == 0 })
    }

    // MARK: Abandoned timers and limits

    private func waits(_ condition: () -> Bool) -> Bool {
        let end = SystemTime.monotonicNanoseconds() + 10_000_000_000
        while SystemTime.monotonicNanoseconds() < end {
            if condition() { return true }
            _ = Parker().park(until: SystemTime.monotonicNanoseconds() + 1_000_000)
        }
        return false
    }

    @Test(arguments: ["time.after('1h')", "time.timer('1h')", "time.ticker('1h'):channel()"])
    func `abandoned timers are given back while the process lives`(make: String) throws {
        let harness = LuaHarness([
            "main": """
            return function(name)
              for i = 1, 40000 do local t = \(make) end
              process.registry.register('made')
              process.listen('end'):receive()
            end
            """
        ])
        let pid = try harness.spawn("app:main")
        #expect(waits { harness.runtime.lookup("made") == pid })
        #expect(harness.runtime.pendingTimers < 20_000)
        let bytes = try #require(harness.runtime.snapshot(pid)?.memoryBytes)
        #expect(bytes < 8 << 20)
        _ = harness.runtime.kill(pid, .terminated)
        _ = harness.exit(of: pid)
        #expect(waits { harness.runtime.pendingTimers == 0 })
    }

    @Test func `an abandoned ticker stops by itself`() throws {
        let harness = LuaHarness([
            "main": """
            return function()
              do local t = time.ticker('1ms') t:channel():receive() end
              for i = 1, 100000 do local garbage = {i} end
              process.listen('end'):receive()
            end
            """
        ])
        let pid = try harness.spawn("app:main")
        #expect(waits { harness.runtime.snapshot(pid)?.waitingFor == ["topic:end"] })
        #expect(harness.runtime.pendingTimers == 0)
    }

    @Test func `one timer reset without end leaves nothing behind`() throws {
        let harness = LuaHarness([
            "main": """
            return function()
              local t = time.timer('1h')
              for i = 1, 50000 do t:reset('1h') end
              process.listen('end'):receive()
            end
            """
        ])
        let pid = try harness.spawn("app:main")
        #expect(waits { !(harness.runtime.snapshot(pid)?.waitingFor ?? []).isEmpty })
        #expect(harness.runtime.pendingTimers == 1)
        let bytes = try #require(harness.runtime.snapshot(pid)?.memoryBytes)
        #expect(bytes < 1 << 20)
    }

    @Test func `timers beyond the limit are refused until others end`() {
        let result = lua(
            """
            local kept, n, err = {}, 0, nil
            while true do
              local t
              t, err = time.timer('1h')
              if not t then break end
              n = n + 1
              kept[n] = t
            end
            local _, sleepless = time.sleep('1ms')
            local _, none = time.after('1ms')
            kept[1]:stop()
            local moved = kept[2]:reset('2h')
            return {n, err:kind(), err:message(), sleepless:kind(), none:kind(), moved,
              time.sleep('1ms'), select(2, kept[1]:reset('1h')) == nil}
            """
        )
        #expect(
            result
                == #"[100000,"RateLimited","timers limit exceeded (100000)","RateLimited","RateLimited",true,true,true]"#
        )
    }

    // MARK: What goes wrong

    @Test(arguments: [
        "time.after(0)", "time.after('-1s')", "time.timer('0s')", "time.ticker(-1)",
        "time.timer('1h'):reset(0)", "time.ticker('1h'):reset('-5ms')",
    ])
    func `timers need a positive duration`(call: String) {
        let result = lua("local v, e = \(call) return {v == nil, e:kind(), e:message()}")
        #expect(result.hasPrefix(#"[true,"Invalid","the duration must be positive, not "#))
    }

    @Test(arguments: [
        "time.sleep", "time.after", "time.timer", "time.ticker",
        "(function(d) return time.timer('1h'):reset(d) end)",
    ])
    func `bad durations are refused everywhere`(function: String) {
        let result = lua(
            """
            local f, got = \(function), {}
            for _, bad in ipairs {1.5, 1/0, 'x', '10', ''} do
              local v, e = f(bad)
              got[#got + 1] = v == nil and e:kind()
            end
            for _, bad in ipairs {{}, true, print, time.now()} do
              got[#got + 1] = pcall(f, bad)
            end
            local v, e = f(0.5)
            got[#got + 1] = e:message() == 'durations are strings like "10ms" or integer nanoseconds'
            return got
            """
        )
        #expect(
            result
                == #"["Invalid","Invalid","Invalid","Invalid","Invalid",false,false,false,false,true]"#
        )
    }

    @Test(arguments: [
        ("time.sleep()", "bad argument #1 to 'sleep' (duration expected, got no value)"),
        ("time.after(nil)", "bad argument #1 to 'after' (duration expected, got nil)"),
        ("time.timer({})", "bad argument #1 to 'timer' (duration expected, got table)"),
        ("time.ticker()", "bad argument #1 to 'ticker' (duration expected, got no value)"),
        (
            "time.timer('1h'):reset()",
            "bad argument #1 to 'reset' (duration expected, got no value)"
        ),
        (
            "time.timer('1h').stop(time.ticker('1h'))",
            "bad argument #1 to 'stop' (timer expected, got ticker)"
        ),
        (
            "time.ticker('1h').channel(5)",
            "bad argument #1 to 'channel' (ticker expected, got number)"
        ),
        (
            "time.ticker('1h').reset(time.timer('1h'), 1)",
            "bad argument #1 to 'reset' (ticker expected, got timer)"
        ),
    ])
    func `a wrong type raises`(call: String, message: String) {
        #expect(lua("return \(call)") == "error: app:main:2: \(message)")
    }
}
