-- The idle process: waits, and answers when it is spoken to.
return function(parent)
    local pokes = process.listen("poke")
    process.send(parent, "up")
    while true do process.send(parent, "answer", (pokes:receive())) end
end
