-- Sends one message to a fresh messages worker.
local function main()
    local worker_pid, spawn_err = process.spawn("app.test.process:messages_worker", "app:processes")
    if spawn_err then
        return false, "spawn failed: " .. spawn_err
    end

    -- Send to process by PID
    local sent, err = process.send(worker_pid, "messages", "hello from parent")
    if err then
        return false, "send failed: " .. err
    end

    -- send returns (bool, error)
    return sent
end

return { main = main }
