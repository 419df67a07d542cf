import Logging
import LuaLibraries
import Posix
import ProcessRuntime

/// The worker threads as the settings want them.
enum Workers {
    static func pool(_ settings: ServeSettings, _ logger: Logger) -> WorkerPool {
        let count = settings.workers ?? Processors.allowed
        let threadsMax = WorkerPool.threadsMax(seats: count)
        return WorkerPool(count: count, threadsMax: threadsMax) { threads in
            logger.notice(
                "a process is stuck in one long call: a spare worker thread was started",
                metadata: ["threads": "\(threads)", "threads_max": "\(threadsMax)"]
            )
            if threads == threadsMax {
                logger.warning("no more spare worker threads: long calls hold other processes up")
            }
        } makeContext: {
            LuaWorkerContext()
        }
    }
}
