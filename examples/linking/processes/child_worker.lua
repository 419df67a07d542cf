-- Waits for messages; fails with its parent when the two are linked.
local function main()
    local inbox_ch = process.inbox()

    while true do
        local msg = inbox_ch:receive()
        print("Child got:", msg.topic)
    end
end

return { main = main }
