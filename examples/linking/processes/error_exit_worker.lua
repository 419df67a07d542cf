-- Fails at once, so that those linked to it hear of it.
local function main()
    error("this worker always fails")
end

return { main = main }
