-- Links to a worker that fails, and does not trap: it fails too, before any more of it runs.
local function main()
    local pid, err = process.spawn_linked("app.test.process:error_exit_worker", "app:processes")
    if err then
        return false, "spawn_linked failed: " .. err
    end

    process.inbox():receive()
    return "never reached"
end

return { main = main }
