/// Which timer: an index into the wheel and how often that index was used before.
package struct TimerKey: Hashable, Sendable {
    let index: Int
    let generation: UInt32
}

/// A hierarchical timer wheel: insert and cancel are O(1), a million timers are fine.
///
/// No operation takes long at once: `advance` handles as many timers as it is allowed to and goes on
/// in the next call, and growing moves nothing.
///
/// Pure: it holds no clock. Ticks are milliseconds, and a tick is read as digits of eight bits: a
/// timer waits at the level of the highest digit in which its tick differs from the present one, in
/// the slot of that digit, and moves down when the present reaches that slot. Six levels hold every
/// deadline there is. A timer never fires early: deadlines round up to the next tick.
///
/// Timers of one tick fire in the order they were made: two of them always wait at the same level,
/// once the present shares its upper digits with their tick, and lists keep their order.
///
/// Source of the shape: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 7.
package struct TimerWheel<Value>: ~Copyable {
    private static var levels: Int { 6 }
    private static var slotBits: Int { 8 }
    private static var slotsPerLevel: Int { 1 << slotBits }
    private static var tickNanoseconds: UInt64 { 1_000_000 }

    /// Not private: Swift 6.3.1 then writes a broken module where a test destroys a wheel.
    struct Node {
        var value: Value?
        var tick: UInt64 = 0
        var generation: UInt32 = 0
        var previous = -1
        var next = -1
        /// Which list holds it; -1 when free.
        var list = -1
    }

    private var nodes = PagedArray<Node>()
    /// The first of the unused nodes, which are linked by `next`; -1 for none.
    private var firstFree = -1
    private var heads: [Int]
    /// One bit per slot of a level: whether its list has members.
    private var occupied: [UInt64]
    /// Ticks below this were fired.
    private var now: UInt64
    /// The list of the slot that began at `now` and is not yet moved down whole; -1 for none.
    ///
    /// Until it is, timers that would wait below it join it: so those of one tick keep their order.
    private var unspread = -1
    /// How often a timer was put into a list so far: what the wheel's work is counted in.
    private(set) var placements = 0
    package private(set) var count = 0

    /// Makes an empty wheel that starts at `start` (nanoseconds of the clock used with it).
    package init(start: UInt64) {
        heads = Array(repeating: -1, count: Self.levels * Self.slotsPerLevel)
        occupied = Array(repeating: 0, count: Self.levels * Self.slotsPerLevel / 64)
        now = start / Self.tickNanoseconds
    }

    /// Adds a timer for `deadline` (nanoseconds); one already past fires at the next `advance`.
    package mutating func insert(_ value: Value, at deadline: UInt64) -> TimerKey {
        let rounded = deadline / Self.tickNanoseconds
        let tick = deadline % Self.tickNanoseconds == 0 ? rounded : rounded &+ 1
        let index: Int
        if firstFree >= 0 {
            index = firstFree
            firstFree = nodes[index].next
        } else {
            index = nodes.count
            nodes.append(Node())
        }
        nodes[index].value = value
        nodes[index].tick = max(tick, now)
        let home = list(for: nodes[index].tick)
        link(index, to: unspread / Self.slotsPerLevel > home / Self.slotsPerLevel ? unspread : home)
        count += 1
        return TimerKey(index: index, generation: nodes[index].generation)
    }

    /// Removes a timer; returns its value, or nil if it fired or was removed already.
    @discardableResult
    package mutating func cancel(_ key: TimerKey) -> Value? {
        guard key.index < nodes.count, nodes[key.index].generation == key.generation,
            nodes[key.index].list >= 0
        else { return nil }
        unlink(key.index)
        return release(key.index)
    }

    /// When `advance` must be called next (nanoseconds), or nil with no timer.
    ///
    /// May be earlier than the first timer, when timers of a coarser level must be placed again.
    package var nextDeadline: UInt64? {
        nextTick.map { tick in
            let (time, overflow) = tick.multipliedReportingOverflow(by: Self.tickNanoseconds)
            return overflow ? .max : time
        }
    }

    /// The earliest tick at which a slot with members begins.
    private var nextTick: UInt64? {
        guard count > 0 else { return nil }
        if unspread >= 0 { return now }
        var best = firstOccupied(0, after: now).map { now + $0 }
        for level in 1..<Self.levels {
            let shift = UInt64(level * Self.slotBits)
            guard let distance = firstOccupied(level, after: now >> shift) else { continue }
            let tick = ((now >> shift) + distance) << shift
            best = min(best ?? tick, tick)
        }
        return best
    }

    /// Moves to `time` (nanoseconds), handing every due value to `fire`, earlier ticks first.
    ///
    /// Stops early after about `limit` timers were fired or moved down; then `nextDeadline` is not
    /// after `time`, and the next call goes on.
    package mutating func advance(
        to time: UInt64,
        limit: Int = .max,
        _ fire: (Value) -> Void
    ) {
        let target = time / Self.tickNanoseconds
        var left = limit
        while true {
            spread(&left)
            guard now <= target else { return }
            fireSlot(Int(now & UInt64(Self.slotsPerLevel - 1)), &left, fire)
            if left == 0, let next = nextTick, next <= target { return }
            // Nothing begins between here and the next slot with members: jump.
            now = min(nextTick ?? .max, target + 1)
            beginSlot()
        }
    }

    // MARK: Slots

    private mutating func fireSlot(_ slot: Int, _ left: inout Int, _ fire: (Value) -> Void) {
        while left > 0, heads[slot] >= 0 {
            let index = heads[slot]
            unlink(index)
            left -= 1
            if let value = release(index) { fire(value) }
        }
    }

    /// Finds the coarser slot that begins now.
    ///
    /// There is one at most: that of the digit which just went up. The digits below it are zero and
    /// their slots empty, since every timer up to here differed from the time before in that digit.
    private mutating func beginSlot() {
        let level = min(now.trailingZeroBitCount / Self.slotBits, Self.levels - 1)
        guard level > 0 else { return }
        let digit = (now >> UInt64(level * Self.slotBits)) & UInt64(Self.slotsPerLevel - 1)
        let list = level * Self.slotsPerLevel + Int(digit)
        if heads[list] >= 0 { unspread = list }
    }

    /// Moves the timers of the slot that began down.
    private mutating func spread(_ left: inout Int) {
        guard unspread >= 0 else { return }
        while left > 0, heads[unspread] >= 0 {
            let index = heads[unspread]
            unlink(index)
            link(index, to: list(for: nodes[index].tick))
            left -= 1
        }
        if heads[unspread] < 0 { unspread = -1 }
    }

    /// Where a timer waits: at the level of the highest digit in which its tick is not the present.
    private func list(for tick: UInt64) -> Int {
        let differing = UInt64.bitWidth - (tick ^ now).leadingZeroBitCount
        let level = max(differing - 1, 0) / Self.slotBits
        let digit = (tick >> UInt64(level * Self.slotBits)) & UInt64(Self.slotsPerLevel - 1)
        return level * Self.slotsPerLevel + Int(digit)
    }

    private mutating func link(_ index: Int, to list: Int) {
        // At the tail, so that timers of one tick fire in the order they were made: the lists are
        // circular through `previous` of the head.
        let head = heads[list]
        placements += 1
        nodes[index].list = list
        nodes[index].next = -1
        if head < 0 {
            nodes[index].previous = index
            heads[list] = index
            occupied[list / 64] |= 1 << UInt64(list % 64)
        } else {
            let last = nodes[head].previous
            nodes[last].next = index
            nodes[index].previous = last
            nodes[head].previous = index
        }
    }

    private mutating func unlink(_ index: Int) {
        let list = nodes[index].list
        let head = heads[list]
        let next = nodes[index].next
        let previous = nodes[index].previous
        if head == index {
            heads[list] = next
            if next >= 0 {
                nodes[next].previous = previous
            } else {
                occupied[list / 64] &= ~(1 << UInt64(list % 64))
            }
        } else {
            nodes[previous].next = next
            if next >= 0 {
                nodes[next].previous = previous
            } else {
                nodes[head].previous = previous
            }
        }
        nodes[index].list = -1
    }

    private mutating func release(_ index: Int) -> Value? {
        let value = nodes[index].value
        nodes[index].value = nil
        nodes[index].generation &+= 1
        nodes[index].next = firstFree
        firstFree = index
        count -= 1
        return value
    }

    /// How many slots from that of `current` on the first slot with members comes.
    ///
    /// Slots below it are empty: their time is over.
    private func firstOccupied(_ level: Int, after current: UInt64) -> UInt64? {
        let base = level * Self.slotsPerLevel
        let first = Int(current & UInt64(Self.slotsPerLevel - 1))
        var slot = first
        while slot < Self.slotsPerLevel {
            let word = occupied[(base + slot) / 64] >> UInt64(slot % 64)
            if word != 0 { return UInt64(slot + word.trailingZeroBitCount - first) }
            slot += 64 - slot % 64
        }
        return nil
    }
}
