-- The engine's scenarios: each prints its name and nanoseconds an operation.
--
-- Question: what do spawn, send and receive cost, beside Erlang doing the same (peers/engine.erl)?
-- Not shown: HTTP, many cores, messages larger than a few hundred bytes.
-- Run by Benchmarks/run; alone: moonlet run Benchmarks/engine.lua [SCENARIO ...]

local HOST = "app:processes"
local SELF = "app:main"

local function measure(name, count, body)
    local start = time.now()
    body(count)
    local spent = time.now():sub(start):nanoseconds()
    print(string.format("%s %.1f", name, spent / count))
end

local roles = {}

function roles.nothing() end

function roles.echo(parent)
    local pings = process.listen("ping", { message = true })
    process.send(parent, "ready")
    while true do
        process.send(parent, "pong", pings:receive().payload)
    end
end

function roles.sink(parent, count)
    local values = process.listen("value")
    process.send(parent, "ready")
    for _ = 1, count do values:receive() end
    process.send(parent, "done")
end

function roles.source(target, count)
    for i = 1, count do
        while not process.send(target, "value", i) do coroutine.yield() end
    end
end

function roles.link_of_ring(parent, successor)
    local tokens = process.listen("token")
    process.send(parent, "ready", process.pid())
    while true do
        local token = tokens:receive()
        process.send(successor, "token", token)
    end
end

local function start(role, ...)
    local pid, err = process.spawn(SELF, HOST, role, ...)
    assert(pid, err)
    return pid
end

local scenarios = {}

function scenarios.spawn_exit(count)
    local events = process.events()
    measure("spawn_exit", count, function()
        for _ = 1, count do
            process.spawn_monitored(SELF, HOST, "nothing")
            events:receive()
        end
    end)
end

function scenarios.spawn_burst(count)
    local events = process.events()
    measure("spawn_burst", count, function()
        for _ = 1, count do process.spawn_monitored(SELF, HOST, "nothing") end
        for _ = 1, count do events:receive() end
    end)
end

local function ping_pong(name, count, payload)
    local ready, pongs = process.listen("ready"), process.listen("pong")
    local pid = start("echo", process.pid())
    ready:receive()
    measure(name, count, function()
        for _ = 1, count do
            process.send(pid, "ping", payload)
            pongs:receive()
        end
    end)
    process.terminate(pid)
end

function scenarios.ping_integer(count) ping_pong("ping_integer", count, 1) end
function scenarios.ping_string(count) ping_pong("ping_string", count, "hello world") end
function scenarios.ping_table(count)
    ping_pong("ping_table", count // 2,
        { id = 1, name = "hello world", tags = { 1, 2, 3, 4, 5 }, nested = { a = 1.5, b = true } })
end

function scenarios.one_way(count)
    local ready, done = process.listen("ready"), process.listen("done")
    local pid = start("sink", process.pid(), count)
    ready:receive()
    measure("one_way", count, function()
        for i = 1, count do
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
    local successor = process.pid()
    local size = 1000
    for _ = 2, size do
        successor = start("link_of_ring", process.pid(), successor)
        ready:receive()
    end
    measure("ring", count // size * size, function()
        for _ = 1, count // size do
            process.send(successor, "token", 1)
            tokens:receive()
        end
    end)
end

local order = {
    { "spawn_exit", 20000 }, { "spawn_burst", 20000 }, { "ping_integer", 200000 },
    { "ping_string", 200000 }, { "ping_table", 100000 }, { "one_way", 300000 },
    { "fan_in", 300000 }, { "ring", 200000 },
}

local function main(role, ...)
    if roles[role] then return roles[role](...) end
    local wanted = role and { [role] = true } or nil
    for _, name in ipairs({ ... }) do wanted[name] = true end
    for _, scenario in ipairs(order) do
        if not wanted or wanted[scenario[1]] then scenarios[scenario[1]](scenario[2]) end
    end
end

return { main = main }
