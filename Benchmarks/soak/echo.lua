return function(parent)
    local pings, stop = process.listen("ping"), process.listen("stop")
    while true do
        local result = channel.select({ pings:case_receive(), stop:case_receive() })
        if result.channel == stop then return end
        process.send(parent, "pong", result.value)
    end
end
