import ProcessRuntime

/// What a pending timer of a process does when it is due.
enum TimerUse {
    /// Wakes a sleeping fiber.
    case sleeper(Record<Fiber>)
    /// Puts a Time into its channel, once, and closes it.
    case after
    /// Puts a Time into its channel, once.
    case timer
    /// Puts a Time into its channel again and again, `period` nanoseconds apart.
    case ticker(period: UInt64)

    var isSleeper: Bool {
        if case .sleeper = self { true } else { false }
    }
}

/// A timer that is to ring.
struct PendingTimer {
    let use: TimerUse
    /// When, in monotonic nanoseconds.
    let due: UInt64
}

/// The pending timers of a process, by number and in the order in which they are due.
///
/// Numbers are never used twice, but for the next tick of a ticker. Timers of one moment are in the
/// order they were started.
struct TimerTable {
    private(set) var pending: [Int64: PendingTimer] = [:]
    private var order = DeadlineHeap()
    /// Members of `order` whose timer was stopped.
    private var stoppedCount = 0
    /// The one timer of the runtime that stands for all of these; nil with none, or while they ring.
    var alarm: (key: TimerKey, number: Int64, due: UInt64)?
    /// Numbers alarms.
    var alarmsSet: Int64 = 0
    /// While timers ring: those due at this moment or before do.
    var ringsUntil: UInt64?
    /// How many timers the runtime was told of, besides the alarm.
    var reportedCount = 0
    /// How many more timers are started before abandoned ones are looked for.
    var startsToSweep = LuaProcess.sweepStartsMin

    mutating func add(_ number: Int64, _ timer: PendingTimer) {
        pending[number] = timer
        order.push(DeadlineHeap.Entry(due: timer.due, number: number))
    }

    /// Removes a timer that was stopped.
    ///
    /// Its place in the order is left until it comes up, or until most places are like it: O(1).
    mutating func remove(_ number: Int64) -> PendingTimer? {
        guard let timer = pending.removeValue(forKey: number) else { return nil }
        stoppedCount += 1
        if stoppedCount > LuaProcess.sweepStartsMin, stoppedCount > pending.count {
            let pending = pending
            order.keep { pending[$0.number]?.due == $0.due }
            stoppedCount = 0
        }
        return timer
    }

    mutating func removeAll() {
        pending = [:]
        order = DeadlineHeap()
        stoppedCount = 0
        ringsUntil = nil
    }

    /// When the first one is due.
    mutating func firstDue() -> UInt64? {
        while let first = order.first {
            if pending[first.number]?.due == first.due { return first.due }
            order.removeFirst()
            stoppedCount -= 1
        }
        return nil
    }

    /// Takes out the first one, if it is due at `time` or before.
    mutating func popFirst(dueBy time: UInt64) -> (number: Int64, timer: PendingTimer)? {
        guard let due = firstDue(), due <= time, let first = order.first,
            let timer = pending.removeValue(forKey: first.number)
        else { return nil }
        order.removeFirst()
        return (first.number, timer)
    }
}

/// A binary heap of timers: the one due first is on top.
struct DeadlineHeap {
    struct Entry {
        let due: UInt64
        let number: Int64

        static func < (left: Entry, right: Entry) -> Bool {
            (left.due, left.number) < (right.due, right.number)
        }
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var place = entries.count - 1
        while place > 0, entries[place] < entries[(place - 1) / 2] {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        sink(from: 0)
    }

    /// Leaves only the entries that `isKept`; O(n).
    mutating func keep(_ isKept: (Entry) -> Bool) {
        entries.removeAll { !isKept($0) }
        for place in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(from: place) }
    }

    private mutating func sink(from start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { return }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < entries[place] else { return }
            entries.swapAt(place, child)
            place = child
        }
    }
}
