/// The adversarial catalogue of Lua scripts, as a table that any harness can run: the body of a
/// `main`, and what must become of it under a memory limit of 64 MiB.
///
/// Imports nothing, so that tests of other targets may share the file.
struct HostileScript: Sendable {
    enum Expectation: Sendable {
        /// Ends normally with this result, as JSON.
        case ok(String)
        /// Ends with an error whose message contains this.
        case error(String)
        /// Runs for ever, and ends at once when it is killed.
        case killable
        /// Ends with "memory limit exceeded", which the script can't catch.
        case memory
        /// Ends with one of the two.
        case errorOrMemory(String)
        /// There is nothing to run, for this reason.
        case absent(String)
    }

    let row: String
    let body: String
    let expectation: Expectation

    init(_ row: String, _ body: String, _ expectation: Expectation) {
        self.row = row
        self.body = body
        self.expectation = expectation
    }

    static let all = luaLoops + nativeLoops + memory + sandbox

    /// CPU burnt in Lua code.
    static let luaLoops = [
        HostileScript("1", "while true do end", .killable),
        HostileScript("2", "::a:: goto a", .killable),
        HostileScript("3", "for i=1,math.maxinteger do end", .killable),
        HostileScript("4", "for i=1.0,math.huge do end", .killable),
        HostileScript("5", "local function f() return f() end f()", .killable),
        HostileScript(
            "6",
            "while true do pcall(function() while true do end end) end",
            .killable
        ),
        HostileScript(
            "7",
            "xpcall(function() while true do end end, function() while true do end end)",
            .killable
        ),
        HostileScript(
            "7b",
            "xpcall(function() error('x') end, function() while true do end end)",
            .killable
        ),
        HostileScript(
            "8",
            """
            while true do
              coroutine.resume(coroutine.create(function() while true do end end))
            end
            """,
            .killable
        ),
        HostileScript(
            "8b",
            """
            local function nest(n)
              if n == 0 then while true do end end
              return coroutine.wrap(nest)(n - 1)
            end
            nest(50)
            """,
            .killable
        ),
        HostileScript(
            "9",
            """
            do local x <close> = setmetatable({}, {__close = function() while true do end end})
            error"x" end
            """,
            // Nothing runs after an uncaught error: no __close either.
            .error("x")
        ),
        HostileScript(
            "9a",
            """
            pcall(function()
              local x <close> = setmetatable({}, {__close = function() while true do end end})
              error"x"
            end)
            """,
            .killable
        ),
        HostileScript(
            "9b",
            """
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, {__close = function() while true do end end})
              coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)
            """,
            .killable
        ),
        HostileScript(
            "10",
            "setmetatable({}, {__gc = function() while true do end end})",
            .error("__gc is not supported")
        ),
        HostileScript(
            "11",
            "local t = setmetatable({}, {__index = function(t, k) return t[k+1] end}) return t[1]",
            .error("C stack overflow")
        ),
        HostileScript(
            "12",
            "local t = {} setmetatable(t, t) t.__index = t return t.x",
            .error("'__index' chain too long; possible loop")
        ),
        HostileScript(
            "13",
            """
            local g = coroutine.wrap(function()
              for i = 1, 3 do for k = 1, 1e7 do end coroutine.yield(i) end
              return "end"
            end)
            return {g(), g(), g(), g()}
            """,
            .ok(#"[1,2,3,"end"]"#)
        ),
        HostileScript(
            "14",
            """
            local t = {}
            for i = 1, 4e5 do t["k"..i] = 1 end
            for k in pairs(t) do t[k] = nil end
            while true do next(t) end
            """,
            .killable
        ),
        HostileScript(
            "15",
            "local s = ('x'):rep(1e7) for i=1,1e9 do local z = s..i end",
            .killable
        ),
    ]

    /// CPU burnt inside C functions, where no hook ever fires.
    static let nativeLoops = [
        HostileScript("16", "return (''):rep(1<<60)", .ok("\"\"")),
        HostileScript("17", "table.move({}, 1, 1<<60, 2)", .killable),
        HostileScript(
            "18",
            "table.insert(setmetatable({}, {__len = function() return 1<<60 end}), 1, 0)",
            .killable
        ),
        HostileScript(
            "19",
            "table.remove(setmetatable({}, {__len = function() return 1<<60 end}), 1)",
            .killable
        ),
        HostileScript("20", "(('a'):rep(300)):find(('.-'):rep(12)..'b')", .killable),
        HostileScript("21", "(('a'):rep(40000)):find(('.*'):rep(3)..'b')", .killable),
        HostileScript(
            "22",
            "while true do (('a'):rep(2e6)):find(('a'):rep(1e6)..'b', 1, true) end",
            .killable
        ),
        HostileScript("23", "while true do (('x'):rep(5e6)):gsub('.', pcall) end", .killable),
        HostileScript("24", "load(print)", .error("global 'load'")),
        HostileScript("25", "load(function() return ' ' end)", .error("global 'load'")),
        HostileScript("26", "", .absent("no load; sources are compiled when the app is loaded")),
        HostileScript("27", "", .absent("no load; sources are compiled when the app is loaded")),
        HostileScript("28", "table.sort({3,2,1}, function() while true do end end)", .killable),
        HostileScript(
            "29",
            "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end)",
            .error("invalid order function")
        ),
        HostileScript("30", "('x'):gsub('x', function() while true do end end)", .killable),
        HostileScript(
            "31",
            "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
            .killable
        ),
        HostileScript(
            "32",
            "table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, 1<<60)",
            .killable
        ),
        HostileScript(
            "33",
            "while true do pcall(string.format, '%99.99f', 1e308) end",
            .killable
        ),
        HostileScript("34", "", .absent("os.date is ours; its own tests hold its limits")),
        HostileScript("35", "while true do collectgarbage() end", .error("'collectgarbage'")),
        HostileScript("36", "collectgarbage('stop')", .error("'collectgarbage'")),
    ]

    /// Memory, the Lua stack and the C stack.
    static let memory = [
        HostileScript("37", "('x'):rep(1<<40)", .error("resulting string too large")),
        HostileScript("38", "while true do pcall(string.rep, 'x', 1<<30) end", .memory),
        // Larger than 2 GiB is an ordinary error of the library.
        HostileScript("38b", "while true do pcall(string.rep, 'x', 1<<33) end", .killable),
        HostileScript("39", "local t = {} for i = 1, 1e9 do t[i] = {} end", .memory),
        HostileScript("40", "local s = 'x' while true do s = s..s end", .memory),
        HostileScript(
            "41",
            """
            while true do
              local t = setmetatable({}, setmetatable({__newindex = {}}, {__mode = "v"}))
              for i = 1, 200 do t[i] = i end
              K = (K or "")..("x"):rep(300000)
            end
            """,
            .memory
        ),
        HostileScript(
            "42",
            "local function f() return 1 + f() end f()",
            .errorOrMemory("stack overflow")
        ),
        HostileScript(
            "43",
            "local t = {} for i = 1, 1e7 do t[i] = coroutine.create(print) end",
            .memory
        ),
        HostileScript(
            "44",
            "local function r() return coroutine.wrap(r)() end r()",
            .error("C stack overflow")
        ),
        HostileScript(
            "45",
            """
            local co
            for i = 1, 5000 do
              local previous = co
              co = coroutine.create(function()
                local x <close> = setmetatable({}, {__close = function()
                  if previous then assert(coroutine.close(previous)) end
                end})
                coroutine.yield()
              end)
              coroutine.resume(co)
            end
            assert(coroutine.close(co))
            """,
            .error("nested more than 100 deep")
        ),
        // Few closes, but each takes most of the C calls that Lua grants it anew.
        HostileScript(
            "45 deep",
            """
            local function deep(n, f)
              if n == 0 then return f() end
              return (("x"):gsub("x", function() deep(n - 1, f) end))
            end
            local co
            for i = 1, 99 do
              local previous = co
              co = coroutine.create(function()
                local x <close> = setmetatable({}, {__close = function()
                  deep(60, function() if previous then assert(coroutine.close(previous)) end end)
                end})
                coroutine.yield()
              end)
              coroutine.resume(co)
            end
            assert(coroutine.close(co))
            """,
            .error("nested too deep")
        ),
        HostileScript(
            "46",
            "local function f() return (('x'):gsub('x', f)) end f()",
            .error("C stack overflow")
        ),
        HostileScript("47", "load(('('):rep(1e5)..'1'..(')'):rep(1e5))", .error("global 'load'")),
        HostileScript(
            "48",
            """
            local t = {}
            for i = 1, 2e5 do
              t[string.char(i%256, i//256%256, i//65536)..("\\0"):rep(30)] = i
            end
            return "done"
            """,
            .ok("\"done\"")
        ),
        HostileScript(
            "49",
            "string.pack(('z'):rep(1e6), table.unpack({}, 1, 200))",
            .error("bad argument")
        ),
        HostileScript(
            "49b",
            "string.unpack('s8', '\\255\\255\\255\\255\\255\\255\\255\\127')",
            .error("data string too short")
        ),
        HostileScript(
            "50",
            "utf8.codepoint(('a'):rep(2e6), 1, -1)",
            .error("string slice too long")
        ),
    ]

    /// Ways out of the sandbox.
    static let sandbox = [
        HostileScript(
            "51",
            """
            return {os.execute == nil, io == nil, dofile == nil, loadfile == nil, package == nil,
                    (pcall(require, "x"))}
            """,
            .ok("[true,true,true,true,true,false]")
        ),
        HostileScript("52", "debug.sethook()", .error("global 'debug'")),
        HostileScript("53", "return {load == nil, string.dump == nil}", .ok("[true,true]")),
        HostileScript(
            "54",
            "getmetatable('').__index = function() return print end",
            .error("attempt to index a boolean value")
        ),
        HostileScript(
            "55",
            """
            string.format = nil table.insert = nil
            setmetatable(_G, {__index = error, __newindex = error})
            return "fine"
            """,
            .ok("\"fine\"")
        ),
        HostileScript("56", "process.send = nil", .error("read-only")),
        HostileScript("56b", "process = nil channel = nil return 'fine'", .ok("\"fine\"")),
        HostileScript(
            "57",
            "getmetatable(process.inbox()).receive = os",
            .error("attempt to index a boolean value")
        ),
        HostileScript(
            "58",
            "print({}, string.format('%p', print)) return 'fine'",
            .ok("\"fine\"")
        ),
        HostileScript("59", "math.randomseed(1) return 'fine'", .ok("\"fine\"")),
        HostileScript(
            "60",
            "package.loadlib('liblua5.4.so.0', 'luaopen_io')",
            .error("global 'package'")
        ),
        HostileScript(
            "61",
            "local _ENV <const> = 11; X = 'hi'",
            .error("attempt to index a number value")
        ),
    ]
}
