/// Publishing events of processes, the lines they log among them.
extension Runtime {
    /// Publishes a LOG event, if somebody reads them.
    package func publishLog(of pid: PID, level: String, message: String, line: Int) {
        guard feed.wantsLogs, let block = table.block(pid) else { return }
        publish(.log, pid, block, .logged(level: level, message: message, line: line))
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
