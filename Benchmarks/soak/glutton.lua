-- Dies of its memory limit, whatever it catches.
return function()
    local held = {}
    while true do
        pcall(function() while true do held[#held + 1] = { #held } end end)
    end
end
