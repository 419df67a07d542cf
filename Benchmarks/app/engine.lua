-- The engine's scenarios in Lua; ../peers/engine.erl does the same work in Erlang.
--
--   moonlet run Benchmarks/app SCENARIO COUNT [CPUS]
--
-- Each prints "NAME FIGURE" lines, and lines for Benchmarks/run, which reads this program's resident
-- memory where they ask: "resident NAME COUNT" is what it grew by since "resident 0", divided by COUNT.

local HOST = "app:processes"

local function since(start) return time.now():sub(start):nanoseconds() end

-- Prints nanoseconds an operation.
local function measure(name, count, body)
    local start = time.now()
    body(count)
    print(string.format("%s %.1f", name, since(start) / count))
end

-- Asks for this program's resident memory, and stands still while it is read.
local function resident(what)
    time.sleep("300ms")
    print("resident " .. what)
    time.sleep("300ms")
end

local function start(name, ...)
    local pid, err = process.spawn("app:" .. name, HOST, ...)
    assert(pid, err)
    return pid
end

-- Has `count` processes live besides this one, keepers among them; returns the keepers.
local function keep(count)
    local kept, keepers, left = process.listen("kept"), {}, count
    while left > 0 do
        local lot = math.min(left, 10000)
        keepers[#keepers + 1] = start("keeper", process.pid(), lot - 1)
        left = left - lot
    end
    for _ = 1, #keepers do kept:receive() end
    return keepers
end

local function ping_pong(name, count, payload)
    local ready, pongs = process.listen("ready"), process.listen("pong")
    local pid = start("echo", process.pid())
    ready:receive()
    local begun = time.now()
    for _ = 1, count do
        process.send(pid, "ping", payload)
        pongs:receive()
    end
    local each = since(begun) / count
    process.terminate(pid)
    if name then print(string.format("%s %.1f", name, each)) end
    return each
end

local scenarios = {}

function scenarios.spawn_exit(count)
    local events = process.events()
    measure("spawn_exit", count, function()
        for _ = 1, count do
            process.spawn_monitored("app:nothing", HOST)
            events:receive()
        end
    end)
end

function scenarios.spawn_burst(count)
    local events = process.events()
    measure("spawn_burst", count, function()
        for _ = 1, count do process.spawn_monitored("app:nothing", HOST) end
        for _ = 1, count do events:receive() end
    end)
end

function scenarios.ping_integer(count) ping_pong("ping_integer", count, 1) end

function scenarios.ping_string(count) ping_pong("ping_string", count, "hello world") end

function scenarios.ping_table(count)
    ping_pong("ping_table", count,
        { id = 1, name = "hello world", tags = { 1, 2, 3, 4, 5 }, nested = { a = 1.5, b = true } })
end

function scenarios.one_way(count)
    local ready, done = process.listen("ready"), process.listen("done")
    local pid = start("sink", process.pid(), count)
    ready:receive()
    measure("one_way", count, function()
        for i = 1, count do
            -- The mailbox may be full.
            while not process.send(pid, "value", i) do coroutine.yield() end
        end
        done:receive()
    end)
end

function scenarios.fan_in(count)
    local ready, done = process.listen("ready"), process.listen("done")
    local senders = 100
    local pid = start("sink", process.pid(), count // senders * senders)
    ready:receive()
    measure("fan_in", count, function()
        for _ = 1, senders do start("source", pid, count // senders) end
        done:receive()
    end)
end

function scenarios.ring(count)
    local ready, tokens = process.listen("ready"), process.listen("token")
    local successor, size = process.pid(), 1000
    for _ = 2, size do
        successor = start("link", process.pid(), successor)
        ready:receive()
    end
    measure("ring", count // size * size, function()
        for _ = 1, count // size do
            process.send(successor, "token", 1)
            tokens:receive()
        end
    end)
end

-- `count` timers of one process, all pending at once; then all of them fire.
function scenarios.timers(count)
    local fired = {}
    resident(0)
    measure("timers_start", count, function()
        for i = 1, count do fired[i] = time.after("4s") end
    end)
    resident("timers_bytes " .. count)
    for i = 1, count do assert(select(2, fired[i]:receive()), "a timer did not fire") end
end

function scenarios.idle(count)
    resident(0)
    keep(count)
    resident("idle_bytes " .. count)
end

-- How late a process woken by a timer runs while every core has four busy loops.
function scenarios.wakeup(count, cpus)
    for _ = 1, 4 * (cpus or 1) do start("busy") end
    local late = {}
    for i = 1, count do
        local before = time.now()
        time.sleep("5ms")
        late[i] = since(before) / 1e6 - 5
    end
    table.sort(late)
    print(string.format("wakeup_p99 %.2f", late[math.ceil(count * 0.99)]))
end

-- Cost of an operation with as many processes live as there are now.
local function costs()
    local events = process.events()
    local count = 20000
    local begun = time.now()
    for _ = 1, count do
        process.spawn_monitored("app:nothing", HOST)
        events:receive()
    end
    return { spawn = since(begun) / count, ping = ping_pong(nil, 100000, 1) }
end

-- `count` live processes: what they take, and what an operation costs among so many.
function scenarios.million(count)
    local answered = process.listen("answered")
    keep(999)
    local few = costs()
    local begun = time.now()
    -- One place is left for the process that `costs` spawns: the table has room for a million.
    local keepers = keep(count - 1002)
    print(string.format("million_spawn %.2f", since(begun) / 1e9))
    resident("million_gib " .. (1 << 30))
    begun = time.now()
    for _, keeper in ipairs(keepers) do process.send(keeper, "go") end
    local total = 0
    for _ = 1, #keepers do total = total + answered:receive() end
    assert(total == count - 1002 - #keepers, "some did not answer")
    print(string.format("million_answers %.1f", since(begun) / total))
    local many = costs()
    print(string.format("flat_spawn %.2f", many.spawn / few.spawn))
    print(string.format("flat_ping %.2f", many.ping / few.ping))
end

local function main(name, count, cpus)
    assert(scenarios[name], "no such scenario")(tonumber(count), tonumber(cpus))
end

return { main = main }
