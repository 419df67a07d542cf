import LuaLibraries
import Testing

/// SEMANTICS 3, modules and imports.
@Suite struct RequireTests {
    static let cases = [
        LuaCase(
            "require gives the built-in modules, the same tables as the globals",
            """
            local wrong = {}
            for _, name in ipairs{"process", "channel", "errors", "time", "json", "logger",
                                  "coroutine", "os", "ctx", "string", "table", "math", "utf8"} do
              if require(name) ~= _G[name] or _G[name] == nil then wrong[#wrong + 1] = name end
            end
            return json.array(wrong)
            """,
            "[]"
        ),
        LuaCase(
            "anything else is not found",
            "return {select(2, pcall(require, 'x')), select(2, pcall(require, 'io')), select(2, pcall(require, 'debug'))}",
            #"["module 'x' not found","module 'io' not found","module 'debug' not found"]"#
        ),
        LuaCase(
            "built-in modules are read-only",
            """
            local out = {}
            for _, name in ipairs{"process", "channel", "errors", "time", "json", "os", "ctx"} do
              local ok, err = pcall(function() _G[name].added = 1 end)
              local changed = pcall(function() local k = next({}) _G[name].new = nil end)
              out[#out + 1] = ok or changed or err:find("read-only", 1, true) == nil
            end
            for _, wrong in ipairs(out) do if wrong then return "writable" end end
            return {#out, (pcall(function() process.registry.x = 1 end)), (pcall(function() process.event.EXIT = 1 end))}
            """,
            "[7,false,false]"
        ),
        LuaCase(
            "pairs works on read-only modules",
            """
            local n, has = 0, false
            for name, value in pairs(process) do n = n + 1 if name == "send" then has = value == process.send end end
            return {n > 20, has}
            """,
            "[true,true]"
        ),
        LuaCase(
            "pairs on a module works without the global next",
            "next = nil local has for k in pairs(json) do has = true end return has",
            "true"
        ),
        LuaCase(
            "a module's metatable is out of reach",
            "return {getmetatable(process), (pcall(setmetatable, process, {}))}",
            "[false,false]"
        ),
    ]

    @Test(arguments: cases) func `a rule about modules holds`(rule: LuaCase) { rule.check() }

    /// Runs `app:main` with libraries given as id, source and imports.
    func run(
        _ source: String,
        imports: [(String, String)],
        _ libraries: [(id: String, source: String, imports: [(String, String)])]
    ) -> String {
        var entries = [
            SourceEntry(
                id: "app:main",
                source: source,
                imports: imports.map { (alias: $0.0, id: $0.1) }
            )
        ]
        for library in libraries {
            entries.append(
                SourceEntry(
                    id: library.id,
                    isLibrary: true,
                    source: library.source,
                    imports: library.imports.map { (alias: $0.0, id: $0.1) }
                )
            )
        }
        return LuaHarness(entries).run()
    }

    @Test func `an import is a global under its alias, and what require gives`() {
        let source =
            "local u = require('u') return function() return {u.x, u == _G.u, u == util} end"
        let result = run(
            source,
            imports: [("u", "lib:util")],
            [("lib:util", "return {x = 7}", [])]
        )
        #expect(result == "[7,true,false]")
    }

    @Test func `libraries import libraries, each once, and see only their own aliases`() {
        let result = run(
            """
            return function()
              return {a.name, b.name, a.base == b.base, base == nil, counter}
            end
            """,
            imports: [("a", "lib:a"), ("b", "lib:b")],
            [
                ("lib:a", "return {name = 'a', base = base}", [("base", "lib:base")]),
                ("lib:b", "return {name = 'b', base = require('x')}", [("x", "lib:base")]),
                ("lib:base", "counter = (counter or 0) + 1 return {}", []),
            ]
        )
        #expect(result == #"["a","b",true,true,1]"#)
    }

    @Test func `process and library may use one alias for different libraries`() {
        let result = run(
            "return function() return {util.who, one.util.who, require('util').who} end",
            imports: [("util", "lib:first"), ("one", "lib:one")],
            [
                ("lib:first", "return {who = 'first'}", []),
                ("lib:second", "return {who = 'second'}", []),
                (
                    "lib:one", "return {util = require('util'), again = util}",
                    [("util", "lib:second")]
                ),
            ]
        )
        #expect(result == #"["first","second","first"]"#)
    }

    @Test func `a library's alias does not leak, and calls later still see it`() {
        let result = run(
            "return function() return {lib.later(), tostring(dep), (pcall(require, 'dep'))} end",
            imports: [("lib", "lib:lib")],
            [
                (
                    "lib:lib", "return {later = function() return dep.v + require('dep').v end}",
                    [("dep", "lib:dep")]
                ),
                ("lib:dep", "return {v = 4}", []),
            ]
        )
        #expect(result == #"[8,"nil",false]"#)
    }

    @Test func `a library may block while it loads, and return nothing or false`() {
        let result = run(
            "return function() return {tostring(a), tostring(b), tostring(require('b'))} end",
            imports: [("a", "lib:a"), ("b", "lib:b")],
            [
                (
                    "lib:a",
                    "local c = channel.new() coroutine.spawn(function() c:send(1) end) c:receive()",
                    []
                ),
                ("lib:b", "return false", []),
            ]
        )
        #expect(result == #"["true","false","false"]"#)
    }

    @Test func `an import may shadow a built-in module in its process only`() {
        let result = run(
            "return function() return {json.mine, lib.encode(1)} end",
            imports: [("json", "lib:json"), ("lib", "lib:lib")],
            [
                ("lib:json", "return {mine = true}", []),
                ("lib:lib", "local encode = require('json').encode return {encode = encode}", []),
            ]
        )
        #expect(result == #"[true,"1"]"#)
    }

    @Test func `a library that fails to load is the process's error, with its own name`() {
        let result = run(
            "return function() return 1 end",
            imports: [("lib", "lib:lib")],
            [("lib:lib", "\nerror('no')", [])]
        )
        #expect(result == "error: lib:lib:2: no")
    }

    @Test func `what a library does to globals does not break the start`() {
        let result = run(
            "return function() return lib end",
            imports: [("lib", "lib:lib")],
            [
                (
                    "lib:lib",
                    "next, pairs, type, error, setmetatable, require, _G = nil return 5", []
                )
            ]
        )
        #expect(result == "5")
    }

    @Test func `a cycle of imports, a missing library and a process as one are refused`() {
        for (id, imports) in [
            ("lib:a", [("a", "lib:b")]), ("lib:none", []), ("app:main", []),
        ] as [(String, [(String, String)])] {
            let result = run(
                "return function() end",
                imports: [("x", id)],
                [
                    ("lib:a", "return 1", imports),
                    ("lib:b", "return 1", [("b", "lib:a")]),
                ]
            )
            #expect(result.hasPrefix("spawn: badSource"), "\(id): \(result)")
        }
    }
}
