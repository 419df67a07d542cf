-- Takes all that comes.
return function()
    local jobs = process.listen("job")
    while true do jobs:receive() end
end
