import LuaLibraries
import LuaVM
import Payload
import Posix
import ProcessRuntime
import Synchronization
import Testing

/// `process.exec` of a process whose end is forgotten before anybody can ask for it.
@Suite struct LostRecordTests {
    /// Has a spawned process run to its end before the spawn returns.
    ///
    /// The first process enqueued is left alone: it is the one that spawns.
    private final class Hasty: Dispatcher {
        let pool: WorkerPool
        let runtime = Mutex<Runtime?>(nil)
        private let isSecond = Atomic<Bool>(false)

        init(_ pool: WorkerPool) { self.pool = pool }

        func enqueue(_ block: ControlBlock, urgent: Bool) {
            guard isSecond.exchange(true, ordering: .relaxed),
                let runtime = runtime.withLock({ $0.take() })
            else { return pool.enqueue(block, urgent: urgent) }
            // Not on the worker's own thread: its next process would wait for its turn to end.
            PosixThread(name: "hasty") { [pool] in pool.enqueue(block, urgent: urgent) }.join()
            let (pace, end) = (Parker(), runtime.clock.now() + 10_000_000_000)
            while runtime.counts.exited == 0, runtime.clock.now() < end {
                pace.park(until: runtime.clock.now() + 100_000)
            }
        }
        func requeue(_ block: ControlBlock, afterSlice: Bool) {
            pool.requeue(block, afterSlice: afterSlice)
        }
        func interrupt(_ block: ControlBlock) { pool.interrupt(block) }
        func timerChanged(to deadline: UInt64) { pool.timerChanged(to: deadline) }
    }

    @Test func `exec says that the result is lost instead of waiting for ever`() throws {
        LuaWorker.installSignalHandler()
        let pool = WorkerPool(count: 2) { LuaWorkerContext() }
        let dispatcher = Hasty(pool)
        var configuration = Runtime.Configuration()
        configuration.exitsMax = 0
        let runtime = Runtime(configuration, clock: SystemClock(), dispatcher: dispatcher)
        dispatcher.runtime.withLock { $0 = runtime }
        let answer = Mutex("")
        let told = Parker()
        let engine = LuaEngine(
            runtime: runtime,
            entries: [
                SourceEntry(
                    id: "app:main",
                    source: """
                        return function()
                          local v, err = process.exec("app:child", "app:processes")
                          print(tostring(v), err:kind(), err:message())
                        end
                        """
                ),
                SourceEntry(id: "app:child", source: "return function() return 1 end"),
            ],
            hosts: [
                LuaEngine.HostInfo(id: "app:processes", processesMax: 0, limits: ProcessLimits())
            ],
            log: { line in
                answer.withLock { $0 = line.message }
                told.unpark()
            }
        )
        pool.start(runtime)
        defer { pool.stop() }
        let pid = try engine.spawn(LuaEngine.SpawnOrder(entry: "app:main"))
        told.park(until: SystemTime.monotonicNanoseconds() + 10_000_000_000)
        runtime.kill(pid, .terminated)
        #expect(
            answer.withLock { $0 }
                == "nil Internal the result of the process was lost: too many ended"
        )
    }
}
