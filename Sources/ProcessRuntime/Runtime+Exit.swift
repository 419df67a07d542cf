import Payload
import Synchronization

extension Runtime {
    /// Ends a process from outside; no more of its code runs.
    ///
    /// When this returns the pid is no longer routable; its EXIT follows as soon as a worker has
    /// carried it out. Returns false for the dead and the unknown.
    @discardableResult
    package func kill(_ pid: PID, _ reason: ExitReason) -> Bool {
        guard let block = table.block(pid) else { return false }
        let body = block.withLock { state -> (any Runnable)? in
            guard state.pid == pid, state.phase == .alive else { return nil }
            condemn(&state, block, reason)
            return state.body
        }
        guard let body else { return false }
        body.requestDeath()
        if case .limit(let limit) = reason { publish(.limit, pid, block, .text(limit.rawValue)) }
        urge(block)
        return true
    }

    private func condemn(
        _ state: inout ControlBlock.Guarded,
        _ block: ControlBlock,
        _ reason: ExitReason
    ) {
        state.phase = .dying
        if state.doom == nil { state.doom = reason }
        // Release: pairs with the acquire load at the end of a turn and of a spawn.
        block.fields.dying.store(true, ordering: .releasing)
    }

    /// What a finished process leaves to be told to others.
    private struct Estate: ~Copyable {
        var pid: PID
        var record: ExitRecord
        var body: (any Runnable)?
        var names: [String]
        var links: [PID]
        var monitors: [PID]
        var watchers: [PID]
        var lifetimeTimer: TimerKey?
        var isPort: Bool
    }

    /// Carries out an exit.
    ///
    /// Only whoever holds the turn, once a process.
    ///
    /// The order is the promise of SEMANTICS 8: unroutable, names free, EXIT to each monitor, then
    /// LINK_DOWN to each link. No lock is held across steps, and nothing recurses: a partner that
    /// fails in turn is queued.
    func finish(_ block: ControlBlock) {
        let at = clock.wall()
        let estate = settle(block, at)
        let pid = estate.pid
        let record = estate.record
        if let timer = estate.lifetimeTimer { stopTimer(timer) }
        for name in estate.names where names.release(name, of: pid) {
            feed.publish(
                .unregister,
                from: pid,
                entry: record.entry,
                host: record.host,
                at: at,
                .named(name)
            )
        }
        estate.body?.discard()
        if !estate.isPort { announce(record) }
        for watcher in estate.watchers { tellExit(record, to: watcher) }
        for partner in estate.links { tellLink(record, to: partner) }
        for target in estate.monitors { forget(watcher: pid, at: target) }
        // Until here a waiter still joined the list; from here on the exit log answers it.
        for waiter in clear(block) { waiter.notify(record) }
    }

    /// Keeps, counts and publishes an exit.
    private func announce(_ record: ExitRecord) {
        exits.add(record)
        counters.exited.add(record.reason)
        counters.live.wrappingSubtract(1, ordering: .relaxed)
        feed.publish(
            .exit,
            from: record.pid,
            entry: record.entry,
            host: record.host,
            at: record.at,
            .exited(record)
        )
    }

    /// Makes the process unroutable for good and takes over what it had.
    private func settle(_ block: ControlBlock, _ at: UInt64) -> Estate {
        block.withLock { state in
            guard let pid = state.pid, let reason = state.doom else {
                preconditionFailure("an exit is carried out once, and was decided before")
            }
            state.phase = .dying
            let record = ExitRecord(
                pid: pid,
                entry: state.entry,
                host: state.host,
                reason: reason,
                startedAt: state.startedAt,
                at: at
            )
            let estate = Estate(
                pid: pid,
                record: record,
                body: state.body,
                names: state.names,
                links: state.links.takeAll(),
                monitors: state.monitors.takeAll(),
                watchers: state.watchers.takeAll(),
                lifetimeTimer: state.lifetimeTimer,
                isPort: state.isPort
            )
            state.body = nil
            return estate
        }
    }

    private func tellExit(_ record: ExitRecord, to watcher: PID) {
        guard let block = table.block(watcher) else { return }
        let isWhole = hasRoom(block, for: record)
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(Double(record.at) / 1e9)
        if case .normal(let result) = record.reason, isWhole {
            writer.writeEncoded(result)
        } else {
            writer.writeNil()
        }
        write(record.reason.error, isWhole, to: &writer)
        var parcel: Signal? = Signal(.exit, from: record.pid, written: writer)
        let told = block.withLock { state -> Bool in
            guard state.pid == watcher, state.phase == .alive else { return false }
            // Gone from the list: unmonitored in the meantime.
            guard state.monitors.remove(record.pid) else { return false }
            if let signal = parcel.take() { block.put(event: signal, into: &state) }
            return true
        }
        if told { wake(block) }
    }

