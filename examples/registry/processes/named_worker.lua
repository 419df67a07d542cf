-- Registers under `name`, so that others need no pid, and returns the first message it gets.
local function main(name)
    local ok, err = process.registry.register(name)
    if not ok then
        return false, "register failed: " .. err
    end

    local msg = process.inbox():receive()
    return { name = name, topic = msg.topic, payload = msg.payload }
end

return { main = main }
