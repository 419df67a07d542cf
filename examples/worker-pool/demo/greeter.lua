-- Greets whoever is named in a message on "greet", until one comes on "stop".
-- Returns how many it greeted, which is the result in its EXIT event.
local function main()
    local greet_ch = process.listen("greet")
    local stop_ch = process.listen("stop")
    local greeted = 0

    while true do
        local result = channel.select {
            greet_ch:case_receive(),
            stop_ch:case_receive(),
        }

        if result.channel == stop_ch then
            return greeted
        end

        greeted = greeted + 1
        print("Hello, " .. tostring(result.value) .. "!")
    end
end

return { main = main }
