import Testing

@testable import ProcessRuntime

@Suite struct ProcessTableTests {
    @Test(arguments: [1, 3, 4_095, 4_096, 4_097])
    func `a table has as many slots as it was made for`(_ capacity: Int) {
        let table = ProcessTable(capacity: capacity)
        var slots = Set<Int>()
        while let block = table.take() { slots.insert(block.slot) }
        #expect(slots == Set(1...capacity))
        #expect(table.usedSlots == capacity + 1)
        #expect(table.block(slot: capacity + 1) == nil)
        #expect(table.block(PID(slot: PID.slotMax, generation: 0)) == nil)
    }

    @Test func `a block given back is taken again, warm ones first`() throws {
        let table = ProcessTable(capacity: 3)
        let blocks = [table.take(), table.take(), table.take()].compactMap { $0 }
        #expect(table.take() == nil)
        table.giveBack(blocks[0])
        table.giveBack(blocks[2])
        #expect(table.take() == blocks[2])
        #expect(table.take() == blocks[0])
        #expect(table.take() == nil)
        #expect(table.block(slot: 2) == blocks[1])
    }

    @Test func `no pid comes twice, however often its slot is used`() throws {
        let bench = Bench { $0.processesMax = 2 }
        var seen = Set<PID>()
        for _ in 0..<500 {
            let pid = try bench.runtime.spawnIdle()
            #expect(seen.insert(pid).inserted)
            bench.runtime.kill(pid, .terminated)
            bench.settle()
            #expect(!bench.runtime.isAlive(pid))
        }
        #expect(seen.allSatisfy { $0.slot <= 2 })
    }
}
