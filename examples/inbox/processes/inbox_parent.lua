-- Sends to the topic the worker listens on, and to two it does not, and returns the worker's pid.
local function main()
    local worker_pid, spawn_err = process.spawn("app.test.process:inbox_worker", "app:processes")
    if spawn_err then
        return false, "spawn failed: " .. spawn_err
    end

    for _, topic in ipairs { "specific_topic", "news", "weather" } do
        local sent, err = process.send(worker_pid, topic, "about " .. topic)
        if not sent then
            return false, "send failed: " .. err
        end
    end

    return worker_pid
end

return { main = main }
