import LuaLibraries
import Testing

/// Processes are copies of a template: whatever its addresses, nothing in a copy may be wrong.
@Suite struct ForkTests {
    /// Touches every library function's table and calls some that have state.
    static let body = """
        local wrong = {}
        for module, names in pairs{
          process = "pid id send listen inbox events spawn exec monitor link registry event",
          channel = "new select", errors = "new wrap is call_stack", json = "encode decode null",
          time = "now sleep after timer ticker", string = "format rep find gsub", math = "random",
          coroutine = "spawn wrap create close", table = "sort create", utf8 = "char", os = "time",
        } do
          for name in names:gmatch("%S+") do
            if _G[module][name] == nil then wrong[#wrong + 1] = module .. "." .. name end
          end
        end
        math.randomseed(1)
        local ch = process.listen("t")
        process.send(process.pid(), "t", {1, {2}})
        if ch:receive()[2][1] ~= 2 then wrong[#wrong + 1] = "message" end
        if coroutine.wrap(function() return math.random(5, 5) end)() ~= 5 then wrong[#wrong + 1] = "random" end
        return json.array(wrong)
        """

    @Test func `forks of many templates are whole`() {
        for number in 0..<150 {
            let harness = LuaHarness(LuaCase.entries("local _ = \(number)\n" + Self.body))
            for _ in 0..<5 { #expect(harness.run() == "[]") }
        }
    }
}
