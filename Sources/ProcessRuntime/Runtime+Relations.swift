import Synchronization

extension Runtime {
    /// Has `watcher` monitor `target`: exactly one EXIT signal will come.
    ///
    /// Throws `processNotFound` for a dead target and `alreadyMonitoring` for a second time.
    /// Monitoring oneself is accepted and has no effect.
    package func monitor(_ target: PID, by watcher: PID) throws(RuntimeFault) {
        if target == watcher { return }
        var again = false
        let tied = withBoth(watcher, target) { watcherState, targetState in
            if watcherState.monitors.contains(target) {
                again = true
                return
            }
            watcherState.monitors.insert(target)
            targetState.watchers.insert(watcher)
        }
        if !tied { throw .processNotFound }
        if again { throw .alreadyMonitoring }
    }

    /// Ends monitoring; an EXIT that is queued already stays, one that is not never comes.
    package func unmonitor(_ target: PID, by watcher: PID) {
        untie(watcher, { $0.monitors.remove(target) }, target, { $0.watchers.remove(watcher) })
    }

    /// Links two processes; twice is once.
    ///
    /// Linking a process with itself has no effect.
    package func link(_ first: PID, _ second: PID) throws(RuntimeFault) {
        if first == second {
            guard isAlive(first) else { throw .processNotFound }
            return
        }
        let tied = withBoth(first, second) { firstState, secondState in
            firstState.links.insert(second)
            secondState.links.insert(first)
        }
        if !tied { throw .processNotFound }
    }

    /// Undoes a link; a failure of either that the other has not felt yet no longer concerns it.
    package func unlink(_ first: PID, _ second: PID) {
        untie(first, { $0.links.remove(second) }, second, { $0.links.remove(first) })
    }

    /// Says whether link failures come as events.
    ///
    /// The value when the failure arrives counts.
    package func setTrapLinks(_ trap: Bool, of pid: PID) {
        guard let block = table.block(pid) else { return }
        block.withLock { state in
            if state.pid == pid { state.trapLinks = trap }
        }
    }

    package func trapsLinks(_ pid: PID) -> Bool {
        guard let block = table.block(pid) else { return false }
        return block.withLock { $0.pid == pid && $0.trapLinks }
    }

    package func isAlive(_ pid: PID) -> Bool {
        guard let block = table.block(pid) else { return false }
        return block.withLock { $0.pid == pid && $0.phase == .alive }
    }

    // MARK: Names

    /// Gives `name` to `pid`; the same pid again is no error.
    package func register(_ name: String, for pid: PID) throws(RuntimeFault) -> Bool {
        try check(name: name)
        guard let block = table.block(pid) else { throw .processNotFound }
        let isNew = try names.claim(
            name,
            for: pid,
            block,
            in: table,
            atMost: configuration.namesPerProcessMax
        )
        if isNew { publish(.register, pid, block, .named(name)) }
        return isNew
    }

    /// The live process that has `name`, or nil.
    package func lookup(_ name: String) -> PID? {
        guard let pid = names.find(name), isAlive(pid) else { return nil }
        return pid
    }

    /// Takes `name` away, from whichever process has it; nil when nobody has.
    @discardableResult
    package func unregister(_ name: String, onlyOf owner: PID? = nil) -> PID? {
        guard let pid = names.find(name), owner == nil || owner == pid,
            let block = table.block(pid), names.revoke(name, of: pid, block)
        else { return nil }
        publish(.unregister, pid, block, .named(name))
        return pid
    }

    /// Every name and its process, sorted by name.
    package func allNames() -> [(name: String, pid: PID)] {
        names.all().filter { isAlive($0.pid) }.sorted { $0.name < $1.name }
    }

    /// The process that a pid text or a registered name means, dead or alive.
    package func resolve(_ text: String) -> PID? {
        pids.parse(text) ?? lookup(text)
    }

    func check(name: String) throws(RuntimeFault) {
        if name.isEmpty { throw .nameInvalid("a name may not be empty") }
        if name.utf8.count > configuration.nameBytesMax {
            throw .nameInvalid("a name has at most \(configuration.nameBytesMax) bytes")
        }
        if pids.looksLikePID(name) { throw .nameInvalid("a name may not look like a pid") }
    }

    func publish(
        _ kind: EventKind,
        _ pid: PID,
        _ block: ControlBlock,
        _ detail: LifecycleEvent.Detail
    ) {
        let who = block.withLock { $0.pid == pid ? ($0.entry, $0.host) : ("", "") }
        feed.publish(kind, from: pid, entry: who.0, host: who.1, at: clock.wall(), detail)
    }
}
