/// Programs that change all that a Lua state has, at random, and return a digest of what they saw.
///
/// The same seeds give the same digest: no address, no order of `pairs` and no clock gets into it.
enum ForkMutations {
    /// A chunk whose constants and functions depend on `number`: main takes a seed and a count of
    /// steps, and lets others run now and then.
    static func program(_ number: UInt64) -> String {
        var random = Sequence(state: number)
        let literals = (0..<random.below(60) + 5).map { _ in literal(&random) }
        let functions = (0..<random.below(12) + 2).map { index in
            "function(x) local y = x * \(random.below(1_000)) + \(index) "
                + "return function() y = y + 1 return (y % 65521) + #\"\(text(&random))\" end end"
        }
        return """
            local literals = { \(literals.joined(separator: ", ")) }
            local makers = { \(functions.joined(separator: ", ")) }
            \(operations)
            """
    }

    private struct Sequence {
        var state: UInt64
        mutating func below(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
    }

    private static func text(_ random: inout Sequence) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz %d0123456789")
        return String(
            (0..<random.below(90)).map { _ in letters[Int(random.below(UInt64(letters.count)))] }
        )
    }

    private static func literal(_ random: inout Sequence) -> String {
        switch random.below(5) {
        case 0: "\(Int64(bitPattern: random.state))"
        case 1: "\(Double(random.below(1 << 30)) / 7)"
        case 2:
            "{ \(random.below(100)), name = \"\(text(&random))\", [\(random.below(9)).5] = true }"
        default: "\"\(text(&random))\""
        }
    }

    /// `literals` and `makers` are locals above it.
    private static let operations = #"""
        local state
        local function random(n)
          state = state * 6364136223846793005 + 1442695040888963407
          return (state >> 33) % n + 1
        end

