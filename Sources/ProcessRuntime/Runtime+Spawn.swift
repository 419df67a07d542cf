package import Payload
import Synchronization

/// Everything about a process to be made but what it runs.
package struct SpawnRequest: Sendable {
    package var entry: String
    package var host: String
    package var parent: PID?
    /// Registered before the first instruction; taken names make the spawn fail.
    package var name: String?
    /// Links the new process with this one before its first instruction.
    package var linkedTo: PID?
    /// Has this one monitor the new process before its first instruction.
    package var monitoredBy: PID?
    package var limits = ProcessLimits()
    /// Put into its mailbox before its first instruction.
    package var messages: [(topic: String, payload: Payload)] = []

    package init(entry: String, host: String) {
        self.entry = entry
        self.host = host
    }
}

extension Runtime {
    /// Makes a process that runs `body`.
    ///
    /// Name, link, monitor and first messages are in place before its first instruction. On a fault
    /// nothing was made and `body` was not touched.
    package func spawn(
        _ request: SpawnRequest,
        running body: any Runnable
    ) throws(RuntimeFault) -> PID {
        if draining.load(ordering: .relaxed) { throw .draining }
        if let name = request.name { try check(name: name) }
        guard let block = table.take() else { throw .processLimit }
        let startedAt = clock.wall()
        let pid = fill(block, request, body, startedAt)
        do throws(RuntimeFault) {
            if let name = request.name { try names.claim(name, for: pid, block, in: table) }
            try tie(pid, block, request)
        } catch {
            abandon(block, pid, request)
            throw error
        }
        counters.spawned.wrappingAdd(1, ordering: .relaxed)
        counters.live.wrappingAdd(1, ordering: .relaxed)
        feed.publish(
            .spawn,
            from: pid,
            entry: request.entry,
            host: request.host,
            at: startedAt,
            .spawned(name: request.name, parent: request.parent)
        )
        if let name = request.name {
            feed.publish(
                .register,
                from: pid,
                entry: request.entry,
                host: request.host,
                at: startedAt,
                .named(name)
            )
        }
        if request.limits.lifetimeNanoseconds > 0 {
            let key = schedule(
                .lifetime(pid),
                at: clock.now() &+ request.limits.lifetimeNanoseconds
            )
            block.guarded.withLock { $0.lifetimeTimer = key }
        }
        block.becomeReady()
        let doomed = block.dying.load(ordering: .acquiring)
        dispatcher.enqueue(block, urgent: doomed)
        return pid
    }

    private func fill(
        _ block: ControlBlock,
        _ request: SpawnRequest,
        _ body: any Runnable,
        _ startedAt: UInt64
    ) -> PID {
        block.becomeStarting()
        block.dying.store(false, ordering: .relaxed)
        block.queuedMessages.store(0, ordering: .relaxed)
        block.queuedBytes.store(0, ordering: .relaxed)
        block.cpuNanoseconds.store(0, ordering: .relaxed)
        let generation = block.guarded.withLock { $0.generation }
        let pid = PID(slot: block.slot, generation: generation)
        body.spawned(as: pid, in: block)
        return block.guarded.withLock { state in
            state.phase = .alive
            state.pid = pid
            state.doom = nil
            state.body = body
            state.trapLinks = false
            state.limits = request.limits
            state.entry = request.entry
            state.host = request.host
            state.parent = request.parent
            state.startedAt = startedAt
            state.lifetimeTimer = nil
            for message in request.messages {
                let signal = Signal(
                    topic: message.topic,
                    payload: message.payload,
                    from: request.parent
                )
                block.queuedMessages.wrappingAdd(1, ordering: .relaxed)
                block.queuedBytes.wrappingAdd(signal.byteCount, ordering: .relaxed)
                state.incoming.append(signal)
            }
            block.currentPID.store(pid.number, ordering: .releasing)
            return pid
        }
    }

    /// Puts the link and the monitor in place, or neither.
    private func tie(
        _ pid: PID,
        _ block: ControlBlock,
        _ request: SpawnRequest
    ) throws(RuntimeFault) {
        if let partner = request.linkedTo {
            let tied = withBoth(partner, pid) { partnerState, ownState in
                partnerState.links.append(pid)
                ownState.links.append(partner)
            }
            if !tied { throw .callerDying }
        }
        if let watcher = request.monitoredBy {
            let tied = withBoth(watcher, pid) { watcherState, ownState in
                watcherState.monitors.append(pid)
                ownState.watchers.append(watcher)
            }
            if !tied { throw .callerDying }
        }
    }

    /// Takes back a process that was never published: nobody saw its pid.
    private func abandon(_ block: ControlBlock, _ pid: PID, _ request: SpawnRequest) {
        if let name = request.name { names.release(name, of: pid) }
        if let partner = request.linkedTo {
            _ = withBoth(partner, pid) { partnerState, _ in
                partnerState.links.removeAll { $0 == pid }
            }
        }
        _ = clear(block)
    }

    /// Empties a slot and gives it back; its pid will not come again.
    ///
    /// Returns who waited for it.
    func clear(_ block: ControlBlock) -> [ExitWaiter] {
        let waiters = block.guarded.withLock { state -> [ExitWaiter] in
            let waiters = state.exitWaiters
            state.generation += 1
            state.phase = .free
            state.pid = nil
            state.doom = nil
            state.body = nil
            state.incoming = SignalQueue()
            state.names = []
            state.links = []
            state.monitors = []
            state.watchers = []
            state.exitWaiters = []
            state.lifetimeTimer = nil
            return waiters
        }
        block.currentPID.store(0, ordering: .releasing)
        block.becomeFree()
        table.giveBack(block)
        return waiters
    }

    /// Runs `action` with both processes' states, if both are alive; false otherwise.
    ///
    /// Locks are taken in slot order (ARCHITECTURE, "Lock order").
    func withBoth(
        _ first: PID,
        _ second: PID,
        _ action: (inout ControlBlock.Guarded, inout ControlBlock.Guarded) -> Void
    ) -> Bool {
        guard first.slot != second.slot, let firstBlock = table.block(first),
            let secondBlock = table.block(second)
        else { return false }
        func check(
            _ one: inout ControlBlock.Guarded,
            _ other: inout ControlBlock.Guarded
        ) -> Bool {
            guard one.pid == first, one.phase == .alive, other.pid == second,
                other.phase == .alive
            else { return false }
            action(&one, &other)
            return true
        }
        if first.slot < second.slot {
            return firstBlock.guarded.withLock { one in
                secondBlock.guarded.withLock { other in check(&one, &other) }
            }
        }
        return secondBlock.guarded.withLock { other in
            firstBlock.guarded.withLock { one in check(&one, &other) }
        }
    }
}
