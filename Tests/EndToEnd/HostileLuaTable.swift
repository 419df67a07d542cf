// The hostile scripts of the list of 86, as programs of one app.

import Testing

/// One script, and how it may end.
struct HostileLuaRow: CustomTestStringConvertible, Sendable {
    var number: Int
    /// The entry's name: a row may have several programs.
    var name: String
    var program: String
    /// Words of the error's message, or of `ok RESULT`; one of them must be there.
    var ends: [String]
    var processorMilliseconds = 300

    var testDescription: String { "\(name) -> \(ends)" }
}

enum HostileLuaTable {
    private static let cpu = "cpu limit exceeded"
    private static let memory = "memory limit exceeded"
    private static let stack = "stack overflow"

    /// A row whose main has this body.
    private static func row(
        _ number: Int,
        part suffix: String = "",
        _ body: String,
        _ ends: String...,
        cpu milliseconds: Int = 300
    ) -> HostileLuaRow {
        HostileLuaRow(
            number: number,
            name: "r\(number)\(suffix)",
            program: "return { main = function(...)\n\(body)\nend }\n",
            ends: ends,
            processorMilliseconds: milliseconds
        )
    }

    static let rows: [HostileLuaRow] = loops + native + stacks + sandbox + messages + results

    /// Rows that are no program of an app.
    static let elsewhere: [Int: String] = [
        26: "`load` is absent; as an entry's source: sources that are no programs",
        27: "`load` is absent; as an entry's source: sources that are no programs",
        47: "`load` is absent; as an entry's source: sources that are no programs",
        53: "`load` is absent; as an entry's source: sources that are no programs",
        58: "what scripts are shown is no address of the server",
        64: "a fork bomb fills its host and no more",
    ]

    private static let loops = [
        row(1, "while true do end", cpu),
        row(2, "::a:: goto a", cpu),
        row(3, "for i=1,math.maxinteger do end", cpu),
        row(4, "for i=1.0,math.huge do end", cpu),
        row(5, "local function f() return f() end f()", cpu),
        row(6, "while true do pcall(function() while true do end end) end", cpu),
        row(7, "xpcall(function() while true do end end, function() while true do end end)", cpu),
        row(
            8,
            "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
            cpu
        ),
        // The first error ends the process, and nothing of it runs after that.
        row(
            9,
            part: "a",
            "do local x <close> = setmetatable({},{__close=function() while true do end end}) "
                + "error'x' end",
            "app.test:r9a:2: x"
        ),
        row(
            9,
            part: "b",
            "pcall(function() local x <close> = setmetatable({},"
                + "{__close=function() while true do end end}) error'x' end)",
            cpu
        ),
        row(
            10,
            "setmetatable({},{__gc=function() while true do end end})",
            "__gc is not supported"
        ),
        row(
            11,
            "local t=setmetatable({},{__index=function(t,k) return t[k+1] end}) return t[1]",
            stack
        ),
        row(12, "local t={} setmetatable(t,t) t.__index=t return t.x", "'__index' chain too long"),
        row(
            13,
            """
            local g=coroutine.wrap(function()
                for i=1,3 do for k=1,1e7 do end coroutine.yield(i) end
                return 'end'
            end)
            return {g(),g(),g(),g()}
            """,
            #"ok [1, 2, 3, "end"]"#,
            cpu: 20_000
        ),
        row(
            14,
            "local t={} for i=1,4e5 do t['k'..i]=1 end for k in pairs(t) do t[k]=nil end "
                + "while true do next(t) end",
            cpu,
            memory,
            cpu: 1_500
        ),
        row(15, "local s=('x'):rep(1e6) for i=1,1e9 do local z=s..i end", cpu, memory),
    ]

