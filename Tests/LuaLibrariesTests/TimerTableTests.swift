import Posix
import Testing

@testable import LuaLibraries

@Suite struct TimerTableTests {
    /// The same steps on a table and on a plain list.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `timers come up in the order in which they are due, whatever was stopped`(seed: UInt64) {
        var random = Random(state: seed)
        var table = TimerTable()
        var model: [(due: UInt64, number: Int64)] = []
        var next: Int64 = 0
        var time: UInt64 = 0
        for step in 0..<20_000 {
            switch random.below(10) {
            case 0..<5:
                next += 1
                let due = time + random.below(50)
                table.add(next, PendingTimer(use: .timer, due: due))
                model.append((due, next))
            case 5..<8 where !model.isEmpty:
                // Some are started again under their number, as tickers are.
                let timer = model.remove(at: Int(random.below(UInt64(model.count))))
                #expect(table.remove(timer.number)?.due == timer.due)
                #expect(table.remove(timer.number) == nil)
                if random.below(3) == 0 {
                    table.add(timer.number, PendingTimer(use: .timer, due: timer.due + 7))
                    model.append((timer.due + 7, timer.number))
                }
            default:
                time += random.below(3)
                while let (number, timer) = table.popFirst(dueBy: time) {
                    let first = model.indices.min { model[$0] < model[$1] }
                    guard let first else {
                        Issue.record("nothing is left")
                        return
                    }
                    #expect(model[first] == (timer.due, number), "step \(step)")
                    model.remove(at: first)
                }
                #expect(model.allSatisfy { $0.due > time })
            }
            #expect(table.pending.count == model.count)
            if step % 100 == 0 { #expect(table.firstDue() == model.map(\.due).min()) }
        }
    }

    /// A splitmix64 generator.
    private struct Random {
        var state: UInt64

        mutating func below(_ bound: UInt64) -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return (mixed ^ (mixed >> 31)) % bound
        }
    }
}
