import LuaVM
import ProcessRuntime

/// A worker thread that can run Lua, as the scheduler sees it.
package final class LuaWorkerContext: WorkerContext {
    let worker: LuaWorker

    /// Makes the calling thread a worker.
    package init() {
        worker = LuaWorker()
    }

    package var serial: UInt64 { worker.serial }

    package func interrupt(_ serial: UInt64) { worker.interrupt(serial) }
}
