import Testing

@testable import ProcessRuntime

@Suite struct ReadyQueueTests {
    private static let slice = TimeSlice.nanoseconds

    /// One worker that gives turns out of a queue: a woken process takes `turn` and waits, one that
    /// computes takes a slice and wants the next.
    private struct Desk {
        var queue = ReadyQueue()
        var pace = Pace(now: 0)
        var time: UInt64 = 0
        /// What ran, by slot, and for how long in all.
        var given: [Int: UInt64] = [:]
        /// All processes that compute have lower slots than the others.
        let computing: Int
        /// By slot; such blocks are never freed, so each is made once.
        let blocks: [ControlBlock]

        init(computing: Int, others: Int = 0) {
            self.computing = computing
            blocks = (0...computing + others).map { ControlBlock(slot: $0) }
            for slot in 1...computing { queue.append(blocks[slot], .spent) }
        }

        mutating func wake(_ slot: Int) { queue.append(blocks[slot], .woken) }

        /// Gives one turn; the slot that had it.
        mutating func step(turn: UInt64) -> Int? {
            guard let block = queue.popFirst(&pace) else { return nil }
            let isComputing = block.slot <= computing
            let length = isComputing ? ReadyQueueTests.slice : turn
            time += length
            given[block.slot, default: 0] += length
            pace.turnEnded(at: time)
            if isComputing { queue.append(block, .spent) }
            return block.slot
        }
    }

    @Test func `a woken process runs next, however many compute`() {
        var desk = Desk(computing: 10_000, others: 1)
        for round in 1...100 {
            for _ in 0..<round { _ = desk.step(turn: 0) }
            desk.wake(10_001)
            #expect(desk.step(turn: 1_000) == 10_001)
        }
    }

    /// A turn beyond a slice is one that was late to be interrupted.
    @Test(arguments: [10_000, 500_000, 1_000_000, 1_500_000] as [UInt64])
    func `those that compute have a quarter of the time, however many are woken`(turn: UInt64) {
        var desk = Desk(computing: 3, others: 10)
        // Ten that are woken again as soon as they had their turn.
        for slot in 4...13 { desk.wake(slot) }
        while desk.time < 1_000 * Self.slice {
            guard let slot = desk.step(turn: turn) else { break }
            if slot > 3 { desk.wake(slot) }
        }
        let computing = (1...3).map { desk.given[$0, default: 0] }
        #expect(computing.reduce(0, +) >= desk.time / 4 - Self.slice)
        #expect(computing.allSatisfy { $0 <= (computing.min() ?? 0) + Self.slice })
    }

    @Test func `ten thousand that compute have as many turns each`() {
        var desk = Desk(computing: 10_000)
        for _ in 0..<95_000 { _ = desk.step(turn: 0) }
        let turns = desk.given.values.map { $0 / Self.slice }
        #expect(turns.count == 10_000)
        #expect(turns.min() == 9 && turns.max() == 10)
    }
}
