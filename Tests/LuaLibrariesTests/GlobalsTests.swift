import LuaLibraries
import Testing

/// SEMANTICS 9: exactly what a script can reach, and what of it says nothing it should not.
@Suite struct GlobalsTests {
    /// Everything reachable from the globals by name, modules' functions included.
    ///
    /// `time` and `os` have tests of their own.
    static let reachable: [String: [String]] = [
        "_G": [
            "_G", "_VERSION", "assert", "channel", "coroutine", "ctx", "error", "errors",
            "getmetatable", "ipairs", "json", "logger", "math", "next", "os", "pairs", "pcall",
            "print", "process", "rawequal", "rawget", "rawlen", "rawset", "require", "select",
            "setmetatable", "string", "table", "time", "tonumber", "tostring", "type", "utf8",
            "xpcall",
        ],
        "string": [
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack",
            "packsize", "rep", "reverse", "sub", "unpack", "upper",
        ],
        "table": ["concat", "create", "insert", "move", "pack", "remove", "sort", "unpack"],
        "math": [
            "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge",
            "log", "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random",
            "randomseed", "sin", "sqrt", "tan", "tointeger", "type", "ult",
            // Debian builds Lua with the names of 5.3 that were on their way out.
            "atan2", "cosh", "frexp", "ldexp", "log10", "pow", "sinh", "tanh",
        ],
        "utf8": ["char", "charpattern", "codepoint", "codes", "len", "offset"],
        "coroutine": [
            "close", "create", "isyieldable", "resume", "running", "spawn", "status", "wrap",
            "yield",
        ],
        "process": [
            "cancel", "event", "events", "exec", "get_options", "id", "inbox", "link", "listen",
            "monitor", "pid", "registry", "send", "set_options", "spawn", "spawn_linked",
            "spawn_linked_monitored", "spawn_monitored", "terminate", "unlink", "unlisten",
            "unmonitor", "with_context", "with_options",
        ],
        "process.event": ["CANCEL", "EXIT", "LINK_DOWN"],
        "process.registry": ["lookup", "register", "unregister"],
        "channel": ["new", "select"],
        "errors": [
            "ALREADY_EXISTS", "CANCELED", "CONFLICT", "INTERNAL", "INVALID", "NOT_FOUND",
            "PERMISSION_DENIED", "RATE_LIMITED", "TIMEOUT", "UNAVAILABLE", "UNKNOWN",
            "call_stack", "is", "new", "wrap",
        ],
        "json": ["array", "decode", "encode", "null", "object"],
        "ctx": ["all", "get"],
    ]

    @Test(arguments: reachable.keys.sorted())
    func `a table holds exactly what the page says`(path: String) {
        let body = """
            local keys = {}
            for key in pairs(\(path)) do keys[#keys + 1] = tostring(key) end
            table.sort(keys)
            return table.concat(keys, ",")
            """
        let expected = (Self.reachable[path] ?? []).sorted().joined(separator: ",")
        #expect(lua(body) == "\"\(expected)\"")
    }

    @Test func `no table but the listed ones can be reached from the globals`() {
        let body = """
            local seen, found = {}, {}
            local function walk(path, value)
              if type(value) ~= "table" or seen[value] then return end
              seen[value] = true
              found[#found + 1] = path
              for key, child in pairs(value) do
                walk(path == "_G" and tostring(key) or path .. "." .. tostring(key), child)
              end
              local meta = getmetatable(value)
              if type(meta) == "table" then walk(path .. "!", meta) end
            end
            walk("_G", _G)
            table.sort(found)
            return table.concat(found, ",")
            """
        let known = Array(Self.reachable.keys) + ["os", "time"]
        #expect(lua(body) == "\"\(known.sorted().joined(separator: ","))\"")
    }

