-- Ends at once; the return value travels in the EXIT event.
local function main()
    return "done"
end

return { main = main }
