return function(parent, count)
    local values = process.listen("value")
    process.send(parent, "ready")
    for _ = 1, count do values:receive() end
    process.send(parent, "done")
end