    /// Whether the receiver's mailbox has room for all that a record carries.
    ///
    /// An event itself is never refused, whatever the mailbox holds; what it carries is left out
    /// when the events that wait already take the mailbox's limit of bytes (the first is whole). Several exits at one
    /// moment may each find the last room.
    private func hasRoom(_ block: ControlBlock, for record: ExitRecord) -> Bool {
        let limit = block.withLock { $0.limits.mailboxBytes }
        let queued = block.fields.queuedEventBytes.load(ordering: .relaxed)
        return queued == 0 || queued + record.weight <= limit
    }

    /// Writes an error (or nil) and, where something had to be left out, the value true.
    private func write(
        _ error: ErrorValue?,
        _ isWhole: Bool,
        to writer: inout PayloadWriter
    ) {
        if var error {
            if !isWhole {
                error.details = .nothing
                error.traceback = []
            }
            error.write(to: &writer)
        } else {
            writer.writeNil()
        }
        if !isWhole { writer.write(true) }
    }

    private func tellLink(_ record: ExitRecord, to partner: PID) {
        guard let block = table.block(partner) else { return }
        var effect = ExitRules.LinkEffect.none
        var parcel: Signal?
        if let error = record.reason.error {
            var writer = PayloadWriter(headerBytes: Signal.headerBytes)
            writer.write(Double(record.at) / 1e9)
            write(error, hasRoom(block, for: record), to: &writer)
            parcel = Signal(.linkDown, from: record.pid, written: writer)
        }
        let body = block.withLock { state -> (any Runnable)? in
            // A partner that is still being made feels it too: its spawner just died.
            guard state.pid == partner, state.phase == .alive || state.phase == .starting,
                state.links.remove(record.pid)
            else { return nil }
            effect = ExitRules.linkEffect(
                normal: record.reason.isNormal,
                trapping: state.trapLinks
            )
            switch effect {
            case .none: break
            case .event: if let signal = parcel.take() { block.put(event: signal, into: &state) }
            case .fail: condemn(&state, block, .linked(from: record.pid))
            }
            return state.body
        }
        guard let body, effect != .none else { return }
        feed.publish(
            .linkDown,
            from: record.pid,
            entry: record.entry,
            host: record.host,
            at: record.at,
            .linkDown(to: partner, error: record.reason.error)
        )
        if effect == .fail {
            body.requestDeath()
            urge(block)
        } else {
            wake(block)
        }
    }

    private func forget(watcher: PID, at target: PID) {
        guard let block = table.block(target) else { return }
        block.withLock { state in
            if state.pid == target { state.watchers.remove(watcher) }
        }
    }

    // MARK: Waiting from outside

    /// How a wait for an exit stands.
    package enum ExitWait: Sendable {
        /// It is over; its record.
        case ended(ExitRecord)
        /// It lives: `notify` will be called once, unless `stopWaiting` comes first.
        case pending(UInt64)
        case unknown
    }

    /// Calls `notify` once when `pid` has exited (on a worker's thread; it must not block).
    package func waitForExit(
        of pid: PID,
        _ notify: @escaping @Sendable (ExitRecord) -> Void
    ) -> ExitWait {
        let id = nextWaiterID()
        if let block = table.block(pid) {
            let registered = block.withLock { state -> Bool in
                guard state.pid == pid, state.phase == .alive || state.phase == .dying else {
                    return false
                }
                state.exitWaiters.append(ExitWaiter(id: id, notify: notify))
                return true
            }
            if registered { return .pending(id) }
        }
        if let record = exitRecord(of: pid) { return .ended(record) }
        return .unknown
    }

    package func stopWaiting(_ id: UInt64, for pid: PID) {
        guard let block = table.block(pid) else { return }
        block.withLock { state in
            if state.pid == pid { state.exitWaiters.removeAll { $0.id == id } }
        }
    }

    /// The record of a process that ended not long ago.
    package func exitRecord(of pid: PID) -> ExitRecord? {
        exits.find(pid, now: clock.wall())
    }

    // MARK: Ending everything

    /// Refuses new processes from now on.
    package func beginDraining() {
        // Release: pairs with the acquire load in `isDraining`. A spawn that looked before still comes
        // through: whoever drains must look at the living once more, later.
        draining.store(true, ordering: .releasing)
    }

    /// Whether new processes are refused.
    package var isDraining: Bool { draining.load(ordering: .acquiring) }

    /// Every live process's pid, and every open port's.
    package func allPIDs() -> [PID] {
        var result: [PID] = []
        for slot in 1..<max(table.usedSlots, 1) {
            guard let block = table.block(slot: slot),
                let pid = PID(number: block.fields.currentPID.load(ordering: .acquiring))
            else { continue }
            result.append(pid)
        }
        return result
    }

    /// Terminates `pid` after `nanoseconds`, if it still lives then.
    package func terminate(_ pid: PID, after nanoseconds: UInt64) {
        _ = schedule(.terminate(pid), at: deadline(after: nanoseconds))
    }
}
