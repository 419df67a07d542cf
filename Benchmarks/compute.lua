-- Plain computing, the same for `moonlet run` and `lua5.4`: what isolation costs a script that only
-- computes. Prints milliseconds of processor time; where it runs as a process, Benchmarks/run reads
-- that of the whole program at "begin" and at "end NAME".
--
--   moonlet run Benchmarks/compute.lua          lua5.4 Benchmarks/compute.lua

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

-- Numbers from a sequence of our own, so that both sort the same.
local function numbers(count)
    local list, x = {}, 1
    for i = 1, count do
        x = (x * 1103515245 + 12345) % 2147483648
        list[i] = x
    end
    return list
end

local work = {
    { "fib", function() return fib(32) end },
    { "strings", function()
        local total = 0
        for round = 1, 40 do
            local parts = {}
            for i = 1, 10000 do parts[i] = "item " .. i .. ":" .. round end
            local text = table.concat(parts, ",")
            total = total + #text:gsub("%d+", "#"):upper()
        end
        return total
    end },
    { "sort", function()
        for _ = 1, 4 do
            local list = numbers(100000)
            table.sort(list)
            table.sort(list, function(a, b) return a > b end)
        end
    end },
}

local function stand_still(line)
    print(line)
    time.sleep("100ms")
end

for _, one in ipairs(work) do
    local name, body = one[1], one[2]
    if time then
        stand_still("begin")
        body()
        stand_still("end " .. name)
    else
        local began = os.clock()
        body()
        print(string.format("%s %.3f", name, (os.clock() - began) * 1e3))
    end
end

return function() end
