import Testing

@Suite struct OSTests {
    @Test(arguments: [
        ("os.date('!%Y-%m-%d %H:%M:%S', 0)", #""1970-01-01 00:00:00""#),
        ("os.date('!%c', 951782400)", #""Tue Feb 29 00:00:00 2000""#),
        ("os.date('!%H', '7200')", #""02""#),
        ("os.date(5, 0)", #""5""#),
        ("#os.date() >= 24", "true"),
        ("os.date('!*t', 951782400).yday", "60"),
        ("os.date('!*t', 0).isdst", "false"),
        ("os.date('!\\xFF', 0) == '\\xFF'", "true"),
        (
            "(function(t) return t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday end)(os.date('!*t', 86399))",
            "1970,1,1,23,59,59,5"
        ),
        ("math.type(os.time()), os.time() > 1.7e9", #""integer",true"#),
        ("os.time(os.date('*t', 1700000000))", "1700000000"),
        (
            "os.time{year=2024, month=1, day=2} - os.time{year=2024, month=1, day=1, hour=12}",
            "86400"
        ),
        (
            "os.time{year='2024', month=' 0x1 ', day='1e1'} == os.time{year=2024, month=1, day=10}",
            "true"
        ),
        ("os.time{year=2024, month=1.0, day=1} == os.time{year=2024, month=1, day=1}", "true"),
        ("os.difftime(5, 3), math.type(os.difftime(5, 3))", #"2.0,"float""#),
        ("math.type(os.clock()), os.clock() >= 0", #""float",true"#),
    ])
    func `os tells time as the manual says`(expression: String, expected: String) {
        #expect(lua("return {\(expression)}") == "[\(expected)]", "\(expression)")
    }

    @Test func `os_time brings the fields of its table into range`() {
        let result = lua(
            """
            local t = {year = 2024, month = 14, day = -3, hour = 25}
            local n = os.time(t)
            return {t.year, t.month, t.day, t.hour, t.min, t.sec, t.yday, t.wday, os.time(t) == n}
            """
        )
        #expect(result == "[2025,1,29,1,0,0,29,4,true]")
    }

    @Test(arguments: [
        ("os.time(5)", "bad argument #1 to 'time' (table expected, got number)"),
        ("os.time{}", "field 'year' missing in date table"),
        ("os.time{year=2024, month=1}", "field 'day' missing in date table"),
        ("os.time{year=2024, month=1.5, day=1}", "field 'month' is not an integer"),
        ("os.time{year=2024, month='x', day=1}", "field 'month' is not an integer"),
        ("os.time{year=2024, month='', day=1}", "field 'month' is not an integer"),
        ("os.time{year=1<<40, month=1, day=1}", "field 'year' is out-of-bound"),
        (
            "os.time{year=20000, month=1, day=1}",
            "time result cannot be represented in this installation"
        ),
        ("os.date('%Ez')", "bad argument #1 to 'date' (invalid conversion specifier '%Ez')"),
        ("os.date('%')", "bad argument #1 to 'date' (invalid conversion specifier '%')"),
        (
            "os.date(('x'):rep(129))",
            "bad argument #1 to 'date' (format too long (at most 128 bytes))"
        ),
        ("os.date({})", "bad argument #1 to 'date' (string expected, got table)"),
        ("os.date('%Y', {})", "bad argument #2 to 'date' (integer expected, got table)"),
        ("os.date('%Y', 1.5)", "bad argument #2 to 'date' (number has no integer representation)"),
        ("os.date('%Y', 1 << 62)", "date result cannot be represented in this installation"),
        ("os.difftime()", "bad argument #1 to 'difftime' (integer expected, got no value)"),
        ("os.difftime(1)", "bad argument #2 to 'difftime' (integer expected, got no value)"),
    ])
    func `what os cannot do raises`(call: String, message: String) {
        #expect(lua("return \(call)") == "error: app:main:2: \(message)")
    }

    @Test func `only the harmless part is there`() {
        let result = lua(
            "local n = {} for k in pairs(os) do n[#n + 1] = k end table.sort(n) return n"
        )
        #expect(result == #"["clock","date","difftime","time"]"#)
    }

    @Test func `os_clock counts running and leaves waiting out`() {
        let result = lua(
            """
            local before = os.clock()
            time.sleep('60ms')
            local slept = os.clock() - before
            local start, began = os.clock(), time.now()
            while time.now():sub(began) < '20ms' do end
            local ran = os.clock() - start
            return {slept < 0.05, ran >= 0.015, slept >= 0}
            """
        )
        #expect(result == "[true,true,true]")
    }
}
