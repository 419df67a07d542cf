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
        if let fault {
            if fault == .mailboxFull { counters.mailboxFull.wrappingAdd(1, ordering: .relaxed) }
            throw fault
        }
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

    /// Delivers an answer the process waits for, a small one: `token`, then what `write` writes.
    package func reply(
        to receiver: PID,
        token: Int64,
        _ write: (inout PayloadWriter) -> Void
    ) {
        _ = put(answer(token, write), for: receiver, isBrief: true)
    }

    /// Delivers an answer the process waits for, as large as it may be.
    ///
    /// Answers that wait are held to the mailbox's limit of bytes, too, though the first is always
    /// whole. One that finds no room is what `writeBriefly` writes instead.
    package func reply(
        to receiver: PID,
        token: Int64,
        _ write: (inout PayloadWriter) -> Void,
        orElse writeBriefly: (inout PayloadWriter) -> Void
    ) {
        if put(answer(token, write), for: receiver, isBrief: false) { return }
        reply(to: receiver, token: token, writeBriefly)
    }

    private func answer(_ token: Int64, _ write: (inout PayloadWriter) -> Void) -> Signal {
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(token)
        write(&writer)
        return Signal(.reply, from: nil, written: writer)
    }

    /// False when there is no room; an answer to somebody who is gone needs none.
    private func put(_ answer: consuming Signal, for receiver: PID, isBrief: Bool) -> Bool {
        guard let block = table.block(receiver) else { return true }
        let bytes = answer.byteCount
        var parcel: Signal? = consume answer
        var isRefused = false
        let alive = block.withLock { state -> Bool in
            guard state.pid == receiver, state.phase == .alive else { return false }
            let queued = block.fields.queuedReplyBytes.load(ordering: .relaxed)
            if !isBrief, queued > 0, queued + bytes > state.limits.mailboxBytes {
                isRefused = true
                return false
            }
            if let signal = parcel.take() { block.put(reply: signal, into: &state) }
            return true
        }
        if alive { wake(block) }
        return !isRefused
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

    /// Says that an answer was taken.
    package func consumedReply(_ block: ControlBlock, bytes: Int) {
        block.fields.queuedReplyBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Says that a message left the mailbox for good.
    package func consumed(_ block: ControlBlock, bytes: Int) {
        block.fields.consumed.add(bytes: bytes)
    }
}
