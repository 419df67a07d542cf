-- Ends when it is asked to.
return function()
    local event = process.events():receive()
    return event.kind .. " " .. event.reason
end
