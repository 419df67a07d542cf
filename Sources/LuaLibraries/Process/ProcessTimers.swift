import LuaVM
import ProcessRuntime

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

/// Timers of a process.
///
/// What keeps what alive: a Timer or Ticker object holds its channel; nothing else here holds a
/// channel but the weak table `timerChannels`. So a ticker goes on as long as the script can reach
/// its channel, with or without the object; once the collector took the channel, the timer is
/// abandoned: it is dropped when it is due (and not started again) or by a sweep, whichever comes
/// first. A sweep comes after as many starts as timers were left by the one before, so abandoned
/// timers that the collector has seen are never more than the others (and 1,024), at O(1) a start.
///
/// The runtime has one timer for all of them, the *alarm*, at the moment the first is due. However many
/// timers a process has, others pay for one: not in the runtime's lock, not on the timekeeper's thread,
/// not when the process ends. What is due rings in the process's own turns, `ringsMax` at once.
///
/// An alarm that was replaced may have sent its TIMER signal already: its number is unknown by then,
/// so nothing happens.
extension LuaProcess {
    /// More pending timers than this a process may not have.
    static let timersMax = 100_000
    static let sweepStartsMin = 1_024
    /// So many timers ring before the turn is looked at: a fraction of a slice.
    private static let ringsMax = 256

    /// Weak table from timer number to channel, in the registry.
    private static let timerChannels = LuaKey()

    /// Starts a timer after `nanoseconds`; its number, or nil at the limit.
    func startTimer(after nanoseconds: UInt64, _ use: TimerUse) -> Int64? {
        timers.startsToSweep -= 1
        if timers.startsToSweep <= 0 { sweepTimers() }
        if timers.pending.count >= Self.timersMax { return nil }
        nextToken += 1
        let (deadline, overflow) = runtime.clock.now().addingReportingOverflow(nanoseconds)
        timers.add(nextToken, PendingTimer(use: use, due: overflow ? .max / 2 : deadline))
        setAlarm()
        return nextToken
    }

    /// Stops a timer; whether it was pending.
    @discardableResult
    func stopTimer(_ number: Int64) -> Bool {
        guard let timer = timers.remove(number) else { return false }
        if !timer.use.isSleeper { keepTimerChannel(number, at: nil, helperThread) }
        setAlarm()
        return true
    }

    /// Stops every timer: nothing of the process will run again.
    func stopAllTimers() {
        timers.removeAll()
        setAlarm()
    }

    /// Sees to it that the alarm is not later than the first timer.
    ///
    /// It may be earlier, after a stop: it finds nothing to do then, which costs less than to move it.
    private func setAlarm() {
        if timers.ringsUntil == nil {
            let first = timers.firstDue()
            if let alarm = timers.alarm, first.map({ $0 < alarm.due }) ?? true {
                runtime.stopTimer(alarm.key)
                timers.alarm = nil
            }
            if let first, timers.alarm == nil {
                timers.alarmsSet += 1
                let number = timers.alarmsSet
                let key = runtime.startTimer(for: pid, number: number, at: first)
                timers.alarm = (key, number, first)
            }
        }
        let count = timers.pending.count - (timers.alarm == nil ? 0 : 1)
        if count != timers.reportedCount {
            runtime.timersHeld(changedBy: count - timers.reportedCount)
            timers.reportedCount = count
        }
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

    /// The alarm rang: so does what is due.
    func alarmRang(_ number: Int64) {
        guard timers.alarm?.number == number else { return }
        timers.alarm = nil
        timers.ringsUntil = runtime.clock.now()
        ringTimers()
    }

    /// Goes on with what is due, if something is left of it.
    func ringTimers() {
        guard let until = timers.ringsUntil else { return }
        for _ in 0..<Self.ringsMax {
            guard let (number, timer) = timers.popFirst(dueBy: until) else {
                timers.ringsUntil = nil
                return setAlarm()
            }
            if case .sleeper(let fiber) = timer.use {
                fiber.pointee.token = 0
                ready.append(fiber)
            } else {
                ring(number, timer)
            }
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
            let next = Ticks.next(after: timer.due, period: period, now: runtime.clock.now())
            timers.add(number, PendingTimer(use: timer.use, due: next))
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
