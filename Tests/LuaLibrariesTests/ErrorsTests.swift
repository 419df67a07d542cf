import ProcessRuntime
import Testing

/// SEMANTICS 10, errors.
@Suite struct ErrorsTests {
    static let cases = [
        LuaCase(
            "new from a string",
            "local e = errors.new('m') return {e:message(), e:kind(), tostring(e:retryable()), tostring(e:details()), type(e)}",
            #"["m","","nil","nil","userdata"]"#
        ),
        LuaCase(
            "new from a table; details stay the value they are",
            """
            local d = {1}
            local e = errors.new{message = "m", kind = errors.CONFLICT, retryable = false, details = d}
            return {e:message(), e:kind(), e:retryable(), e:details() == d}
            """,
            #"["m","Conflict",false,true]"#
        ),
        LuaCase(
            "the kinds",
            """
            local out = {}
            for _, name in ipairs{"NOT_FOUND", "ALREADY_EXISTS", "INVALID", "PERMISSION_DENIED",
                "UNAVAILABLE", "INTERNAL", "CANCELED", "CONFLICT", "TIMEOUT", "RATE_LIMITED", "UNKNOWN"} do
              out[#out + 1] = errors[name]
            end
            return table.concat(out, ",")
            """,
            #""NotFound,AlreadyExists,Invalid,PermissionDenied,Unavailable,Internal,Canceled,Conflict,Timeout,RateLimited,""#
        ),
        LuaCase(
            "wrap keeps all and shows the context in the stack",
            """
            local e = errors.new{message = "m", kind = errors.TIMEOUT, retryable = true, details = {2}}
            local w = errors.wrap(errors.wrap(e, "inner context"), "outer context")
            local s = w:stack()
            return {w:message(), w:kind(), w:retryable(), w:details()[1],
                    s:find("outer context", 1, true) < s:find("inner context", 1, true),
                    e:stack():find("context", 1, true) == nil}
            """,
            #"["m","Timeout",true,2,true,true]"#
        ),
        LuaCase(
            "wrap of a string",
            """
            local w = errors.wrap("plain", "context")
            return {w:message(), w:kind(), w:stack():find("context", 1, true) ~= nil}
            """,
            #"["plain","",true]"#
        ),
        LuaCase(
            "is",
            """
            local e = errors.new{message = "m", kind = errors.INVALID}
            return {errors.is(e, errors.INVALID), errors.is(e, errors.TIMEOUT), errors.is("m", ""),
                    errors.is(nil, errors.INVALID), errors.is(errors.new("x"), errors.UNKNOWN)}
            """,
            "[true,false,false,false,true]"
        ),
        LuaCase(
            "call_stack names the line that made it",
            "return errors.call_stack(errors.new('m')):find('app:main:2', 1, true) ~= nil",
            "true"
        ),
        LuaCase(
            "tostring and .. on either side give the message",
            """
            local e = errors.new("msg")
            return {tostring(e), "a " .. e, e .. " b", e .. e, 1 .. e, "x" .. e .. "y", e .. 2.5}
            """,
            #"["msg","a msg","msg b","msgmsg","1msg","xmsgy","msg2.5"]"#
        ),
        LuaCase(
            ".. with what is no text",
            "return select(2, pcall(function() return errors.new('m') .. {} end))",
            #""app:main:2: attempt to concatenate a table value""#
        ),
        LuaCase(
            "string functions take it as text",
            """
            local e = errors.new("Some Text")
            local words = {}
            for w in string.gmatch(e, "%a+") do words[#words + 1] = w end
            return {string.find(e, "Text"), string.match(e, "T%a+"), (string.gsub(e, "e", "E")),
                    string.sub(e, 1, 4), string.len(e), string.lower(e), string.upper(e),
                    string.rep(e, 2, "|"), string.reverse(e), string.byte(e), string.format(e),
                    string.format("%s!", e), string.format("%-10s|", e), words[2]}
            """,
            #"[6,"Text","SomE TExt","Some",9,"some text","SOME TEXT","Some Text|Some Text","txeT emoS",83,"Some Text","Some Text!","Some Text |","Text"]"#
        ),
        LuaCase(
            "string functions refuse other userdata",
            "return raised(function() string.len(channel.new()) end)",
            #""bad argument #1 to 'len' (string expected, got channel)""#
        ),
        LuaCase(
            "what can't be made",
            """
            return {raised(function() errors.new() end), raised(function() errors.new(5) end),
                    raised(function() errors.new{} end), raised(function() errors.new{message = 1} end),
                    raised(function() errors.new{message = "m", kind = 1} end),
                    raised(function() errors.new{message = "m", retryable = 1} end)}
            """,
            #"["bad argument #1 to 'new' (string or table expected, got no value)","bad argument #1 to 'new' (string or table expected, got number)","bad argument #1 to 'new' (field 'message' must be a string)","bad argument #1 to 'new' (field 'message' must be a string)","bad argument #1 to 'new' (field 'kind' must be a string)","bad argument #1 to 'new' (field 'retryable' must be a boolean)"]"#
        ),
        LuaCase(
            "methods want an error",
            "return raised(function() errors.new('x').message({}) end)",
            #""bad argument #1 to 'message' (error expected, got table)""#
        ),
        LuaCase(
            "an error object can be raised and caught as it is",
            """
            local e = errors.new("x")
            local ok, caught = pcall(error, e)
            local _, through = coroutine.resume(coroutine.create(function() error(e) end))
            return {caught == e, through == e}
            """,
            "[true,true]"
        ),
        LuaCase(
            "an error object's class is out of reach",
            """
            local e = errors.new("x")
            return {getmetatable(e), (pcall(setmetatable, e, {})), (pcall(function() e.x = 1 end))}
            """,
            "[false,false,false]"
        ),
        LuaCase(
            "details that can't be copied are left out when the error leaves the process",
            """
            local err = select(2, process.exec("app:fails", HOST))
            return {err:message(), tostring(err:details())}
            """,
            #"["m","nil"]"#,
            with: ["fails": "error(errors.new{message = 'm', details = {print}})"]
        ),
        LuaCase(
            "a message of bytes stays those bytes inside the process",
            #"""
            local e = errors.new("\xff")
            return {tostring(e) == "\xff", e .. "\xfe" == "\xff\xfe", "\xfe" .. e == "\xfe\xff"}
            """#,
            "[true,true,true]"
        ),
    ]

    @Test(arguments: cases) func `a rule about errors holds`(rule: LuaCase) { rule.check() }

    @Test func `what others keep of an error is cut, between characters`() throws {
        let harness = LuaHarness([
            "main": """
            return function()
              local e = errors.new{message = ("é"):rep(1 << 20), kind = "x" .. ("é"):rep(1 << 20)}
              for i = 1, 100 do e = errors.wrap(e, "context " .. i) end
              error(errors.wrap(e, ("line\\n"):rep(1 << 20)))
            end
            """,
            "wide": "return function() error(errors.wrap('x', ('é'):rep(1 << 20))) end",
        ])
        func error(_ entry: String) throws -> ErrorValue {
            let pid = try harness.spawn(entry)
            return try #require(harness.exit(of: pid)?.reason.error)
        }
        let many = try error("app:main")
        #expect(many.message == String(repeating: "é", count: 2_048))
        #expect(many.kind == "x" + String(repeating: "é", count: 127))
        #expect(
            many.traceback.count <= 96
                && many.traceback.prefix(64) == Array(repeating: "line", count: 64)[...]
        )
        let wide = try error("app:wide")
        #expect(wide.traceback.first == String(repeating: "é", count: 8_192))
        #expect(wide.traceback.joined().utf8.count <= 32_768)
    }
}
