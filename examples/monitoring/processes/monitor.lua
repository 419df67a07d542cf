-- Monitors a process that runs already, sees it end, and shows that `unmonitor` is always true.
local function main()
    local events_ch = process.events()

    -- Spawn without monitoring
    local worker_pid, err = process.spawn("app.test.process:long_worker", "app:processes")
    if err then
        return false, "spawn failed: " .. err
    end

    -- Add monitoring explicitly
    local ok, monitor_err = process.monitor(worker_pid)
    if monitor_err then
        return false, "monitor failed: " .. monitor_err
    end

    -- Now will receive EXIT events for this worker
    process.cancel(worker_pid, "the example is over")

    local timeout = time.after("3s")
    local result = channel.select {
        events_ch:case_receive(),
        timeout:case_receive(),
    }

    if result.channel == timeout then
        return false, "timeout waiting for EXIT event"
    end

    local event = result.value
    do
        local ok, err = process.unmonitor(worker_pid)
        print("Stopped monitoring:", ok, err)
    end

    return { kind = event.kind, worker_ended = event.from == worker_pid, result = event.result }
end

return { main = main }
