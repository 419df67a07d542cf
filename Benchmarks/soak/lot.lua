-- One lot of all that processes do to each other. What it starts is over when it ends; it returns how
-- many of its EXITs it saw, which is how many it waited for.
local HOST = "soak:processes"

local function start(name, ...)
    local pid, err = process.spawn_monitored("soak:" .. name, HOST, ...)
    return assert(pid, err)
end

local function main()
    process.set_options({ trap_links = true })
    local own, events, pongs = process.pid(), process.events(), process.listen("pong")
    local pending, downs, started = {}, 0, 0

    local function expect(pid)
        pending[pid] = true
        started = started + 1
        return pid
    end

    for _ = 1, 30 do expect(start("nothing")) end
    for i = 1, 10 do
        local pid = expect(start("echo", own))
        for round = 1, 5 do
            process.send(pid, "ping", { i, round, text = ("x"):rep(100 * i), nested = { true } })
        end
        for _ = 1, 5 do pongs:receive() end
        process.send(pid, "stop")
    end
    for _ = 1, 5 do
        local pid, err = process.spawn_linked_monitored("soak:fails", HOST)
        expect(assert(pid, err))
        downs = downs + 1
    end
    for _ = 1, 3 do expect(start("chain", 5)) end
    for _ = 1, 2 do
        local pid = expect(start("runaway"))
        time.sleep("1ms")
        process.terminate(pid)
    end
    for _ = 1, 8 do expect(start("timers")) end
    for i = 1, 8 do expect(start("named", own .. "/" .. i)) end
    for _ = 1, 2 do
        expect(start("garbage", 20))
        expect(start("glutton"))
    end
    for _ = 1, 5 do
        local pid = expect(start("obedient"))
        process.cancel(pid, "enough")
    end
    local result, err = process.exec("soak:nothing", HOST)
    assert(not err, err)

    while next(pending) ~= nil or downs > 0 do
        local event = events:receive()
        if event.kind == process.event.LINK_DOWN then
            downs = downs - 1
        else
            assert(pending[event.from], "an EXIT twice, or of a stranger")
            pending[event.from] = nil
        end
    end
    return started
end

return { main = main }
