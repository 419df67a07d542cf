package import Payload

/// A pid for somebody outside every process, and what is done with the signals it gets.
///
/// To processes it is a pid like any other: they send to it, monitor it, link with it; and who holds
/// it sends, monitors and links as it. It is no process, though: it has no code, is in no list and no
/// count, publishes no SPAWN and no EXIT, and leaves no exit record.
///
/// Life: `Runtime.open` -> `receive` for each signal, in order of arrival -> `receive` returns a
/// reason, or `Runtime.kill`, or the server's end -> `onClose`, once. Links are trapped: a partner's
/// failure is a signal. A signal that was sent before another is received before it, so a reply that
/// its sender gave before it ended comes before its EXIT.
package final class Port: Runnable {
    /// Takes a signal on a worker's thread, and must not block; a reason closes the port.
    ///
    /// What is behind that signal is dropped with the port.
    package typealias Receiver = @Sendable (borrowing Signal) -> ExitReason?

    /// What inspection shows as its entry.
    let entry: String
    let limits: ProcessLimits
    private unowned let runtime: Runtime
    private let receive: Receiver
    private let onClose: @Sendable () -> Void

    /// Makes a port that is not open yet; `onClose` must not block.
    ///
    /// What waits to be received is bounded by `limits`, as a process's mailbox is.
    package init(
        _ runtime: Runtime,
        entry: String,
        limits: ProcessLimits = ProcessLimits(),
        receive: @escaping Receiver,
        onClose: @escaping @Sendable () -> Void
    ) {
        self.runtime = runtime
        self.entry = entry
        self.limits = limits
        self.receive = receive
        self.onClose = onClose
    }

    package func run(
        _ block: ControlBlock,
        on worker: (any WorkerContext)?
    ) -> TurnOutcome {
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        runtime.drain(block, into: &queue, numberingFrom: &sequence)
        while let signal = queue.popFirst() {
            if let reason = receive(signal) { return .ended(reason) }
            switch signal.kind {
            case .message: runtime.consumed(block, bytes: signal.byteCount)
            case .exit, .linkDown, .cancel:
                runtime.consumedEvent(block, bytes: signal.byteCount)
            case .timer, .reply: break
            }
        }
        return .waiting
    }

    package func discard() { onClose() }
    package func requestDeath() {}
    package var memoryBytes: Int { 0 }
    package func describe() -> RunnableDescription {
        var description = RunnableDescription()
        description.fibers = 0
        description.waitingFor = ["inbox"]
        return description
    }
}

extension Runtime {
    /// Gives `port` a pid, which is never used again.
    ///
    /// Throws `processLimit` where the table is full and `draining`.
    package func open(_ port: Port) throws(RuntimeFault) -> PID {
        if isDraining { throw .draining }
        guard let block = table.take() else { throw .processLimit }
        var request = SpawnRequest(entry: port.entry, host: "")
        request.limits = port.limits
        let pid = fill(block, request, port, clock.wall())
        block.withLock { state in
            state.isPort = true
            state.trapLinks = true
            state.phase = .alive
        }
        // There is nothing to do in a first turn.
        block.becomeWaiting()
        // Whoever guessed the pid found it starting, and did not queue it. The lock, which they held
        // before they looked, says which of the two comes later.
        let (isDying, hasMail) = block.withLock { ($0.doom != nil, !$0.incoming.isEmpty) }
        if isDying { urge(block) } else if hasMail { wake(block) }
        return pid
    }
}

extension Signal {
    /// What it carries, as one value: nil, the only value, or an array of several (SEMANTICS 6).
    package var value: Payload {
        withPayload { reader in
            var count = 0
            while !reader.isAtEnd {
                reader.skip()
                count += 1
            }
            // SAFETY: the bytes behind the topic, which the signal owns during the call.
            let bytes = unsafe UnsafeRawBufferPointer(
                start: body + header.pointee.topicBytes,
                count: header.pointee.payloadBytes
            )
            if count == 0 { return .nothing }
            if count == 1 { return unsafe Payload(bytes: Array(bytes)) }
            var writer = PayloadWriter()
            let table = writer.beginTable(.array)
            unsafe writer.append(bytes)
            writer.endTable(table, sequence: count, pairs: 0)
            return writer.finish()
        }
    }

    /// Its topic; what is not UTF-8 becomes U+FFFD.
    package var topic: String {
        unsafe withTopic { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
