-- Ends at once with what it was given, so that no request waits for it; told to stay, it answers.
local function main(stay, ...)
    if stay ~= "stay" then
        return { stay, ... }
    end
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        if message.from then
            process.send(message.from, message.topic, message.payload)
        end
    end
end

return { main = main }
