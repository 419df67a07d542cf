-- A chain of linked processes, the last of which fails.
return function(left)
    if left == 0 then error("the end of the chain") end
    assert(process.spawn_linked("soak:chain", "soak:processes", left - 1))
    process.inbox():receive()
end
