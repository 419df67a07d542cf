-- Runs until somebody cancels it, and returns the reason given.
local function main()
    local events_ch = process.events()

    while true do
        local event = events_ch:receive()
        if event.kind == process.event.CANCEL then
            return "cancelled: " .. event.reason
        end
    end
end

return { main = main }
