import Testing

/// SEMANTICS 10, json.
@Suite struct JSONLibraryTests {
    static let encoding = [
        LuaCase(
            "scalars",
            """
            return {json.encode(nil), json.encode(true), json.encode(5), json.encode(math.mininteger),
                    json.encode(1.0), json.encode(-2.5), json.encode("a\\"b\\n"), json.encode(json.null)}
            """,
            #"["null","true","5","-9223372036854775808","1.0","-2.5","\"a\\\"b\\n\"","null"]"#
        ),
        LuaCase(
            "tables",
            """
            return {json.encode({1, 2}), json.encode({a = 1}), json.encode({}),
                    json.encode(json.object{}), json.encode(json.array{}), json.encode({{}, {x = {}}})}
            """,
            #"["[1,2]","{\"a\":1}","[]","{}","[]","[[],{\"x\":[]}]"]"#
        ),
        LuaCase(
            "what has no JSON form names its path",
            """
            local function why(v) return refused(json.encode(v)) end
            local cycle = {} cycle.a = cycle
            local out = {}
            for i, v in ipairs{{a = {0/0}}, {math.huge}, {f = print}, cycle, {1, nil, 3}, {1, x = 2}} do
              local r = why(v)
              out[i] = r[2] == "Invalid" and r[1] == "nil"
            end
            return out
            """,
            "[true,true,true,true,true,true]"
        ),
        LuaCase(
            "the path of a NaN",
            "return refused(json.encode({a = {1, 0/0}}))[3]:find('a[2]', 1, true) ~= nil",
            "true"
        ),
        LuaCase(
            "a value is wanted",
            "return raised(function() json.encode() end)",
            #""bad argument #1 to 'encode' (value expected)""#
        ),
        LuaCase(
            "a huge tree of shared references is refused in time",
            "local t = {} for i = 1, 100 do t = {t, t} end return refused(json.encode(t))[2]",
            #""Invalid""#
        ),
    ]

    @Test(arguments: encoding) func `encoding follows the rules`(rule: LuaCase) { rule.check() }

    static let decoding = [
        LuaCase(
            "numbers keep their kind",
            """
            local v = json.decode("[1, 1.0, 9223372036854775807, -9223372036854775808, 1e2]")
            local out = {}
            for i, n in ipairs(v) do out[i] = math.type(n) end
            return {out, v[3] == math.maxinteger, v[4] == math.mininteger}
            """,
            #"[["integer","float","integer","integer","float"],true,true]"#
        ),
        LuaCase(
            "null: left out of objects, json.null in arrays",
            """
            local v = json.decode('{"a":null,"b":[null]}')
            return {v.a == nil, v.b[1] == json.null, #v.b, json.decode("null") == json.null}
            """,
            "[true,true,1,true]"
        ),
        LuaCase(
            "empty containers keep which they were, through sends too",
            """
            local v = json.decode('{"a":[],"o":{}}')
            process.send(process.pid(), "t", v)
            local p = process.inbox():receive().payload
            return {json.encode(v.a), json.encode(v.o), json.encode(p.a), json.encode(p.o)}
            """,
            #"["[]","{}","[]","{}"]"#
        ),
        LuaCase(
            "the marks of a message's payload itself survive",
            """
            process.send(process.pid(), "t", json.decode("{}"))
            local m = process.inbox():receive()
            return {json.encode(m.payload), json.encode(m:payload())}
            """,
            #"["{}","{}"]"#
        ),
        LuaCase(
            "marks through an exec's result and arguments",
            "return json.encode(process.exec('app:echo', HOST, json.object{}))",
            #""{}""#,
            with: ["echo": "return ..."]
        ),
        LuaCase(
            "decoded tables are ordinary: no metatable to see, one can be set",
            """
            local v = json.decode('{"a":[1]}')
            setmetatable(v, {__index = function() return "default" end})
            return {v.x, getmetatable(v.a) == nil, getmetatable(json.array{}) == nil}
            """,
            #"["default",true,true]"#
        ),
        LuaCase(
            "a mark's metatable can't be used to smuggle a __gc in",
            """
            local mt = getmetatable(json.decode("[]"))
            if mt then mt.__gc = function() end end
            return mt == nil
            """,
            "true"
        ),
        LuaCase(
            "faults come with a position",
            "local v, err = json.decode('{\"a\":1,}') return {tostring(v), err:kind(), err:message():find('%d') ~= nil}",
            #"["nil","Invalid",true]"#
        ),
        LuaCase(
            "a string is wanted",
            "return raised(function() json.decode({}) end)",
            #""bad argument #1 to 'decode' (string expected, got table)""#
        ),
        LuaCase(
            "array and object mark and return the same table",
            "local t = {} return {json.array(t) == t, json.object(t) == t, json.encode(t)}",
            #"[true,true,"{}"]"#
        ),
        LuaCase(
            "marking is for tables",
            "return raised(function() json.array(5) end)",
            #""bad argument #1 to 'array' (table expected, got number)""#
        ),
        LuaCase(
            "marking can't open a read-only table or a protected one",
            """
            local mine = setmetatable({}, {__metatable = "locked"})
            return {(pcall(json.array, process)), (pcall(json.object, mine)), type(process.pid())}
            """,
            #"[false,false,"string"]"#
        ),
    ]

    @Test(arguments: decoding) func `decoding follows the rules`(rule: LuaCase) { rule.check() }
}
