import LuaLibraries
import Payload
import Testing

/// SEMANTICS 5, `ctx`.
@Suite struct ContextTests {
    static let show = """
        local keys = {}
        for key, value in pairs(ctx.all()) do keys[#keys + 1] = key .. "=" .. tostring(value) end
        table.sort(keys)
        return table.concat(keys, ",")
        """

    static let cases = [
        LuaCase(
            "no context: nothing there",
            "return {refused(ctx.get('k')), refused(ctx.get(''))[3], next(ctx.all()) == nil}",
            #"[["nil","NotFound","key not found: k"],"empty key",true]"#
        ),
        LuaCase(
            "an empty key is INVALID",
            "return refused(ctx.get(''))[2]",
            #""Invalid""#
        ),
        LuaCase(
            "children inherit, and merge over it",
            "return process.with_context{a = 1, b = 2}:exec('app:child', HOST)",
            #"["a=1,b=2","a=1,b=3,c=4","a=1,b=2"]"#,
            with: [
                "child": """
                local own = process.exec("app:show", HOST)
                local more = process.with_context{b = 3, c = 4}:exec("app:show", HOST)
                return {own, more, (process.exec("app:show", HOST))}
                """,
                "show": show,
            ]
        ),
        LuaCase(
            "falsy values are there",
            "return process.with_context{no = false}:exec('app:child', HOST)",
            "[false,true]",
            with: ["child": "local v, err = ctx.get('no') return {v, err == nil}"]
        ),
        LuaCase(
            "what ctx.all gives is a copy",
            "return process.with_context{a = 1}:exec('app:child', HOST)",
            "1",
            with: ["child": "ctx.all().a = 2 return (ctx.get('a'))"]
        ),
        LuaCase(
            "context that can't be copied",
            "return refused(process.with_context{f = print}:spawn('app:main', HOST))",
            #"["nil","Invalid","context.f: cannot send a function"]"#
        ),
        LuaCase(
            "the context given is taken at the call",
            """
            local t = {a = 1}
            local s = process.with_context(t)
            t.a = 2
            return s:exec("app:show", HOST)
            """,
            #""a=1""#,
            with: ["show": show]
        ),
        LuaCase(
            "context has to be a table",
            "return raised(function() process.with_context(1) end)",
            #""bad argument #1 to 'with_context' (table expected, got number)""#
        ),
    ]

    @Test(arguments: cases) func `a rule about context holds`(rule: LuaCase) { rule.check() }
}
