-- Registers a name, gives it back, and returns why the next lookup fails.
local function main()
    local test_name = "my_service_" .. tostring(os.time())

    local ok, register_err = process.registry.register(test_name)
    if not ok then
        return false, "register failed: " .. register_err
    end

    -- Unregister explicitly
    local unregistered = process.registry.unregister(test_name)
    if not unregistered then
        print("Name was not registered")
    end

    -- Lookup after unregister returns nil + error
    local pid, err = process.registry.lookup(test_name)
    -- pid will be nil, err will be non-nil

    return { unregistered = unregistered, pid = pid, error = tostring(err) }
end

return { main = main }
