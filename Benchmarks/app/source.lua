return function(target, count)
    for i = 1, count do
        -- The mailbox may be full.
        while not process.send(target, "value", i) do coroutine.yield() end
    end
end
