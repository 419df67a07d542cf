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
}
