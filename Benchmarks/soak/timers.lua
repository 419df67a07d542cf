-- Timers that fire, that are stopped, and that are left behind.
return function()
    local abandoned, timer = time.after("1h"), time.timer("30m")
    local ticker = time.ticker("1ms")
    ticker:channel():receive()
    ticker:stop()
    timer:stop()
    time.sleep("2ms")
    time.after("1ms"):receive()
    return abandoned ~= nil
end
