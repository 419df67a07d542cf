/// A ring of processes waiting for a turn, growing as needed.
///
/// Bound: one entry for each process, plus one urgent entry for each process about to die.
struct RunQueue {
    private var ring: [ControlBlock?]
    private var first = 0
    private(set) var count = 0

    init() {
        ring = Array(repeating: nil, count: 64)
    }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ block: ControlBlock) {
        if count == ring.count { grow() }
        ring[(first + count) & (ring.count - 1)] = block
        count += 1
    }

    mutating func popFirst() -> ControlBlock? {
        guard count > 0 else { return nil }
        let block = ring[first]
        ring[first] = nil
        first = (first + 1) & (ring.count - 1)
        count -= 1
        return block
    }

    private mutating func grow() {
        var larger: [ControlBlock?] = []
        larger.reserveCapacity(ring.count * 2)
        for offset in 0..<count { larger.append(ring[(first + offset) & (ring.count - 1)]) }
        larger.append(contentsOf: Array(repeating: nil, count: ring.count * 2 - count))
        ring = larger
        first = 0
    }
}
