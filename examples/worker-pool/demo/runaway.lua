-- A script that went wrong: it never ends, and catches every error. A kill ends it all the same.
local function main()
    while true do
        pcall(function()
            while true do
            end
        end)
    end
end

return { main = main }
