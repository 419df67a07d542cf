-- Spawns a linked child and waits for a message on "fail": then it fails, and the child with it.
local function main()
    -- Child terminates if parent crashes (unless trap_links is set)
    local pid, err = process.spawn_linked("app.test.process:child_worker", "app:processes")
    if err then
        return false, "spawn_linked failed: " .. err
    end

    process.listen("fail"):receive()
    error("told to fail; " .. pid .. " fails too")
end

return { main = main }
