-- Starts `count` waiters, and speaks to each when it is told to. One process alone could not remember
-- the pids of a million within its memory limit.
return function(parent, count)
    local ups, answers, go = process.listen("up"), process.listen("answer"), process.listen("go")
    local own, pids = process.pid(), {}
    for i = 1, count do
        local pid, err = process.spawn("app:waiter", "app:processes", own)
        pids[i] = assert(pid, err)
    end
    for _ = 1, count do ups:receive() end
    process.send(parent, "kept", count)
    while true do
        go:receive()
        for i = 1, count do process.send(pids[i], "poke", i) end
        local answered = 0
        for _ = 1, count do
            answers:receive()
            answered = answered + 1
        end
        process.send(parent, "answered", answered)
    end
end
