import HTTPServer
import Posix
import ProcessRuntime
import Synchronization

/// What `/livez` answers from: the loops came round, and a worker is idle or ended a turn, within
/// ten seconds.
///
/// Spares count as workers: with every process that has a turn in one long call, the server is well
/// as long as spares go on with the others, or nobody waits.
final class Liveness: Sendable {
    private static let patienceNanoseconds: UInt64 = 10_000_000_000
    private let pool: WorkerPool
    private let http: SetOnceBox<HTTPServer>
    private let last = Mutex((turns: UInt64(0), at: SystemTime.monotonicNanoseconds()))

    init(_ pool: WorkerPool, _ http: SetOnceBox<HTTPServer>) {
        self.pool = pool
        self.http = http
    }

    func isWell() -> Bool {
        let now = SystemTime.monotonicNanoseconds()
        let (idle, turns) = pool.progress()
        let workersMove = last.withLock { last in
            if idle || turns != last.turns { last = (turns, now) }
            return now &- last.at < Self.patienceNanoseconds
        }
        let loopsMove = (http.value?.lastProgress ?? []).allSatisfy {
            now < $0 || now - $0 < Self.patienceNanoseconds
        }
        return workersMove && loopsMove
    }
}