    static let cases = [
        LuaCase(
            "what is absent",
            """
            local found = {}
            for _, name in ipairs{"load", "loadstring", "loadfile", "dofile", "collectgarbage", "io",
                                  "debug", "package", "warn", "module", "unpack", "setfenv"} do
              if _G[name] ~= nil then found[#found + 1] = name end
            end
            if string.dump then found[#found + 1] = "dump" end
            for _, name in ipairs{"execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname"} do
              if os[name] ~= nil then found[#found + 1] = "os." .. name end
            end
            return json.array(found)
            """,
            "[]"
        ),
        LuaCase("the version", "return _VERSION", #""Lua 5.4""#),
        LuaCase(
            "no __gc",
            """
            local ok, err = pcall(setmetatable, {}, {__gc = print})
            local again = pcall(setmetatable, {}, {__gc = false})
            local mt = {} local t = setmetatable({}, mt) mt.__gc = print
            return {ok, err, again, pcall(setmetatable, {}, mt)}
            """,
            #"[false,"__gc is not supported",false,false,"__gc is not supported"]"#
        ),
        LuaCase(
            "the strings' metatable is closed",
            """
            return {getmetatable(""), (pcall(function() getmetatable("").__index = print end)), ("x"):upper(),
                    "10" + 5}
            """,
            #"[false,false,"X",15]"#
        ),
        LuaCase(
            "other plain values have no metatable to see",
            "return {getmetatable(1) == nil, getmetatable(nil) == nil, getmetatable(true) == nil, getmetatable(print) == nil}",
            "[true,true,true,true]"
        ),
        LuaCase(
            "userdata show no metatable",
            "return {getmetatable(channel.new()), getmetatable(logger), getmetatable(process.with_context{})}",
            "[false,false,false]"
        ),
        LuaCase(
            "tampering stays in the process, and the host's functions work on",
            """
            string.format, table.insert, string.rep, tostring, type, next, pairs = nil
            setmetatable(_G, {__index = error, __newindex = error})
            process.send(process.pid(), "t", {1, 2})
            local m = process.inbox():receive()
            local e = errors.new("x")
            return {m.payload[2], m:payload()[1], e .. "", process.exec("app:fresh", HOST)}
            """,
            #"[2,1,"x","ok"]"#,
            with: ["fresh": "return string.format('%s', tostring('ok'))"]
        ),
        LuaCase(
            "table.create",
            """
            local t = table.create(10, 5)
            return {#t, next(t) == nil, type(table.create()), raised(function() table.create(-1) end),
                    raised(function() table.create(1, -1) end), raised(function() table.create(1 << 40) end)}
            """,
            #"[0,true,"table","bad argument #1 to 'create' (out of range)","bad argument #2 to 'create' (out of range)","bad argument #1 to 'create' (out of range)"]"#
        ),
        LuaCase(
            "randomseed gives nothing away, and makes sequences come again",
            """
            local function draw() return math.random(1 << 30), math.random(1 << 30) end
            local n = select("#", math.randomseed())
            math.randomseed(7) local a, b = draw()
            math.randomseed(7) local c, d = draw()
            math.randomseed(7, 8) local e = draw()
            return {n, a == c, b == d, a == e}
            """,
            "[0,true,true,false]"
        ),
        LuaCase(
            "two processes draw different numbers",
            """
            local seen, double = {}, 0
            for i = 1, 20 do
              local v = process.exec("app:draw", HOST)
              if seen[v] then double = double + 1 end
              seen[v] = true
            end
            return double
            """,
            "0",
            with: ["draw": "return math.random(0)"]
        ),
        LuaCase(
            "a process can't see another's globals",
            """
            leak = 1
            string.leak = 1
            return process.exec("app:looks", HOST)
            """,
            "[true,true]",
            with: ["looks": "return {leak == nil, string.leak == nil}"]
        ),
        LuaCase(
            "string.rep of nothing, and of too much",
            """
            return {(""):rep(1 << 60), (""):rep(1 << 60, ""), ("x"):rep(-5),
                    select(2, pcall(string.rep, "x", 1 << 40))}
            """,
            #"["","","","resulting string too large"]"#
        ),
    ]

    @Test(arguments: cases) func `a rule about the globals holds`(rule: LuaCase) { rule.check() }

    /// Ways to have an address shown.
    static let shows = [
        "tostring({})", "tostring(print)", "tostring(coroutine.create(print))",
        "tostring(channel.new())", "string.format('%s', {})", "string.format('%p', {})",
        "string.format('%20p', print)", "tostring(json.null)", "tostring(logger)",
        "string.format('%p', 'a string')",
    ]

    @Test(arguments: shows)
    func `texts of values show no address`(expression: String) {
        // The same program in the same fresh state: with real addresses these would be alike or
        // near to each other in two processes; keyed ids are not.
        let harness = LuaHarness(LuaCase.entries("return \(expression)"))
        let texts = (0..<2).map { _ in harness.run() }
        #expect(texts[0] != texts[1])
        let digits = texts[0].split(separator: "x").last ?? ""
        #expect(digits.prefix(12).allSatisfy { $0.isHexDigit }, "\(texts[0])")
    }

    @Test func `the text of a value is the same each time, and different for different values`() {
        let body = """
            local a, b = {}, {}
            return {tostring(a) == tostring(a), tostring(a) == tostring(b),
                    string.format("%p", a) == string.format("%p", a),
                    string.format("%p", 1)}
            """
        #expect(lua(body) == #"[true,false,true,"(null)"]"#)
    }

    @Test(arguments: [
        (
            "string.format('%5s|%-5s|%d|%5.2f|%%|%q', 'a', 'b', 3, 1.5, 'q')",
            "    a|b    |3| 1.50|%|\\\"q\\\""
        ),
        ("string.format('%s %s %s', nil, true, 1.0)", "nil true 1.0"),
        ("string.format('%.2s', 'abc')", "ab"),
        (
            "string.format('%x %X %#x %o %c %e %g %a %i', 255, 255, 255, 8, 65, 1.0, 1e20, 1.0, 5)",
            "ff FF 0xff 10 A 1.000000e+00 1e+20 0x1p+0 5"
        ),
        (
            "(select(2, pcall(function() string.format('%s') end)):gsub('^%S+ ', ''))",
            "bad argument #2 to 'format' (no value)"
        ),
        (
            "(select(2, pcall(function() string.format('%d', 'x') end)):gsub('^%S+ ', ''))",
            "bad argument #2 to 'format' (number expected, got string)"
        ),
        (
            "string.format('%10s|', setmetatable({}, {__tostring = function() return 'own' end}))",
            "       own|"
        ),
    ])
    func `format does what Lua's does`(expression: String, expected: String) {
        #expect(lua("return \(expression)") == "\"\(expected)\"")
    }
}
