-- Sends `text` to a fresh echo worker and returns what comes back.
local time = require("time")

local function main(text)
    local pid, err = process.spawn("app.test.process:echo_worker", "app:processes", "hello")
    if err then
        return false, "spawn failed: " .. err
    end

    -- pid is a string identifier for the spawned process
    print("Started worker:", pid)

    local my_pid = process.pid()
    -- Returns string PID of current process
    print("The answer will come to:", my_pid)

    local reply_ch = process.listen("reply")
    local sent, send_err = process.send(pid, "echo", text or "hello")
    if not sent then
        return false, "send failed: " .. send_err
    end

    local timeout = time.after("3s")
    local result = channel.select {
        reply_ch:case_receive(),
        timeout:case_receive(),
    }

    if result.channel == timeout then
        return false, "timeout waiting for the reply"
    end

    return result.value
end

return { main = main }
