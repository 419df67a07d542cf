-- About `per_second` events a second: a spawn is two, its SPAWN and its EXIT.
local time = require("time")

return function(per_second)
    local began, spawned = time.now(), 0
    while true do
        time.sleep("5ms")
        local due = time.now():sub(began):seconds() * per_second / 2
        while spawned < due do
            process.spawn("app:nothing", "app:processes")
            spawned = spawned + 1
        end
    end
end
