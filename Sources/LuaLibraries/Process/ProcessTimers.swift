import LuaVM
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

/// When tickers tick.
package enum Ticks {
    /// The first tick after `now` of a ticker that ticked at `due` or should have, in nanoseconds.
    ///
    /// Ticks stay a multiple of `period` (not zero) apart: late turns neither shift them nor pile
    /// them up. A time beyond the clock's range is "never".
    package static func next(after due: UInt64, period: UInt64, now: UInt64) -> UInt64 {
        let missed = now > due ? (now - due) / period : 0
        let (span, isLong) = (missed + 1).multipliedReportingOverflow(by: period)
        let (next, isLate) = due.addingReportingOverflow(span)
        return isLong || isLate ? .max / 2 : next
    }
}

/// A timer that the runtime will fire.
struct PendingTimer {
    let key: TimerKey
    let use: TimerUse
    /// When, in monotonic nanoseconds.
    let due: UInt64
}

/// The pending timers of a process by number; numbers are never used twice.
struct TimerTable {
    fileprivate(set) var pending: [Int64: PendingTimer] = [:]
    /// How many more timers are started before abandoned ones are looked for.
    fileprivate var startsToSweep = LuaProcess.sweepStartsMin
}

/// Timers of a process.
///
/// What keeps what alive: a Timer or Ticker object holds its channel; nothing else here holds a
/// channel but the weak table `timerChannels`. So a ticker goes on as long as the script can reach
/// its channel, with or without the object; once the collector took the channel, the timer is
/// abandoned: it is dropped when it is due (and not started again) or by a sweep, whichever comes
/// first. A sweep comes after as many starts as timers were left by the one before, so abandoned
/// timers that the collector has seen are never more than the others (and 1,024), at O(1) a start.
///
/// A timer that was stopped may have sent its TIMER signal already: its number is unknown by then,
/// so nothing happens.
extension LuaProcess {
    /// More pending timers than this a process may not have.
    static let timersMax = 100_000
    fileprivate static let sweepStartsMin = 1_024

    /// Weak table from timer number to channel, in the registry.
    private static let timerChannels = LuaKey()

    /// Starts a timer after `nanoseconds`; its number, or nil at the limit.
    func startTimer(after nanoseconds: UInt64, _ use: TimerUse) -> Int64? {
        timers.startsToSweep -= 1
        if timers.startsToSweep <= 0 { sweepTimers() }
        if timers.pending.count >= Self.timersMax { return nil }
        nextToken += 1
        let (deadline, overflow) = runtime.clock.now().addingReportingOverflow(nanoseconds)
        arm(nextToken, use, at: overflow ? .max / 2 : deadline)
        return nextToken
    }

    private func arm(_ number: Int64, _ use: TimerUse, at deadline: UInt64) {
        let key = runtime.startTimer(for: pid, number: number, at: deadline)
        timers.pending[number] = PendingTimer(key: key, use: use, due: deadline)
    }

    /// Stops a timer; whether it was pending.
    @discardableResult
    func stopTimer(_ number: Int64) -> Bool {
        guard let timer = timers.pending.removeValue(forKey: number) else { return false }
        runtime.stopTimer(timer.key)
        if !timer.use.isSleeper { keepTimerChannel(number, at: nil, helperThread) }
        return true
    }

    /// Stops every timer: nothing of the process will run again.
    func stopAllTimers() {
        for timer in timers.pending.values { runtime.stopTimer(timer.key) }
        timers.pending = [:]
    }

    /// Remembers, weakly, the channel at `index` as the one of timer `number`; nil forgets it.
    func keepTimerChannel(_ number: Int64, at index: Int32?, _ thread: LuaThread) {
        let height = thread.top
        defer { thread.setTop(height) }
        if let index { thread.pushValue(index) } else { thread.pushNil() }
        if thread.getKey(LuaThread.registry, Self.timerChannels) != .table {
            thread.pop()
            thread.pushTable()
            thread.pushTable(pairs: 1)
            thread.push("v")
            thread.setField(-2, "__mode")
            thread.setMetatable(-2)
            thread.pushValue(-1)
            thread.setKey(LuaThread.registry, Self.timerChannels)
        }
        thread.insert(-2)
        thread.setIndex(-2, number)
    }

    func timerFired(_ number: Int64) {
        // Stopped after it fired but before we looked: silent.
        guard let timer = timers.pending.removeValue(forKey: number) else { return }
        if case .sleeper(let fiber) = timer.use {
            fiber.pointee.token = 0
            ready.append(fiber)
        } else {
            ring(number, timer)
        }
    }

    /// Delivers a Time to the timer's channel, if somebody still holds it.
    private func ring(_ number: Int64, _ timer: PendingTimer) {
        let thread = helperThread
        let height = thread.top
        defer { thread.setTop(height) }
        guard thread.getKey(LuaThread.registry, Self.timerChannels) == .table else { return }
        thread.getIndex(-1, number)
        guard let channel = Channel.at(-1, of: thread), !channel.pointee.isClosed else { return }
        let place = thread.top
        pushTime(runtime.clock.wall(), thread)
        // A ticker that nobody read yet keeps its one tick, as in Go.
        if !trySend(channel, at: place, thread) { thread.pop() }
        if case .ticker(let period) = timer.use {
            arm(
                number,
                timer.use,
                at: Ticks.next(after: timer.due, period: period, now: runtime.clock.now())
            )
        } else {
            keepTimerChannel(number, at: nil, thread)
        }
        if case .after = timer.use { close(channel) }
    }

    /// Drops timers whose channel nobody holds any more.
    private func sweepTimers() {
        let thread = helperThread
        let height = thread.top
        defer { thread.setTop(height) }
        if thread.getKey(LuaThread.registry, Self.timerChannels) == .table {
            let abandoned = timers.pending.filter { number, timer in
                if timer.use.isSleeper { return false }
                defer { thread.pop() }
                return thread.getIndex(-1, number) == .nothing
            }
            for number in abandoned.keys { stopTimer(number) }
        }
        let left = timers.pending.count
        // At the limit every start is refused: then look again soon.
        timers.startsToSweep =
            left >= Self.timersMax ? Self.sweepStartsMin : max(left, Self.sweepStartsMin)
    }
}
