import LuaLibraries
import Payload
import Testing

/// From a process's first instruction to its method (boot.c).
@Suite struct BootTests {
    /// The result of `app:main` with the libraries `app:lib` and `app:other` imported under these names.
    private func run(_ main: String, _ library: String = "return 1", _ other: String = "return 2")
        -> String
    {
        LuaHarness([
            SourceEntry(
                id: "app:main",
                source: main,
                imports: [("lib", "app:lib"), ("other", "app:other")]
            ),
            SourceEntry(id: "app:lib", isLibrary: true, source: library),
            SourceEntry(
                id: "app:other",
                isLibrary: true,
                source: other,
                imports: [("inner", "app:lib")]
            ),
        ]).run()
    }

    @Test func `imports are globals, and answer require`() {
        #expect(
            run(
                "return function() return {lib, other, require('lib'), require('other')} end",
                "return 'l'",
                "return inner .. require('inner') .. tostring(lib)"
            ) == #"["l","llnil","l","llnil"]"#
        )
    }

    @Test func `require beside imports finds modules, and what is not there at the caller's line`()
    {
        #expect(
            run(
                """
                return function()
                  local ok, message = pcall(function()
                    require("nowhere")
                  end)
                  return {require("json").encode({1}), message}
                end
                """
            ) == #"["[1]","app:main:3: module 'nowhere' not found"]"#
        )
    }

    @Test func `libraries, chunk and method may block`() {
        let pause = "time.sleep('1ms') "
        #expect(
            run(
                pause + "local n = lib + other return function() \(pause) return n end",
                pause + "return 40",
                pause + "return inner + 2"
            ) == "82"
        )
    }

    @Test func `a library without a value is true`() {
        #expect(
            run("return function() return {lib, other} end", "", "return false") == "[true,false]"
        )
    }

    @Test func `a module's method is looked up as any field is, and the lookup may block`() {
        let lookup =
            "function(_, name) time.sleep('1ms') return function() return name end end"
        let chain = "setmetatable({}, {__index = setmetatable({}, {__index = \(lookup)})})"
        #expect(lua(whole: "return \(chain)") == #""main""#)
        let inherited = "setmetatable({}, {__index = {main = function() return 3 end}})"
        #expect(lua(whole: "return \(inherited)") == "3")
        #expect(lua(whole: "return {}") == #"error: method "main" not found in module"#)
        #expect(lua(whole: "return 5") == #"error: method "main" not found in module"#)
        #expect(lua(whole: "") == #"error: method "main" not found in module"#)
    }

    @Test func `a module that is its own __index ends with an error, as such a field does`() {
        #expect(
            lua(whole: "local t = {} return setmetatable(t, {__index = t})")
                == "error: '__index' chain too long; possibly a loop"
        )
        let long = """
            local t = {main = function() return 4 end}
            for _ = 1, 1999 do t = setmetatable({}, {__index = t}) end
            return t
            """
        #expect(lua(whole: long) == "4")
    }

    @Test func `main gets the arguments and nothing else, and every result counts`() throws {
        let harness = LuaHarness(["main": "return function(...) return select('#', ...) end"])
        for count in [0, 1, 5, 60] {
            let pid = try harness.spawn("app:main", Array(repeating: Payload("x"), count: count))
            let record = try #require(harness.exit(of: pid))
            #expect(harness.describe(record) == "\(count)")
        }
    }

    private func lua(whole chunk: String) -> String { LuaHarness(["main": chunk]).run() }
}
