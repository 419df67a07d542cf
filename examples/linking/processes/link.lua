-- Links to a process that runs already, then unlinks: the normal end of this one harms nobody.
local function main()
    local target_pid, spawn_err = process.spawn("app.test.process:child_worker", "app:processes")
    if spawn_err then
        return false, "spawn failed: " .. spawn_err
    end

    -- Link to existing process
    local ok, err = process.link(target_pid)
    if err then
        return false, "link failed: " .. err
    end

    -- Unlink
    local ok, err = process.unlink(target_pid)

    process.terminate(target_pid)
    return ok
end

return { main = main }
