return function(parent)
    local pings = process.listen("ping")
    process.send(parent, "ready")
    while true do process.send(parent, "pong", (pings:receive())) end
end
