-- A link of the ring.
return function(parent, successor)
    local tokens = process.listen("token")
    process.send(parent, "ready")
    while true do process.send(successor, "token", (tokens:receive())) end
end
