import Testing

/// SEMANTICS 7: `coroutine.*` as in the manual (section 6.2), and blocking inside coroutines.
@Suite struct CoroutineTests {
    static let manual = [
        LuaCase(
            "values go in and out",
            """
            local co = coroutine.create(function(a, b)
              local c = coroutine.yield(a + b)
              local d, e = coroutine.yield(c * 2)
              return d + e
            end)
            local log = {}
            for _, args in ipairs{{1, 2}, {10}, {3, 4}, {}} do
              local r = {coroutine.resume(co, table.unpack(args))}
              log[#log + 1] = tostring(r[1]) .. ":" .. tostring(r[2])
            end
            return log
            """,
            #"["true:3","true:20","true:7","false:cannot resume dead coroutine"]"#
        ),
        LuaCase(
            "status in every state",
            """
            local log, co, outer = {}, nil, nil
            co = coroutine.create(function() log[2] = coroutine.status(co)
              coroutine.yield()
              coroutine.wrap(function() log[4] = coroutine.status(co) end)()
            end)
            log[1] = coroutine.status(co)
            coroutine.resume(co)
            log[3] = coroutine.status(co)
            coroutine.resume(co)
            log[5] = coroutine.status(co)
            return log
            """,
            #"["suspended","running","suspended","normal","dead"]"#
        ),
        LuaCase(
            "an error ends the coroutine and is resume's second value",
            """
            local co = coroutine.create(function() error({code = 7}) end)
            local ok, err = coroutine.resume(co)
            return {ok, err.code, coroutine.status(co)}
            """,
            #"[false,7,"dead"]"#
        ),
        LuaCase(
            "wrap raises errors on, with its caller's position before strings",
            """
            local f = coroutine.wrap(function() error("inner") end)
            local ok, err = pcall(function() f() end)
            return err
            """,
            #""app:main:3: app:main:2: inner""#
        ),
        LuaCase(
            "wrap raises other values as they are",
            "local t = {} return select(2, pcall(coroutine.wrap(function() error(t) end))) == t",
            "true"
        ),
        LuaCase(
            "a dead wrap says so",
            "local f = coroutine.wrap(function() end) f() return select(2, pcall(f))",
            #""cannot resume dead coroutine""#
        ),
        LuaCase(
            "a coroutine can't resume itself",
            """
            local co co = coroutine.create(function() return coroutine.resume(co) end)
            return {select(2, coroutine.resume(co)), select(3, coroutine.resume(coroutine.create(function()
              return coroutine.resume(coroutine.running()) end)))}
            """,
            #"[false,"cannot resume non-suspended coroutine"]"#
        ),
        LuaCase(
            "close of a suspended one runs its __close and answers true",
            """
            local closed
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, {__close = function() closed = true end})
              coroutine.yield()
            end)
            coroutine.resume(co)
            return {coroutine.close(co), closed, coroutine.status(co)}
            """,
            #"[true,true,"dead"]"#
        ),
        LuaCase(
            "close passes on an error of a __close",
            """
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, {__close = function() error("in close", 0) end})
              coroutine.yield()
            end)
            coroutine.resume(co)
            return {coroutine.close(co)}
            """,
            #"[false,"in close"]"#
        ),
        LuaCase(
            "close of one that failed gives its error; then true",
            """
            local co = coroutine.create(function() error("failed", 0) end)
            coroutine.resume(co)
            local a, why = coroutine.close(co)
            return {a, why, (coroutine.close(co))}
            """,
            #"[false,"failed",true]"#
        ),
        LuaCase(
            "close of what runs is an error",
            """
            local main = select(2, pcall(coroutine.close, coroutine.running()))
            local co co = coroutine.create(function()
              return coroutine.wrap(function() return select(2, pcall(coroutine.close, co)) end)()
            end)
            return {main, select(2, coroutine.resume(co))}
            """,
            #"["cannot close a running coroutine","cannot close a normal coroutine"]"#
        ),
        LuaCase(
            "wrap closes a failed coroutine's variables",
            """
            local closed
            local f = coroutine.wrap(function()
              local x <close> = setmetatable({}, {__close = function(_, e) closed = e end})
              error("why", 0)
            end)
            local ok, err = pcall(f)
            return {err, closed}
            """,
            #"["why","why"]"#
        ),
        LuaCase(
            "argument errors name what is wanted",
            """
            return {raised(function() coroutine.resume(1) end), raised(function() coroutine.create(1) end),
                    raised(function() coroutine.status() end), raised(function() coroutine.wrap({}) end)}
            """,
            #"["bad argument #1 to 'resume' (coroutine expected, got number)","bad argument #1 to 'create' (function expected, got number)","bad argument #1 to 'status' (coroutine expected, got no value)","bad argument #1 to 'wrap' (function expected, got table)"]"#
        ),
        LuaCase(
            "yield across pcall, metamethods and iterators",
            """
            local mt = {__add = function(a, b) return coroutine.yield("add") end,
                        __index = function(t, k) return coroutine.yield("index") end}
            local function it() coroutine.yield("iterator") return nil end
            local co = coroutine.wrap(function()
              local t = setmetatable({}, mt)
              local log = {}
              log[1] = t + 1
              log[2] = t.x
              for _ in it do end
              log[3] = select(2, pcall(function() return coroutine.yield("pcall") end))
              log[4] = select(2, xpcall(function() return coroutine.yield("xpcall") end, print))
              return log
            end)
            local seen = {co(), co(1), co(2), co(3), co(4)}
            return {seen, co(5)}
            """,
            #"[["add","index","iterator","pcall","xpcall"],[1,2,4,5]]"#
        ),
        LuaCase(
            "yield across a C call is an error",
            """
            local co = coroutine.create(function() table.sort({2, 1}, function() coroutine.yield() end) end)
            return {coroutine.resume(co)}
            """,
            #"[false,"attempt to yield across a C-call boundary"]"#
        ),
        LuaCase(
            "many results pass",
            """
            local t = {} for i = 1, 3000 do t[i] = i end
            local co = coroutine.wrap(function(...) coroutine.yield(...) return ... end)
            local function n(...) return select("#", ...) end
            return {n(co(table.unpack(t))), n(co())}
            """,
            "[3000,3000]"
        ),
        LuaCase(
            "coroutines inside coroutines, a hundred deep",
            """
            local function nest(n)
              if n == 0 then coroutine.yield("bottom") return 0 end
              local co = coroutine.wrap(nest)
              coroutine.yield(co(n - 1))
              return co() + 1
            end
            local co = coroutine.wrap(nest)
            return {co(100), co()}
            """,
            #"["bottom",100]"#
        ),
        LuaCase(
            "recursion of wraps ends in an error",
            """
            local function r() return coroutine.wrap(r)() end
            local ok, err = pcall(r)
            return {ok, err:find("C stack overflow", 1, true) ~= nil}
            """,
            "[false,true]"
        ),
        LuaCase(
            "recursion of resumes ends in an error",
            """
            local function r() return coroutine.resume(coroutine.create(r)) end
            local last
            local t = table.pack(r())
            return {t[1], tostring(t[t.n]):find("C stack overflow", 1, true) ~= nil}
            """,
            "[true,true]"
        ),
        LuaCase(
            "isyieldable",
            """
            local inner
            table.sort({1, 2}, function() inner = coroutine.isyieldable() end)
            return {coroutine.isyieldable(), inner, coroutine.wrap(coroutine.isyieldable)()}
            """,
            "[true,false,true]"
        ),
    ]

