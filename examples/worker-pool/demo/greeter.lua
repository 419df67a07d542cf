-- Greets whoever is named in a message on "greet", until one comes on "stop".
-- Who calls gets the greeting. Returns how many it greeted, which is the result in its EXIT event.
local function main()
    local greet_ch = process.listen("greet", { message = true })
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

        local message = result.value
        local greeting = "Hello, " .. tostring(message:payload()) .. "!"
        greeted = greeted + 1
        print(greeting)
        -- Who sends from outside and does not call is nobody.
        if message:from() then
            process.send(message:from(), "greeting", greeting)
        end
    end
end

return { main = main }
