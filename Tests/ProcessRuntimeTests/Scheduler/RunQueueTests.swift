import Testing

@testable import ProcessRuntime

@Suite struct RunQueueTests {
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `it behaves like an array, growing at any place of the ring`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = RunQueue()
        var model: [Int] = []
        for slot in 1...2_000 {
            // Phases of growing and of shrinking move the ring's beginning everywhere.
            if random.next() % 4 < (slot / 300 % 2 == 0 ? 3 : 1) {
                queue.append(ControlBlock(slot: slot))
                model.append(slot)
            } else {
                #expect(queue.popFirst()?.slot == model.first)
                if !model.isEmpty { model.removeFirst() }
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
        }
        while let block = queue.popFirst() { #expect(block.slot == model.removeFirst()) }
        #expect(model.isEmpty)
    }
}
