import Testing

@testable import ProcessRuntime

/// A list sorted at each step: what the wheel must behave like.
private struct SortedTimers {
    struct Timer {
        let number: Int
        let tick: UInt64
    }

    var timers: [Timer] = []
    var nextTick: UInt64

    mutating func insert(_ number: Int, at deadline: UInt64) {
        let tick = deadline / 1_000_000 + (deadline % 1_000_000 == 0 ? 0 : 1)
        timers.append(Timer(number: number, tick: max(tick, nextTick)))
    }

    mutating func advance(to time: UInt64) -> [Int] {
        let last = time / 1_000_000
        // `sorted` is stable: within a tick the order of insertion.
        let due = timers.filter { $0.tick <= last }.sorted { $0.tick < $1.tick }
        timers.removeAll { $0.tick <= last }
        nextTick = max(nextTick, last + 1)
        return due.map(\.number)
    }
}

@Suite struct TimerWheelTests {
    /// Delays around every boundary of a level, in nanoseconds.
    private static let reaches: [UInt64] = [
        0, 1, 999_999, 1_000_000, 1_000_001, 200_000_000, 255_000_000, 256_000_000, 257_000_000,
        65_535_000_000, 65_536_000_000, 16_777_215_000_000, 16_777_216_000_000,
        4_294_967_295_000_000, 4_294_967_296_000_000, 1_099_511_627_776_000_000,
    ]

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `the wheel behaves like a sorted list at every level`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var now = random.next() % 3_000_000_000_000
        var wheel = TimerWheel<Int>(start: now)
        var model = SortedTimers(nextTick: now / 1_000_000)
        var keys: [Int: TimerKey] = [:]
        for number in 0..<400 {
            switch random.next() % 8 {
            case 0...3:
                let reach = TimerWheelTests.reaches.randomElement(using: &random) ?? 0
                let deadline = now + reach / (random.next() % 3 + 1) + random.next() % 2_000_000
                keys[number] = wheel.insert(number, at: deadline)
                model.insert(number, at: deadline)
            case 4:
                guard let victim = model.timers.randomElement(using: &random),
                    let key = keys[victim.number]
                else { continue }
                #expect(wheel.cancel(key) == victim.number)
                #expect(wheel.cancel(key) == nil)
                model.timers.removeAll { $0.number == victim.number }
            case 5:
                // To the moment the wheel asks for: never past a timer that is due.
                guard let next = wheel.nextDeadline else { continue }
                let first = model.timers.map(\.tick).min() ?? 0
                #expect(next / 1_000_000 <= first)
                now = max(now, next)
            default:
                let step = TimerWheelTests.reaches.randomElement(using: &random) ?? 0
                now += min(step, 70_000_000_000) / (random.next() % 4 + 1)
            }
            var fired: [Int] = []
            wheel.advance(to: now) { fired.append($0) }
            #expect(fired == model.advance(to: now))
            #expect(wheel.count == model.timers.count)
        }
        for number in wheelLeft(&wheel) { model.timers.removeAll { $0.number == number } }
        #expect(model.timers.isEmpty)
    }

    /// Runs the wheel to its end by the deadlines it names.
    private func wheelLeft(_ wheel: inout TimerWheel<Int>) -> [Int] {
        var fired: [Int] = []
        while let next = wheel.nextDeadline { wheel.advance(to: next) { fired.append($0) } }
        return fired
    }

    /// Advances by a few timers; whether there is more to do up to `time`.
    private func step(
        _ wheel: inout TimerWheel<Int>,
        to time: UInt64,
        _ limit: Int,
        _ fired: inout [Int]
    ) -> Bool {
        let placed = wheel.placements
        let before = fired.count
        wheel.advance(to: time, limit: limit) { fired.append($0) }
        #expect(wheel.placements - placed + fired.count - before <= limit)
        guard let next = wheel.nextDeadline else { return false }
        return next <= time
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `a few at a time it fires the same, in the same order`(_ limit: Int) {
        var random = SeededRandom(seed: UInt64(limit))
        var now: UInt64 = 250_000_000
        var wheel = TimerWheel<Int>(start: now)
        var model = SortedTimers(nextTick: now / 1_000_000)
        var made = 0
        for _ in 0..<300 {
            for _ in 0..<random.next() % 20 {
                // Near the ends of slots, and many of one tick.
                let reach = TimerWheelTests.reaches.randomElement(using: &random) ?? 0
                let tick = (now + reach) / 64_000_000 * 64 + random.next() % 3
                let deadline = tick * 1_000_000
                _ = wheel.insert(made, at: deadline)
                model.insert(made, at: deadline)
                made += 1
            }
            now += min(TimerWheelTests.reaches.randomElement(using: &random) ?? 0, 70_000_000_000)
            var fired: [Int] = []
            while step(&wheel, to: now, limit, &fired) {}
            #expect(fired == model.advance(to: now))
        }
    }

    @Test(arguments: [1, 5, 64])
    func `timers made while a slot is moved down keep the order of their tick`(_ limit: Int) {
        for target in [300, 65_600, 65_536, 131_080] as [UInt64] {
            var wheel = TimerWheel<Int>(start: 0)
            for number in 0..<200 { _ = wheel.insert(number, at: target * 1_000_000) }
            var made = 200
            let slot = (target >= 65_536 ? target / 65_536 * 65_536 : 256) * 1_000_000
            var fired: [Int] = []
            while step(&wheel, to: slot, limit, &fired) {
                guard made < 260 else { continue }
                _ = wheel.insert(made, at: target * 1_000_000)
                made += 1
            }
            while step(&wheel, to: target * 1_000_000, limit, &fired) {}
            #expect(fired == Array(0..<made))
        }
    }

    /// What a start or a cancel costs is one placement, and a life at most one for each level.
    @Test(arguments: [1_000, 100_000])
    func `timers are placed a few times each, however many are pending`(count: Int) {
        var random = SeededRandom(seed: 3)
        var wheel = TimerWheel<Int>(start: 7_000_000_000)
        var keys: [TimerKey] = []
        let hour: UInt64 = 3_600_000_000_000
        for number in 0..<count {
            keys.append(wheel.insert(number, at: 7_000_000_000 + random.next() % hour))
        }
        #expect(wheel.placements == count && wheel.count == count)
        // Stopped and started again, as receives with a timeout do.
        for number in 0..<count / 2 {
            #expect(wheel.cancel(keys[number]) == number)
            keys[number] = wheel.insert(number, at: 7_000_000_000 + random.next() % hour)
        }
        #expect(wheel.placements == count + count / 2)
        for number in stride(from: 0, to: count, by: 2) { wheel.cancel(keys[number]) }
        var fired = 0
        while let next = wheel.nextDeadline { wheel.advance(to: next) { _ in fired += 1 } }
        #expect(fired == count / 2)
        #expect(wheel.placements <= count + count / 2 + 3 * count / 2)
    }

    @Test func `timers of one tick fire in the order they were made, from whichever distance`() {
        // The first is made when its tick is far, the others when it is nearer and nearer.
        for target in [300, 65_600, 65_536, 131_072] as [UInt64] {
            var wheel = TimerWheel<Int>(start: 0)
            var made = 0
            for now in [0, target / 2, target - 60, target - 1] {
                wheel.advance(to: now * 1_000_000) { _ in Issue.record("early") }
                _ = wheel.insert(made, at: target * 1_000_000)
                made += 1
            }
            var fired: [Int] = []
            wheel.advance(to: target * 1_000_000) { fired.append($0) }
            #expect(fired == [0, 1, 2, 3])
        }
    }

    @Test func `no timer is early, to the nanosecond`() {
        for offset in [1, 500_000, 999_999, 1_000_000] as [UInt64] {
            var wheel = TimerWheel<Int>(start: 7_300_000)
            let deadline = 7_300_000 + offset
            _ = wheel.insert(1, at: deadline)
            wheel.advance(to: deadline - 1) { _ in Issue.record("fired before \(deadline)") }
            var fired = 0
            wheel.advance(to: deadline + 999_999) { fired += $0 }
            #expect(fired == 1)
        }
    }

    @Test func `the last moment there is can be waited for`() {
        var wheel = TimerWheel<Int>(start: 0)
        _ = wheel.insert(1, at: .max)
        while let next = wheel.nextDeadline, next < .max {
            wheel.advance(to: next) { _ in Issue.record("early") }
        }
        wheel.advance(to: .max - 1) { _ in Issue.record("early") }
        #expect(wheel.count == 1)
    }

    @Test func `a key of a fired timer does not cancel the next one in its place`() {
        var wheel = TimerWheel<Int>(start: 0)
        let first = wheel.insert(1, at: 1_000_000)
        wheel.advance(to: 1_000_000) { _ in }
        let second = wheel.insert(2, at: 5_000_000)
        #expect(second.index == first.index)
        #expect(wheel.cancel(first) == nil)
        #expect(wheel.cancel(second) == 2)
        #expect(wheel.nextDeadline == nil)
    }

    @Test func `a hundred thousand timers fire once each, in order`() {
        var random = SeededRandom(seed: 9)
        var wheel = TimerWheel<UInt64>(start: 0)
        for _ in 0..<100_000 {
            let deadline = random.next() % 3_600_000_000_000
            _ = wheel.insert(deadline, at: deadline)
        }
        var last: UInt64 = 0
        var fired = 0
        var time: UInt64 = 0
        while wheel.count > 0 {
            time += 100_000_000
            wheel.advance(to: time) { deadline in
                if deadline / 1_000_000 < last / 1_000_000 || deadline > time { fired -= 1_000_000 }
                last = deadline
                fired += 1
            }
        }
        #expect(fired == 100_000)
    }

    @Test func `a long sleep costs no more than a short one`() {
        // A year of empty ticks is passed in one jump; counting them would take minutes.
        var wheel = TimerWheel<Int>(start: 0)
        let year: UInt64 = 365 * 86_400 * 1_000_000_000
        _ = wheel.insert(1, at: 200 * year)
        var fired = 0
        for count in 1...200 as ClosedRange<UInt64> {
            wheel.advance(to: count * year) { fired += $0 }
        }
        #expect(fired == 1)
    }
}
