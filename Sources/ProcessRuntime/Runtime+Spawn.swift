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
    package var messages: [(topic: [UInt8], payload: Payload)] = []

    package init(entry: String, host: String) {
        self.entry = entry
        self.host = host
    }
}

extension Runtime {
    /// Makes a process that runs `body`.
    ///
    /// Name, link, monitor and first messages are in place before its first instruction. On a fault
    /// nothing was made, and `body` was told at most which pid it would have had.
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
            try tie(pid, request)
            try bring(pid, block, toLifeAs: request.name)
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
            let end = deadline(after: request.limits.lifetimeNanoseconds)
            let key = schedule(.lifetime(pid), at: end)
            block.withLock { $0.lifetimeTimer = key }
        }
        block.becomeReady()
        let doomed = block.fields.dying.load(ordering: .acquiring)
        dispatcher.enqueue(block, urgent: doomed)
        return pid
    }

    func fill(
        _ block: ControlBlock,
        _ request: SpawnRequest,
        _ body: any Runnable,
        _ startedAt: UInt64
    ) -> PID {
        block.becomeStarting()
        block.fields.dying.store(false, ordering: .relaxed)
        block.fields.accepted.reset()
        block.fields.consumed.reset()
        block.fields.queuedEventBytes.store(0, ordering: .relaxed)
        block.fields.queuedReplyBytes.store(0, ordering: .relaxed)
        block.fields.cpuNanoseconds.store(0, ordering: .relaxed)
        let generation = block.withLock { $0.generation }
        let pid = PID(slot: block.slot, generation: generation)
        body.spawned(as: pid, in: block)
        return block.withLock { state in
            state.phase = .starting
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
                block.fields.accepted.add(bytes: signal.byteCount)
                block.put(signal, into: &state)
            }
            block.turnBody = body
            block.turnCPULimit = request.limits.cpuNanoseconds
            block.fields.currentPID.store(pid.number, ordering: .releasing)
            return pid
        }
    }

    /// Puts the link and the monitor in place, or neither.
    private func tie(_ pid: PID, _ request: SpawnRequest) throws(RuntimeFault) {
        if let partner = request.linkedTo {
            let tied = withBoth(partner, pid, whileStarting: true) { partnerState, ownState in
                partnerState.links.insert(pid)
                ownState.links.insert(partner)
            }
            if !tied { throw .callerDying }
        }
        if let watcher = request.monitoredBy {
            let tied = withBoth(watcher, pid, whileStarting: true) { watcherState, ownState in
                watcherState.monitors.insert(pid)
                ownState.watchers.insert(watcher)
            }
            if !tied { throw .callerDying }
        }
    }

    /// Makes the process routable, and its name its own, in one step.
    ///
    /// Until here nobody could tie itself to it or send to it, so a spawn that fails leaves nobody
    /// waiting. A partner's failure meanwhile has doomed it already: it is born dying.
    private func bring(
        _ pid: PID,
        _ block: ControlBlock,
        toLifeAs name: String?
    ) throws(RuntimeFault) {
        if let name {
            do throws(RuntimeFault) {
                try names.claim(name, for: pid, block, in: table)
            } catch .processNotFound {
                throw .callerDying
            }
        } else {
            block.withLock { if $0.phase == .starting { $0.phase = .alive } }
        }
    }

    /// Takes back a process that never was routable.
    private func abandon(_ block: ControlBlock, _ pid: PID, _ request: SpawnRequest) {
        if let partner = request.linkedTo {
            untie(partner, { $0.links.remove(pid) }, pid, { $0.links.remove(partner) })
        }
        if let watcher = request.monitoredBy {
            untie(watcher, { $0.monitors.remove(pid) }, pid, { $0.watchers.remove(watcher) })
        }
        _ = clear(block)
    }

    /// Empties a slot and gives it back; its pid will not come again.
    ///
    /// Returns who waited for it.
    func clear(_ block: ControlBlock) -> [ExitWaiter] {
        let waiters = block.withLock { state -> [ExitWaiter] in
            let waiters = state.exitWaiters
            state.generation += 1
            state.phase = .free
            state.pid = nil
            state.doom = nil
            state.body = nil
            state.incoming = SignalQueue()
            block.fields.hasIncoming.store(false, ordering: .relaxed)
            block.turnBody = nil
            state.names = []
            state.links = PIDSet()
            state.monitors = PIDSet()
            state.watchers = PIDSet()
            state.exitWaiters = []
            state.isPort = false
            state.lifetimeTimer = nil
            return waiters
        }
        block.fields.currentPID.store(0, ordering: .releasing)
        block.becomeFree()
        table.giveBack(block)
        return waiters
    }
}