    @Test(arguments: manual) func `coroutines do what the manual says`(rule: LuaCase) {
        rule.check()
    }

    static let blocking = [
        LuaCase(
            "a blocking call in a coroutine suspends the fiber, not the coroutine",
            """
            local ch, log = channel.new(), {}
            local co = coroutine.wrap(function()
              local v = ch:receive()
              log[#log + 1] = "in " .. v
              coroutine.yield("mine")
            end)
            coroutine.spawn(function() log[#log + 1] = "other" ch:send("x") end)
            local mine = co()
            log[#log + 1] = mine
            return log
            """,
            #"["other","in x","mine"]"#
        ),
        LuaCase(
            "blocking five coroutines deep, through pcall at each",
            """
            local ch = channel.new()
            local function deep(n)
              if n == 0 then return (ch:receive()) end
              local ok, v = pcall(function()
                return select(2, coroutine.resume(coroutine.create(function() return deep(n - 1) end)))
              end)
              return v
            end
            coroutine.spawn(function() coroutine.yield() ch:send("up") end)
            return deep(5)
            """,
            #""up""#
        ),
        LuaCase(
            "a generator that blocks between its values",
            """
            local ch = process.listen("n")
            local g = coroutine.wrap(function()
              for i = 1, 3 do process.send(process.pid(), "n", i) coroutine.yield((ch:receive())) end
              return "end"
            end)
            return {g(), g(), g(), g()}
            """,
            #"[1,2,3,"end"]"#
        ),
        LuaCase(
            "blocking in a metamethod",
            """
            local ch = channel.new()
            coroutine.spawn(function() ch:send(5) end)
            local t = setmetatable({}, {__index = function() return (ch:receive()) end})
            return t.anything
            """,
            "5"
        ),
        LuaCase(
            "blocking in a sort's comparator is an error",
            """
            local ch = channel.new()
            local ok, err = pcall(table.sort, {2, 1, 3}, function() ch:receive() end)
            return err:match("attempt to yield across a C%-call boundary")
            """,
            #""attempt to yield across a C-call boundary""#
        ),
        LuaCase(
            "blocking in a gsub's function is an error",
            """
            local ok, err = pcall(string.gsub, "x", "x", function() process.exec("app:x", HOST) end)
            return err:match("attempt to yield across a C%-call boundary")
            """,
            #""attempt to yield across a C-call boundary""#
        ),
        LuaCase(
            "after a refused block the channel works on",
            """
            local ch = channel.new()
            pcall(table.sort, {2, 1}, function() ch:receive() end)
            pcall(table.sort, {2, 1}, function() ch:send(1) end)
            pcall(table.sort, {2, 1}, function() channel.select{ch:case_receive()} end)
            coroutine.spawn(function() ch:send("fine") end)
            return (ch:receive())
            """,
            #""fine""#
        ),
        LuaCase(
            "what is ready needs no block, even in a comparator",
            """
            local ch = channel.new(1)
            ch:send("v")
            local got
            table.sort({2, 1}, function() got = got or (ch:receive()) return false end)
            return got
            """,
            #""v""#
        ),
        LuaCase(
            "nested closes are bounded",
            """
            local co
            for i = 1, 3000 do
              local previous = co
              co = coroutine.create(function()
                local x <close> = setmetatable({}, {__close = function()
                  if previous then assert(coroutine.close(previous)) end
                end})
                coroutine.yield()
              end)
              coroutine.resume(co)
            end
            local ok, err = coroutine.close(co)
            return {ok, tostring(err):find("nested more than 100 deep", 1, true) ~= nil}
            """,
            "[false,true]"
        ),
    ]

    @Test(arguments: blocking) func `blocking works inside coroutines`(rule: LuaCase) {
        rule.check()
    }
}
