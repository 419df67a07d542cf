/// What processes log, as events for those who ask for them.
extension Runtime {
    /// Publishes a LOG event, if somebody reads them.
    package func publishLog(of pid: PID, level: String, message: String, line: Int) {
        guard feed.wantsLogs, let block = table.block(pid) else { return }
        publish(.log, pid, block, .logged(level: level, message: message, line: line))
    }
}
