import Payload
import Synchronization

extension Runtime {
    /// What a timer does when it is due.
    enum TimerTarget: Sendable {
        /// A TIMER signal with that number.
        case signal(PID, Int64)
        case lifetime(PID)
        case terminate(PID)
        case call(@Sendable () -> Void)
    }

    /// Sends a TIMER signal with `number` to `pid` at `deadline` (monotonic nanoseconds).
    package func startTimer(for pid: PID, number: Int64, at deadline: UInt64) -> TimerKey {
        schedule(.signal(pid, number), at: deadline)
    }

    /// Calls `action` on the timekeeper's thread at `deadline` (monotonic nanoseconds).
    ///
    /// It must not block.
    package func call(
        at deadline: UInt64,
        _ action: @escaping @Sendable () -> Void
    ) -> TimerKey {
        schedule(.call(action), at: deadline)
    }

    /// Stops a timer; false when it fired or was stopped before.
    @discardableResult
    package func stopTimer(_ key: TimerKey) -> Bool {
        timers.withLock { $0.cancel(key) != nil }
    }

    /// Runs the timers that are due, as many as do not take long.
    ///
    /// Called by the timekeeper or the simulation.
    ///
    /// Returns when to call again (monotonic nanoseconds), or nil with no timer left: a time that is
    /// past when more of them are due.
    package func runTimers() -> UInt64? {
        var due: [TimerTarget] = []
        let next = timers.withLock { wheel in
            // A quarter of a millisecond or so: the lock is free and slices end in between.
            wheel.advance(to: clock.now(), limit: 512) { due.append($0) }
            return wheel.nextDeadline
        }
        for target in due { fire(target) }
        return next
    }

    /// Timers pending now, those that wait at their processes included.
    package var pendingTimers: Int {
        timers.withLock { $0.count } + counters.heldTimers.load(ordering: .relaxed)
    }

    /// Says that a process has so many more timers of its own, for which another one here stands.
    package func timersHeld(changedBy change: Int) {
        counters.heldTimers.wrappingAdd(change, ordering: .relaxed)
    }

    /// The moment `nanoseconds` from now; the end of time when that is past it.
    func deadline(after nanoseconds: UInt64) -> UInt64 {
        let (sum, overflow) = clock.now().addingReportingOverflow(nanoseconds)
        return overflow ? .max : sum
    }

    func schedule(_ target: TimerTarget, at deadline: UInt64) -> TimerKey {
        let (key, earliest) = timers.withLock { wheel -> (TimerKey, Bool) in
            let before = wheel.nextDeadline
            let key = wheel.insert(target, at: deadline)
            return (key, before.map { deadline < $0 } ?? true)
        }
        if earliest { dispatcher.timerChanged(to: deadline) }
        return key
    }

    func fire(_ target: TimerTarget) {
        switch target {
        case .signal(let pid, let number):
            var writer = PayloadWriter(headerBytes: Signal.headerBytes)
            writer.write(number)
            deliver(Signal(.timer, from: nil, written: writer), to: pid)
        case .lifetime(let pid): _ = kill(pid, .limit(.lifetime))
        case .terminate(let pid): _ = kill(pid, .terminated)
        case .call(let action): action()
        }
    }
}
