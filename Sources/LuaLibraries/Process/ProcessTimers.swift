import LuaVM
import ProcessRuntime

/// What a pending timer of a process does when it is due.
enum TimerUse {
    /// Wakes a sleeping fiber.
    case sleeper(Record<Fiber>)
    /// Puts a Time into a channel (kept weakly in the registry) and closes it if it fires once.
    case channel(period: UInt64)
}

extension LuaProcess {
    /// More pending timers than this a process may not have.
    static let timersMax = 100_000

    /// Weak table from timer number to channel, in the registry.
    static let timerChannels = LuaKey()

    /// Starts a timer after `nanoseconds`; its number, or nil at the limit.
    func startTimer(after nanoseconds: UInt64, _ use: TimerUse) -> Int64? {
        if timers.count >= Self.timersMax { return nil }
        nextToken += 1
        let deadline = runtime.clock.now().addingReportingOverflow(nanoseconds)
        let key = runtime.startTimer(
            for: pid,
            number: nextToken,
            at: deadline.overflow ? .max / 2 : deadline.partialValue
        )
        timers[nextToken] = (key, use)
        return nextToken
    }

    /// Stops a timer; whether it was pending.
    @discardableResult
    func stopTimer(_ number: Int64) -> Bool {
        guard let (key, _) = timers.removeValue(forKey: number) else { return false }
        runtime.stopTimer(key)
        return true
    }

    /// Remembers, weakly, the channel at `index` as the one of timer `number`.
    func keepTimerChannel(_ number: Int64, at index: Int32, _ thread: LuaThread) {
        let place = thread.absolute(index)
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
        thread.pushValue(place)
        thread.setIndex(-2, number)
        thread.pop()
    }

    func timerFired(_ number: Int64) {
        // Stopped after it fired but before we looked: silent.
        guard let (_, use) = timers.removeValue(forKey: number) else { return }
        switch use {
        case .sleeper(let fiber):
            fiber.pointee.token = 0
            ready.append(fiber)
        case .channel(let period): ring(number, period)
        }
    }

    /// Delivers a Time to the timer's channel, if somebody still holds it.
    private func ring(_ number: Int64, _ period: UInt64) {
        let thread = machine.main
        defer { thread.setTop(0) }
        guard thread.getKey(LuaThread.registry, Self.timerChannels) == .table else { return }
        thread.getIndex(-1, number)
        guard let channel = Channel.at(-1, of: thread), !channel.pointee.isClosed else { return }
        let place = thread.top
        pushTime(runtime.clock.wall(), thread)
        // A ticker that nobody read yet keeps its one tick, as in Go.
        if !trySend(channel, at: place, thread) { thread.pop() }
        if period == 0 {
            close(channel)
        } else {
            let key = runtime.startTimer(
                for: pid,
                number: number,
                at: runtime.clock.now() &+ period
            )
            timers[number] = (key, .channel(period: period))
        }
    }
}
