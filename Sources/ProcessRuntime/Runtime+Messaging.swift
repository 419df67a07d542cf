package import Payload
import Synchronization

extension Runtime {
    /// Puts a message into the mailbox of `receiver`.
    ///
    /// Returns normally exactly when the message is in the mailbox of a process that was alive at
    /// that moment; otherwise the message is freed and never received.
    package func send(_ message: consuming Signal, to receiver: PID) throws(RuntimeFault) {
        guard let block = table.block(receiver) else { throw .processNotFound }
        let bytes = message.byteCount
        // A consuming parameter can't be consumed inside the closure: it travels in an optional.
        var parcel: Signal? = consume message
        let fault = block.withLock { state -> RuntimeFault? in
            guard state.pid == receiver, state.phase == .alive else { return .processNotFound }
            let limits = state.limits
            if block.queuedMessages >= limits.mailboxMessages
                || block.queuedBytes + bytes > limits.mailboxBytes
            {
                return .mailboxFull
            }
            block.fields.accepted.add(bytes: bytes)
            if let signal = parcel.take() { block.put(signal, into: &state) }
            return nil
        }
        if let fault { throw fault }
        counters.messages.wrappingAdd(1, ordering: .relaxed)
        wake(block)
    }

    /// Delivers a lifecycle signal: no mailbox limit holds for these.
    ///
    /// Dropped for the dead.
    func deliver(_ signal: consuming Signal, to receiver: PID) {
        guard let block = table.block(receiver) else { return }
        var parcel: Signal? = consume signal
        let alive = block.withLock { state -> Bool in
            guard state.pid == receiver, state.phase == .alive else { return false }
            if let signal = parcel.take() { block.put(signal, into: &state) }
            return true
        }
        if alive { wake(block) }
    }

    /// Delivers an answer the process waits for: `token`, then what `write` writes.
    package func reply(
        to receiver: PID,
        token: Int64,
        _ write: (inout PayloadWriter) -> Void
    ) {
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(token)
        write(&writer)
        deliver(Signal(.reply, from: nil, written: writer), to: receiver)
    }

    /// Asks a process to stop: a CANCEL event in its mailbox.
    package func cancel(_ pid: PID, reason: String, from: PID?) throws(RuntimeFault) {
        let at = clock.wall()
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(Double(at) / 1e9)
        writer.write(reason)
        guard let block = table.block(pid) else { throw .processNotFound }
        var parcel: Signal? = Signal(.cancel, from: from, written: writer)
        var isFull = false
        let who = block.withLock { state -> (String, String)? in
            guard state.pid == pid, state.phase == .alive else { return nil }
            // Whoever asks can ask again: a request has no right to room that events need.
            let queued = block.fields.queuedEventBytes.load(ordering: .relaxed)
            if let signal = parcel.take() {
                isFull = queued + signal.byteCount > state.limits.mailboxBytes
                if !isFull { block.put(event: signal, into: &state) }
            }
            return (state.entry, state.host)
        }
        guard let who else { throw .processNotFound }
        if isFull { throw .mailboxFull }
        feed.publish(.cancel, from: pid, entry: who.0, host: who.1, at: at, .text(reason))
        wake(block)
    }

    // MARK: The receiver's side (only whoever holds the turn)

    /// Moves everything that arrived into `queue`, numbering it in order of arrival.
    package func drain(
        _ block: ControlBlock,
        into queue: inout SignalQueue,
        numberingFrom sequence: inout UInt64
    ) {
        guard block.hasArrivals else { return }
        block.withLock { state in
            queue.take(&state.incoming, numberingFrom: &sequence)
            block.fields.hasIncoming.store(false, ordering: .relaxed)
        }
    }

    /// Says that a lifecycle event left the mailbox for good.
    package func consumedEvent(_ block: ControlBlock, bytes: Int) {
        block.fields.queuedEventBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Says that a message left the mailbox for good.
    package func consumed(_ block: ControlBlock, bytes: Int) {
        block.fields.consumed.add(bytes: bytes)
    }

    // MARK: Timers

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

    /// Calls `action` on the timekeeper's thread at `deadline`; it must not block.
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

    /// Timers pending now.
    package var pendingTimers: Int { timers.withLock { $0.count } }

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