        -- The digest of a value: tables by the sum over their pairs, so in any order.
        local function digest(value, depth)
          local kind = math.type(value) or type(value)
          if kind == "integer" then return value % 1000003 end
          if kind == "float" then return #string.format("%.10g", value) + value // 1 % 65521 // 1 | 0 end
          if kind == "string" then
            local sum = #value
            for i = 1, math.min(#value, 40) do sum = (sum * 31 + value:byte(i)) % 1000003 end
            return sum
          end
          if kind ~= "table" then return #kind end
          if depth > 4 then return 7 end
          local sum = #value
          for k, v in next, value do
            sum = (sum + digest(k, depth + 1) * 31 + digest(v, depth + 1)) % 1000003
          end
          return sum
        end

        local world = { tables = {}, strings = {}, closures = {}, threads = {}, objects = {} }
        local total = 0
        local function see(value) total = (total * 33 + digest(value, 1)) % 1000000007 end
        local function any(list) if #list > 0 then return list[random(#list)] end end
        local function keep(list, value) list[#list < 20 and #list + 1 or random(20)] = value end
        local function some_text() return any(world.strings) or "start" end

        local class = {}
        class.__index = class
        class.__eq = function(a, b) return a.value == b.value end
        class.__lt = function(a, b) return a.value < b.value end
        class.__concat = function(a, b) return tostring(a) .. "|" .. tostring(b) end
        class.__tostring = function(self) return "object " .. self.value end
        class.__call = function(self, more) self.value = self.value + more return self.value end
        class.__close = function(self) self.value = -self.value end
        class.__len = function(self) return self.value % 10 end
        function class.doubled(self) return self.value * 2 end

        local operations = {
          function() -- a table of every kind of key, growing over its sizes
            local t = {}
            for i = 1, random(300) do t[i] = i * 3 end
            for i = 1, random(100) do t["key " .. i] = any(literals) end
            for i = 1, random(30) do t[i + 0.5] = i end
            t[true] = false
            keep(world.tables, t)
            see(t)
          end,
          function() -- shrinking
            local t = any(world.tables)
            if not t then return end
            for i = #t, #t // 2 + 1, -1 do t[i] = nil end
            for k in next, t do if type(k) == "string" and #k % 2 == 0 then t[k] = nil end end
            see(t)
          end,
          function() -- short and long strings, from pieces
            local text = (some_text():sub(1, 30) .. random(100)):rep(random(20), "-")
            keep(world.strings, text)
            see(text)
            see(text:upper():gsub("%d+", function(d) return "<" .. d .. ">" end))
            see(select(2, text:gsub("a", "%0%0")))
            see(text:find("1-", 1, true) or 0)
            see(string.format("%q %5.1f %-10s|", text:sub(1, 5), #text / 3, "x"))
          end,
          function() -- buffers that outgrow the stack
            local parts = {}
            for i = 1, random(400) do parts[i] = some_text():sub(1, 20) end
            see(table.concat(parts, ","))
            see(string.rep("ab", random(5000)))
          end,
          function() -- equal texts are the same key
            local t = { [("in"):rep(3)] = 1 }
            see(t["in" .. "inin"] or "lost")
            local long = ("long"):rep(30)
            t[long] = 2
            see(t[("long"):rep(15) .. ("long"):rep(15)] or "lost")
          end,
          function() keep(world.closures, any(makers)(random(100))) end,
          function() -- closures that share a variable
            local shared = random(50)
            keep(world.closures, function() shared = shared + 1 return shared end)
            keep(world.closures, function() shared = shared * 2 % 1009 return shared end)
          end,
          function() local f = any(world.closures) if f then see(f()) end end,
          function() -- a coroutine that stays suspended
            local co = coroutine.create(function(a)
              local mine = { a }
              while true do
                local got = coroutine.yield(#mine)
                if got == "fail" then error({ code = #mine }) end
                mine[#mine + 1] = got
              end
            end)
            see(select(2, coroutine.resume(co, random(9))))
            keep(world.threads, co)
          end,
          function()
            local co = any(world.threads)
            if not co then return end
            local ok, value = coroutine.resume(co, random(8) == 1 and "fail" or some_text())
            see(ok)
            see(value)
            see(coroutine.status(co))
          end,
          function()
            local co = any(world.threads)
            if co and coroutine.status(co) == "suspended" then see(coroutine.close(co)) end
          end,
          function() -- generators inside generators
            local sum = 0
            for value in coroutine.wrap(function()
              for i = 1, random(20) do
                coroutine.wrap(function() coroutine.yield(i) end)()
                coroutine.yield(i * i)
              end
            end) do sum = sum + value end
            see(sum)
          end,
          function() -- objects and their metamethods
            local one, two = setmetatable({ value = random(99) }, class), setmetatable({ value = random(99) }, class)
            see(one == two) see(one < two) see(one .. two) see(one(3)) see(#two) see(one:doubled())
            do local closed <close> = two end
            see(two.value)
            keep(world.objects, one)
          end,
          function() -- an object reads through another
            local base = any(world.objects)
            local proxy = setmetatable({}, { __index = base, __newindex = function(_, k, v) rawset(world, k, v) end })
            proxy["seen"] = random(10)
            see(world.seen)
            see(proxy.value or 0)
          end,
          function() -- weak tables, after a full collection
            local weak = setmetatable({}, { __mode = random(2) == 1 and "k" or "v" })
            local held = {}
            for i = 1, 20 do
              local thing = { i }
              if i % 3 == 0 then held[#held + 1] = thing end
              weak[thing] = thing
            end
            collectgarbage()
            local left = 0
            for _ in next, weak do left = left + 1 end
            see(left >= #held)
          end,
          function() -- errors, plain and with objects
            see(select(2, pcall(function() local t = nil; return t.x end)))
            see(select(2, pcall(error, { code = random(9) })))
            see(select(2, xpcall(function() return 1 + {} end, function(m) return m .. "!" end)))
            local made = errors.new({ message = some_text():sub(1, 20), kind = errors.INVALID })
            see(tostring(made)) see(made:kind()) see(tostring(errors.wrap(made, "more")))
          end,
          function() -- deep, and back
            local function down(n) if n == 0 then error("bottom") end return 1 + down(n - 1) end
            see(select(2, pcall(down, random(180))))
          end,
          function() -- sorted
            local t = {}
            for i = 1, random(200) do t[i] = random(1000) end
            table.sort(t)
            see(t[1]) see(t[#t])
            table.sort(t, function(a, b) return a > b end)
            see(table.concat(t, " "))
            table.move(t, 1, #t // 2, 5)
            see({ table.unpack(t, 1, math.min(#t, 50)) })
          end,
          function() -- numbers and bytes
            see(string.unpack("<i4", string.pack("<i4", random(1 << 20))))
            see(utf8.char(228, 8364, random(50000)))
            see(random(1000) // 7 | random(99) << 3 ~ 5)
            see(tonumber("0x" .. random(900)) + tonumber("1e2"))
            math.randomseed(random(1000))
            see(math.random(1 << 40))
          end,
          function() -- JSON there and back
            local t = { list = { 1, 2, { 3 } }, text = some_text():sub(1, 40), number = random(1000) / 4 }
            see(json.decode(json.encode(t)))
          end,
          function() -- own versions of what all start with
            string.custom = function(s) return #s + 1 end
            see(("abc"):custom())
            _G["global " .. random(30)] = some_text()
            math.extra = (math.extra or 0) + 1
            see(math.extra)
          end,
          function() collectgarbage() end,
          function() collectgarbage("step", random(50)) end,
          function() collectgarbage("generational") end,
          function() collectgarbage("incremental") end,
          function() -- garbage of all sizes
            for i = 1, random(500) do local t = { i, { tostring(i) }, ("g"):rep(i) } end
          end,
          function() coroutine.yield() end,
        }

        return function(seed, steps)
          state = seed
          -- What another fork changed must not be here.
          see(string.custom == nil and math.extra == nil)
          for name, value in next, _G do total = (total + digest(name, 1) + digest(type(value), 1)) % 1000000007 end
          see(literals)
          for _ = 1, steps do any(operations)() end
          see(world)
          return tostring(total)
        end
        """#
}
