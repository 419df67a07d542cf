-- Holds and drops some memory, more each round.
return function(rounds)
    local held = {}
    for round = 1, rounds do
        for i = 1, 200 do held[i] = { ("y"):rep(round * 10), { i } } end
        for i = 1, round do held[200 + i] = ("z"):rep(10000) .. i end
    end
    return #held
end