    private static let native = [
        row(16, "return (''):rep(1<<60)", #"ok """#),
        row(17, "table.move({},1,1<<60,2)", cpu, memory, "too many"),
        row(18, "table.insert(setmetatable({},{__len=function() return 1<<60 end}),1,0)", cpu),
        row(19, "table.remove(setmetatable({},{__len=function() return 1<<60 end}),1)", cpu),
        row(20, "return (('a'):rep(300)):find(('.-'):rep(12)..'b')", cpu),
        row(21, "return (('a'):rep(40000)):find(('.*'):rep(3)..'b')", cpu),
        row(22, "return (('a'):rep(2e6)):find(('a'):rep(1e6)..'b',1,true)", cpu),
        row(23, "return (('x'):rep(5e6)):gsub('.', pcall)", cpu, memory, "invalid replacement"),
        row(24, "load(collectgarbage)", "attempt to call a nil value (global 'load')"),
        row(25, "load(function() return ' ' end)", "attempt to call a nil value (global 'load')"),
        row(28, "table.sort({3,2,1}, function() while true do end end)", cpu),
        row(
            29,
            "local t={} for i=1,1000 do t[i]=i end table.sort(t, function() return true end)",
            "invalid order function",
            "ok"
        ),
        row(30, "('x'):gsub('x', function() while true do end end)", cpu),
        row(31, "tostring(setmetatable({},{__tostring=function() while true do end end}))", cpu),
        row(
            32,
            "table.concat(setmetatable({},{__index=function() return '' end}),'',1,1<<60)",
            cpu,
            "invalid value"
        ),
        row(33, "while true do pcall(string.format,'%99.99f',1e308) end", cpu),
        row(34, "os.date(('%c'):rep(1e7))", "format", memory, "too"),
        row(35, "while true do collectgarbage() end", "global 'collectgarbage'"),
        row(36, "collectgarbage('stop')", "global 'collectgarbage'"),
    ]

    private static let stacks = [
        row(37, "('x'):rep(1<<40)", memory, "too large"),
        row(38, "while true do pcall(string.rep,'x',1<<30) end", memory),
        row(39, "local t={} for i=1,1e9 do t[i]={} end", memory, cpu: 5_000),
        row(40, "local s='x' while true do s=s..s end", memory),
        row(
            41,
            """
            while true do
                local t=setmetatable({},setmetatable({__newindex={}},{__mode='v'}))
                for i=1,200 do t[i]=i end
                K=(K or '')..('x'):rep(30000)
            end
            """,
            memory,
            cpu: 15_000
        ),
        row(42, "local function f() return 1+f() end f()", stack, memory, cpu: 5_000),
        row(43, "local t={} for i=1,1e7 do t[i]=coroutine.create(print) end", memory, cpu: 5_000),
        row(44, "local function r() return coroutine.wrap(r)() end r()", stack, memory, cpu: 5_000),
        row(
            45,
            """
            local last
            for i=1,1e5 do
                local previous = last
                local co = coroutine.create(function()
                    local x <close> = setmetatable({},{__close=function()
                        if previous then coroutine.close(previous) end
                    end})
                    coroutine.yield()
                end)
                coroutine.resume(co)
                last = co
            end
            return coroutine.close(last)
            """,
            memory,
            "overflow",
            "nest",
            "ok",
            cpu: 5_000
        ),
        row(46, "local function f() return (('x'):gsub('x',f)) end f()", stack),
        row(
            48,
            "local t={} for i=1,1e5 do t[string.char(i%256,i//256%256,i//65536)..('\\0'):rep(30)]=i "
                + "end return 1",
            "ok 1",
            memory,
            cpu: 5_000
        ),
        row(
            49,
            """
            return {
                pcall(string.pack, ('z'):rep(1e6), table.unpack({},1,200)),
                (pcall(string.unpack, 's8', '\\255\\255\\255\\255\\255\\255\\255\\127')),
            }
            """,
            "ok [false, false]"
        ),
        row(50, "return (pcall(utf8.codepoint, ('a'):rep(2e6), 1, -1))", "ok false"),
    ]

    private static let sandbox = [
        row(
            51,
            """
            return { tostring(os.execute), tostring(io), tostring(dofile), tostring(loadfile),
                tostring(package), (pcall(require, 'x')), (pcall(require, 'io')) }
            """,
            #"ok ["nil", "nil", "nil", "nil", "nil", false, false]"#
        ),
        row(52, "return tostring(debug)", #"ok "nil""#),
        row(54, "return getmetatable('')", "ok false"),
        row(
            55,
            """
            string.format=nil table.insert=nil
            setmetatable(_G,{__index=error,__newindex=error})
            return (pcall(process.send, process.pid(), 't', 1))
            """,
            "ok true",
            "read-only",
            "readonly"
        ),
        row(56, "process=nil channel=nil string=nil return ('x'):rep(2)", #"ok "xx""#),
        row(
            57,
            "getmetatable(process.inbox()).receive=os",
            "attempt to index a",
            "protected",
            "read-only"
        ),
        row(59, "math.randomseed(1) return math.random(1,1)", "ok 1"),
        row(60, "package.loadlib('liblua5.4.so.0','luaopen_io')", "global 'package'"),
        row(61, "local _ENV <const> = 11; X='hi'", "attempt to index a number value"),
    ]

    private static let messages = [
        row(
            62,
            "while true do local ok, e = process.send(process.pid(),'t',1) "
                + "if not ok then return tostring(e) end end",
            "mailbox full"
        ),
        row(
            63,
            """
            local victim = process.spawn('app.test:victim', 'app:processes')
            while true do
                local ok, e = process.send(victim,'t',('x'):rep(1e6))
                if not ok then process.terminate(victim) return tostring(e) end
            end
            """,
            "mailbox full",
            cpu: 3_000
        ),
        // As many timers as its memory holds, or its time.
        row(65, "for i=1,1e6 do time.after('1h') end return 1", "ok 1", memory, cpu),
        row(
            66,
            "for i=1,1e6 do local ok, e = process.registry.register('n'..i) "
                + "if not ok then return i .. ' ' .. tostring(e) end end",
            #"ok "65 "#
        ),
        row(67, "for i=1,1e6 do process.listen('t'..i) end return 1", "ok 1", memory, cpu),
        row(68, "local t={} t.t=t return process.send(process.pid(),'t',t)", "payload"),
        row(
            69,
            "local t={} for i=1,1e5 do t={t} end return process.send(process.pid(),'t',t)",
            "payload",
            cpu: 2_000
        ),
        row(
            70,
            part: "a",
            "return process.send(process.pid(),'t',print)",
            "cannot send a function"
        ),
        row(
            70,
            part: "b",
            "return process.send(process.pid(),'t',coroutine.create(print))",
            "cannot send a"
        ),
        row(70, part: "c", "return process.send(process.pid(),'t',channel.new())", "cannot send a"),
        row(
            71,
            "return process.send(process.pid(),'t',setmetatable({},{__index=error,__pairs=error,"
                + "__len=error}))",
            "ok true"
        ),
        row(72, "({})[0/0]=1", "index is NaN"),
        row(81, "return (pcall(process.link, process.pid()))", "ok"),
        row(82, "process.terminate(process.pid()) while true do end", "process terminated"),
        row(
            83,
            "return process.send(process.pid(),'@pid/events',{kind='EXIT'})",
            "cannot send to @ topics"
        ),
        row(84, part: "a", "time.sleep('-5s') return 1", "ok 1", "duration"),
        row(84, part: "b", "return time.after('1e999h')", "duration"),
        row(84, part: "c", "os.time{year=1<<40, month=1, day=1}", "out-of-bound", "out of bound"),
        row(84, part: "d", "os.date('%Y',1<<62)", "time", "date", "ok"),
        row(
            85,
            """
            local ch = channel.new(9)
            for i=1,9 do ch:send(i) end
            local t = {3,1,2}
            table.sort(t, function(a,b) ch:receive() return a<b end)
            return t
            """,
            "ok [1, 2, 3]",
            "attempt to yield across a C-call boundary"
        ),
        row(86, "while true do print(('x'):rep(1e6)) end", cpu, memory),
    ]

    private static let results = [
        row(73, part: "a", "return 0/0", "ok null", "ok missing", "NaN", "nan"),
        row(73, part: "b", "return -math.huge", "ok null", "inf"),
        row(74, part: "a", "return (1<<53)+1", "ok 9007199254740993"),
        row(74, part: "b", "return math.mininteger", #""result":-9223372036854775808,"#),
        row(75, "return '\\xff\\xfe'", #"ok ["$base64": "//4="]"#),
        row(76, "return 'a\\0b'", "ok \"a\0b\""),
        row(77, part: "a", "return {1,2,x=3}", #""result":{"1":1,"2":2,"x":3}"#),
        row(77, part: "b", "return {[1]=1,[1e6]=1}", #""result":{"1":1,"1000000":1}"#),
        row(77, part: "c", "return {[1]=1,['1']=2}", "ambiguous keys"),
        row(78, "return ('x'):rep(1e7)", "ok \"xxx", "too large"),
        row(79, "error(('x'):rep(1e7))", "xxx"),
        row(
            80,
            part: "a",
            "error(setmetatable({},{__tostring=function() while true do end end}))",
            cpu,
            "error object is a table value",
            "table"
        ),
        row(80, part: "b", "local e={} e.e=e error(e)", "table"),
    ]
}
