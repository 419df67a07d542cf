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

    /// What a script could compute from its first random number: the next process's, if both came
    /// from one SplitMix64 sequence.
    private func predicted(after first: UInt64) -> UInt64 {
        func turned(_ x: UInt64, _ bits: UInt64) -> UInt64 { x << bits | x >> (64 - bits) }
        // The second word of xoshiro256**'s state.
        let word = turned(first &* 0x8E38_E38E_38E3_8E39, 57) &* 0xCCCC_CCCC_CCCC_CCCD
        // Back to the sequence's counter, one step on, and forth.
        var x = word ^ word >> 31 ^ word >> 62
        x = x &* 0x3196_42B2_D24D_8EC3
        x = (x ^ x >> 27 ^ x >> 54) &* 0x96DE_1B17_3F11_9089
        x = (x ^ x >> 30 ^ x >> 60) &+ 0x9E37_79B9_7F4A_7C15
        x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
        return turned((x ^ x >> 31) &* 5, 7) &* 9
    }

    @Test func `one process's random numbers don't give away the next one's`() throws {
        let harness = LuaHarness(LuaCase.entries("return math.random(0)"))
        var last: UInt64?
        for _ in 0..<20 {
            let number = UInt64(bitPattern: try #require(Int64(harness.run())))
            if let last { #expect(number != predicted(after: last)) }
            last = number
        }
    }
}
