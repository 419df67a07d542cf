import Testing

/// `now` and friends aside, every function of `time` that computes, once with its value.
@Suite struct TimeValueTests {
    /// Zurich, a fixed zone, and two instants, for all bodies below.
    private let given = """
        local zurich = assert(time.load_location('Europe/Zurich'))
        local fixed = assert(time.fixed_zone('HERE', 3723))
        local t = time.date(2024, 2, 29, 13, 4, 5, 678901234, time.utc)
        local u = time.date(2024, 7, 1, 0, 0, 0, 0, zurich)
        local d = time.parse_duration('1h30m15.5s')

        """

    private func expect(_ expression: String, _ expected: String) {
        let result = lua(given + "return {" + expression + "}")
        #expect(result == "[\(expected)]", "\(expression)")
    }

    @Test(arguments: [
        ("tostring(t)", #""2024-02-29 13:04:05.678901234 +0000 UTC""#),
        ("tostring(u)", #""2024-07-01 00:00:00 +0200 CEST""#),
        (
            "tostring(time.date(2024, 14, -1, 25, 61, 61, -1, time.utc))",
            #""2025-01-31 02:02:00.999999999 +0000 UTC""#
        ),
        ("time.date(2020, 1, 1):location() == time.localtz", "true"),
        (
            "time.unix(86400, 5):utc():format(time.RFC3339NANO)",
            #""1970-01-02T00:00:00.000000005Z""#
        ),
        ("time.unix(-1):unix()", "-1"),
        ("time.unix(7):location() == time.localtz", "true"),
        ("time.now():location() == time.localtz", "true"),
        ("time.now():unix() >= 1.7e9", "true"),
    ])
    func `times are made`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        (
            "tostring(time.parse(time.DATE_TIME, '2024-05-06 07:08:09'))",
            #""2024-05-06 07:08:09 +0000 UTC""#
        ),
        (
            "tostring(time.parse(time.DATE_TIME, '2024-05-06 07:08:09', zurich))",
            #""2024-05-06 07:08:09 +0200 CEST""#
        ),
        (
            "tostring(time.parse(time.RFC3339, '2024-05-06T07:08:09+02:00', zurich))",
            #""2024-05-06 07:08:09 +0200 CEST""#
        ),
        (
            "tostring(time.parse(time.RFC3339, '2024-05-06T07:08:09-23:59'))",
            #""2024-05-06 07:08:09 -2359 -2359""#
        ),
        ("time.parse(time.RFC3339, '2024-05-06T07:08:09+05:45'):zone()", #""",20700"#),
        ("time.parse('Jan 2 2006 MST', 'May 6 2024 XYZ'):zone()", #""XYZ",0"#),
    ])
    func `times are read`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        ("t:format('Mon Jan _2 03:04PM 2006')", #""Thu Feb 29 01:04PM 2024""#),
        ("t:format_rfc3339()", #""2024-02-29T13:04:05Z""#),
        ("u:format_rfc3339()", #""2024-07-01T00:00:00+02:00""#),
        ("t:format_rfc3339_nano()", #""2024-02-29T13:04:05.678901234Z""#),
        ("t:unix(), t:unix_milli()", "1709211845,1709211845678"),
        ("t:unix_micro(), t:unix_nano()", "1709211845678901,1709211845678901234"),
        ("math.type(t:unix()), math.type(t:year())", #""integer","integer""#),
        ("t:date()", "2024,2,29"),
        ("t:clock()", "13,4,5"),
        ("t:year(), t:month(), t:day()", "2024,2,29"),
        ("t:hour(), t:minute(), t:second(), t:nanosecond()", "13,4,5,678901234"),
        ("t:weekday(), t:year_day()", "4,60"),
        ("t:weekday() == time.THURSDAY, u:month() == time.JULY", "true,true"),
        ("time.date(2021, 1, 3, 0, 0, 0, 0, time.utc):iso_week()", "2020,53"),
        ("t:zone()", #""UTC",0"#),
        ("u:zone()", #""CEST",7200"#),
    ])
    func `times are taken apart`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        ("tostring(t:in_location(zurich))", #""2024-02-29 14:04:05.678901234 +0100 CET""#),
        ("tostring(t:in_location(fixed))", #""2024-02-29 14:06:08.678901234 +0102 HERE""#),
        ("t:in_location(fixed):zone()", #""HERE",3723"#),
        ("t:in_location(fixed):add('1h'):location():string()", #""HERE""#),
        ("t:in_local():location() == time.localtz", "true"),
        ("u:utc():format_rfc3339()", #""2024-06-30T22:00:00Z""#),
        ("u:location():string(), tostring(u:location())", #""Europe/Zurich","Europe/Zurich""#),
        ("u:location() == zurich, u:location() == time.utc", "true,false"),
        ("t:location() == time.utc, time.utc:string()", #"true,"UTC""#),
        ("time.load_location('Europe/Zurich') == zurich", "true"),
        ("time.load_location('') == time.utc, time.load_location('UTC') == time.utc", "true,true"),
        ("time.load_location('Local') == time.localtz", "true"),
        (
            "fixed == time.fixed_zone('HERE', 3723), fixed == time.fixed_zone('HERE', 0)",
            "true,false"
        ),
        (
            "fixed == time.fixed_zone('THERE', 3723), fixed == time.utc, fixed == t",
            "false,false,false"
        ),
        ("time.fixed_zone('UTC', 0) == time.utc", "false"),
        ("time.fixed_zone('Europe/Zurich', 60) == zurich", "false"),
    ])
    func `zones are found and kept`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        ("t:add('1h'):hour(), t:add(1000):nanosecond(), t:add(d):minute()", "14,678902234,34"),
        ("t:sub('5s'):second(), t:sub(time.MINUTE):minute()", "0,3"),
        ("t:sub(math.mininteger):sub(t):nanoseconds()", "9223372036854775807"),
        ("t:sub(math.mininteger):nanosecond()", "533677042"),
        ("tostring(t:sub(t:add('-90s')))", #""1m30s""#),
        ("t:add_date(1, 0, 0):format_rfc3339()", #""2025-03-01T13:04:05Z""#),
        ("t:add_date(0, 1, 2):day()", "31"),
        ("t:truncate('1h'):clock()", "13,0,0"),
        ("t:round('1m'):clock()", "13,4,0"),
        ("t:round('10s'):clock()", "13,4,10"),
        ("t:truncate(0) == t, t:round(-5) == t", "true,true"),
    ])
    func `times are moved`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        (
            "t:after(u), t:before(u), t:equal(u), t:equal(t:in_location(zurich))",
            "false,true,false,true"
        ),
        ("t:compare(u), u:compare(t), t:compare(t)", "-1,1,0"),
        ("t == t:in_location(zurich), t ~= u, t == d, t == 5", "true,true,false,false"),
        ("t < u, t <= u, t > u, t >= u, t <= t", "true,true,false,false,true"),
        ("t:is_zero(), time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero()", "false,true"),
    ])
    func `times are compared`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        ("d:hours() * 3600, d:minutes() * 60, d:seconds()", "5415.5,5415.5,5415.5"),
        ("d:milliseconds(), d:microseconds()", "5415500,5415500000"),
        ("d:nanoseconds(), math.type(d:nanoseconds())", #"5415500000000,"integer""#),
        ("tostring(d), tostring(-d)", #""1h30m15.5s","-1h30m15.5s""#),
        ("tostring(d:round('1m')), tostring(d:truncate('1h'))", #""1h30m0s","1h0m0s""#),
        ("(-d):abs() == d, d:abs() == d", "true,true"),
        (
            "tostring(d + d), tostring(d - '30m'), tostring(1 + d)",
            #""3h0m31s","1h0m15.5s","1h30m15.500000001s""#
        ),
        ("tostring('1s' + d), tostring(d + 1.0)", #""1h30m16.5s","1h30m15.500000001s""#),
        ("d == time.parse_duration('90m15s500ms'), d == t, d ~= d", "true,false,false"),
        ("d < '2h', d <= 5, 5 < d, d > '2h'", "true,false,true,false"),
        ("time.parse_duration(1500):nanoseconds(), time.parse_duration(d) == d", "1500,true"),
        ("tostring(time.parse_duration(math.mininteger) - 1)", #""-2562047h47m16.854775808s""#),
    ])
    func `durations compute`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test(arguments: [
        ("time.NANOSECOND, time.MICROSECOND, time.MILLISECOND", "1,1000,1000000"),
        ("time.SECOND, time.MINUTE, time.HOUR", "1000000000,60000000000,3600000000000"),
        ("time.JANUARY, time.DECEMBER, time.SUNDAY, time.SATURDAY", "1,12,0,6"),
        ("time.RFC3339, time.KITCHEN", #""2006-01-02T15:04:05Z07:00","3:04PM""#),
        (
            "require('time') == time, pcall(function() time.SECOND = 2 end)",
            #"true,false,"app:main:7: this table is read-only""#
        ),
        ("getmetatable(t), getmetatable(d), getmetatable(zurich)", "false,false,false"),
        (
            "pcall(function() t.x = 1 end)",
            #"false,"app:main:7: attempt to index a time value (upvalue 't')""#
        ),
    ])
    func `constants are there, and nothing can be changed`(expression: String, expected: String) {
        expect(expression, expected)
    }

    @Test func `every constant and function is listed`() {
        let result = lua("local n = 0 for _ in pairs(time) do n = n + 1 end return n")
        #expect(result == "57")
    }

    // MARK: What goes wrong

    /// Calls that answer nil and an error of kind INVALID (or the one named).
    @Test(arguments: [
        ("t:add(1.5)", #"durations are strings like "10ms" or integer nanoseconds"#),
        ("t:add(0/0)", #"durations are strings like "10ms" or integer nanoseconds"#),
        ("t:sub(1e300)", #"durations are strings like "10ms" or integer nanoseconds"#),
        ("d:round(0.5)", #"durations are strings like "10ms" or integer nanoseconds"#),
        ("d:truncate('x')", #"time: invalid duration "x": expected a number at "x""#),
        (
            "t:truncate('1y')",
            #"time: invalid duration "1y": unknown unit "y" (use ns, us, ms, s, m or h)"#
        ),
        (
            "time.parse_duration('5')",
            #"time: invalid duration "5": a number has no unit (ns, us, ms, s, m or h)"#
        ),
        (
            "time.parse_duration('1e999h')",
            #"time: invalid duration "1e999h": unknown unit "e" (use ns, us, ms, s, m or h)"#
        ),
        ("time.parse_duration(2.5)", #"durations are strings like "10ms" or integer nanoseconds"#),
        (
            "time.date(10000, 1, 1, 0, 0, 0, 0, time.utc)",
            "time: the result is outside the years -9999 to 9999"
        ),
        ("time.unix(math.maxinteger, 1)", "time: the result is outside the years -9999 to 9999"),
        (
            "t:add_date(math.maxinteger, 0, 0)",
            "time: the result is outside the years -9999 to 9999"
        ),
        (
            "time.date(9999, 12, 31, 0, 0, 0, 0, time.utc):add('48h')",
            "time: the result is outside the years -9999 to 9999"
        ),
        (
            "time.date(1, 1, 1):unix_nano()",
            "time: only years 1678 to 2262 have a 64-bit number of nanoseconds"
        ),
        (
            "time.parse('2006', 'x')",
            #"time: cannot read "x" with layout "2006": "x" does not fit "2006""#
        ),
        (
            "time.parse(('x'):rep(1025), 'x')",
            "time: a layout and its value must not be longer than 1024 bytes"
        ),
        ("t:format(('x'):rep(1025))", "time: a layout must not be longer than 1024 bytes"),
        (
            "time.load_location('../etc/passwd')",
            #"time: "../etc/passwd" cannot be the name of a location"#
        ),
        (
            "time.load_location('/etc/localtime')",
            #"time: "/etc/localtime" cannot be the name of a location"#
        ),
        ("time.load_location('leapseconds')", #"time: the zone file of "leapseconds" is damaged"#),
        (
            "time.fixed_zone('X', 86400)",
            "time: a zone's offset must be less than 86400 seconds either way"
        ),
        (
            "time.fixed_zone(('X'):rep(65), 0)",
            "time: a zone's name must not be longer than 64 bytes"
        ),
    ])
    func `what cannot be done is an INVALID error`(call: String, message: String) {
        let result = lua(
            given
                + "local v, e = \(call) return {v == nil, e:kind(), e:message() == [==[\(message)]==] or e:message()}"
        )
        #expect(result == #"[true,"Invalid",true]"#, "\(call)")
    }

    @Test(arguments: ["Europe/Atlantis", "Europe", "Europe/Zurich/Kreis4"])
    func `an unknown location is NOT_FOUND`(name: String) {
        let result = lua(
            "local v, e = time.load_location('\(name)') return {e:kind(), e:message()}"
        )
        #expect(result == #"["NotFound","time: unknown location \"\#(name)\""]"#)
    }

    /// Calls with a wrong type raise, naming the argument.
    @Test(arguments: [
        ("time.date()", "bad argument #1 to 'date' (integer expected, got no value)"),
        ("time.date(2024)", "bad argument #2 to 'date' (integer expected, got no value)"),
        ("time.date(2024, 1)", "bad argument #3 to 'date' (integer expected, got no value)"),
        (
            "time.date(2024.5, 1, 1)",
            "bad argument #1 to 'date' (number has no integer representation)"
        ),
        ("time.date(2024, 1, 1, 'x')", "bad argument #4 to 'date' (integer expected, got string)"),
        (
            "time.date(2024, 1, 1, 0, 0, 0, 0, 'UTC')",
            "bad argument #8 to 'date' (location expected, got string)"
        ),
        ("time.date('a', {})", "bad argument #1 to 'date' (integer expected, got string)"),
        ("time.unix()", "bad argument #1 to 'unix' (integer expected, got no value)"),
        ("time.unix(1, {})", "bad argument #2 to 'unix' (integer expected, got table)"),
        ("time.parse(1, 'x')", "bad argument #1 to 'parse' (string expected, got number)"),
        ("time.parse('x')", "bad argument #2 to 'parse' (string expected, got no value)"),
        ("time.parse('x', 'x', d)", "bad argument #3 to 'parse' (location expected, got duration)"),
        (
            "time.parse_duration()",
            "bad argument #1 to 'parse_duration' (duration expected, got no value)"
        ),
        (
            "time.parse_duration({})",
            "bad argument #1 to 'parse_duration' (duration expected, got table)"
        ),
        (
            "time.load_location()",
            "bad argument #1 to 'load_location' (string expected, got no value)"
        ),
        ("time.fixed_zone()", "bad argument #1 to 'fixed_zone' (string expected, got no value)"),
        (
            "time.fixed_zone('x')",
            "bad argument #2 to 'fixed_zone' (integer expected, got no value)"
        ),
        ("t:add()", "bad argument #1 to 'add' (duration expected, got no value)"),
        ("t:add(t)", "bad argument #1 to 'add' (duration expected, got time)"),
        ("t:sub({})", "bad argument #1 to 'sub' (duration expected, got table)"),
        ("t:add_date(1, 2)", "bad argument #3 to 'add_date' (integer expected, got no value)"),
        ("t:after(5)", "bad argument #1 to 'after' (time expected, got number)"),
        ("t:compare(d)", "bad argument #1 to 'compare' (time expected, got duration)"),
        ("t:format()", "bad argument #1 to 'format' (string expected, got no value)"),
        (
            "t:in_location('UTC')",
            "bad argument #1 to 'in_location' (location expected, got string)"
        ),
        ("t:round({})", "bad argument #1 to 'round' (duration expected, got table)"),
        ("t.year(d)", "bad argument #1 to 'year' (time expected, got duration)"),
        ("t.is_zero()", "bad argument #1 to 'is_zero' (time expected, got no value)"),
        ("t.zone(1)", "bad argument #1 to 'zone' (time expected, got number)"),
        ("t.date({})", "bad argument #1 to 'date' (time expected, got table)"),
        ("d.hours(t)", "bad argument #1 to 'hours' (duration expected, got time)"),
        ("d.abs(5)", "bad argument #1 to 'abs' (duration expected, got number)"),
        ("d:round(true)", "bad argument #1 to 'round' (duration expected, got boolean)"),
        ("zurich.string(t)", "bad argument #1 to 'string' (location expected, got time)"),
        ("return d + 1.5", #"durations are strings like "10ms" or integer nanoseconds"#),
        ("return d + {}", "duration expected, got table"),
        ("return d < 'x'", #"time: invalid duration "x": expected a number at "x""#),
        ("return t < 5", "time expected, got number"),
        ("return t + 5", "attempt to perform arithmetic on a time value"),
    ])
    func `a wrong type raises`(call: String, message: String) {
        let body = call.hasPrefix("return") ? call : "return \(call)"
        let result = lua(given + body)
        #expect(result.hasPrefix("error: app:main:7: ") && result.contains(message), "\(result)")
    }

    @Test(arguments: [
        ("t", "time"), ("d", "duration"), ("zurich", "location"), ("time.timer('1h')", "timer"),
        ("time.ticker('1h')", "ticker"),
    ])
    func `objects of time cannot be sent`(value: String, name: String) {
        let result = lua(
            given
                + "local v, e = process.send(process.pid(), 'x', {a = \(value)}) return {e:kind(), e:message()}"
        )
        #expect(result == #"["Invalid","payload.a: cannot send a \#(name)"]"#)
    }
}
