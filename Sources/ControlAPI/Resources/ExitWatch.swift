import HTTPServer
import ProcessRuntime
import Synchronization

/// A wait for one exit that ends exactly once: by the exit, the time, or the client's leaving.
///
/// The three come on different threads (a worker's, the loop's); the first takes the action away
/// from the others.
final class ExitWatch: Sendable {
    enum End: Sendable {
        case exited(ExitRecord)
        case timedOut
        case clientGone
    }

    private let action: Mutex<(@Sendable (End) -> Void)?>

    private init(_ action: @escaping @Sendable (End) -> Void) {
        self.action = Mutex(action)
    }

    /// Calls `action` once, perhaps before this returns; false (and never) for an unknown pid.
    ///
    /// A process whose end was decided and not yet carried out is waited for like a live one. With
    /// no timeout it is waited for as long as the client stays.
    static func begin(
        _ pid: PID,
        _ runtime: Runtime,
        _ exchange: any Exchange,
        timeoutNanoseconds: UInt64?,
        _ action: @escaping @Sendable (End) -> Void
    ) -> Bool {
        let watch = ExitWatch(action)
        switch runtime.waitForExit(of: pid, { watch.end(.exited($0)) }) {
        case .unknown: return false
        case .ended(let record): watch.end(.exited(record))
        case .pending(let id):
            if let timeoutNanoseconds {
                exchange.after(timeoutNanoseconds) {
                    runtime.stopWaiting(id, for: pid)
                    watch.end(.timedOut)
                }
            }
            exchange.onDisconnect {
                runtime.stopWaiting(id, for: pid)
                watch.end(.clientGone)
            }
        }
        return true
    }

    private func end(_ end: End) {
        let action = self.action.withLock { $0.take() }
        action?(end)
    }
}
