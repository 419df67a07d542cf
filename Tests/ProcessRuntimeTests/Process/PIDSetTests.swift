import Testing

@testable import ProcessRuntime

@Suite struct PIDSetTests {
    @Test(arguments: [3, 32, 33, 34, 200])
    func `it behaves like an array without duplicates`(_ variety: Int) {
        for seed in 1...20 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            var set = PIDSet()
            var model: [PID] = []
            for _ in 0..<1_000 {
                let pid = PID(slot: Int(random.next() % UInt64(variety)) + 1, generation: 0)
                // Phases of growing and of shrinking, so that both forms are crossed often.
                let grows = random.next() % 8 < (model.count < variety / 2 ? 6 : 3)
                if grows {
                    #expect(set.insert(pid) == !model.contains(pid))
                    if !model.contains(pid) { model.append(pid) }
                } else {
                    #expect(set.remove(pid) == model.contains(pid))
                    model.removeAll { $0 == pid }
                }
                #expect(set.contains(pid) == model.contains(pid))
            }
            #expect(set.elements == model)
            #expect(set.takeAll() == model)
            #expect(set.elements == [])
        }
    }

    @Test func `an empty one is one word`() {
        #expect(MemoryLayout<PIDSet>.size == 8)
    }
}
