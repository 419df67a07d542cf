import JSON
import LuaLibraries
import LuaVM
import Payload
import Posix
import ProcessRuntime
import Synchronization

/// The real clocks.
struct SystemClock: RuntimeClock {
    func now() -> UInt64 { SystemTime.monotonicNanoseconds() }
    func wall() -> UInt64 { SystemTime.wallNanoseconds() }
}

/// An engine on real worker threads, with entries given as source text.
final class LuaHarness: Sendable {
    let pool: WorkerPool
    let runtime: Runtime
    let engine: LuaEngine
    let lines = LogRecorder()

    /// Collects what processes log.
    final class LogRecorder: Sendable {
        private let kept = Mutex([LogLine]())
        func add(_ line: LogLine) { kept.withLock { $0.append(line) } }
        var all: [LogLine] { kept.withLock { $0 } }
    }

    init(
        _ entries: [SourceEntry],
        workers: Int = 2,
        limits: ProcessLimits = ProcessLimits(),
        processesMax: Int = 0
    ) {
        LuaWorker.installSignalHandler()
        pool = WorkerPool(count: workers) { LuaWorkerContext() }
        // Processes that outlive their harness keep its runtime: the hundreds of them must be small.
        var configuration = Runtime.Configuration()
        configuration.eventsMax = 2_048
        runtime = Runtime(configuration, clock: SystemClock(), dispatcher: pool)
        let recorder = lines
        engine = LuaEngine(
            runtime: runtime,
            entries: entries,
            hosts: [
                LuaEngine.HostInfo(id: "app:processes", processesMax: processesMax, limits: limits)
            ],
            log: { recorder.add($0) }
        )
        pool.start(runtime)
    }

    /// Entries named `app:<key>`; the values are whole chunks.
    convenience init(_ sources: [String: String], workers: Int = 2) {
        self.init(
            sources.map { SourceEntry(id: "app:" + $0.key, source: $0.value) },
            workers: workers
        )
    }

    deinit { pool.stop() }

    func spawn(_ entry: String, _ arguments: [Payload] = []) throws -> PID {
        var order = LuaEngine.SpawnOrder(entry: entry)
        order.arguments = arguments
        return try engine.spawn(order)
    }

    /// Waits for the exit of `pid`; nil after `seconds`.
    func exit(of pid: PID, within seconds: Double = 10) -> ExitRecord? {
        let parker = Parker()
        let found = Mutex<ExitRecord?>(nil)
        let box = Box(found: found)
        switch runtime.waitForExit(
            of: pid,
            { record in
                box.found.withLock { $0 = record }
                parker.unpark()
            }
        )
        {
        case .ended(let record): return record
        case .unknown: return nil
        case .pending: break
        }
        parker.park(until: SystemTime.monotonicNanoseconds() + UInt64(seconds * 1e9))
        return box.found.withLock { $0 }
    }

    private final class Box: Sendable {
        let found: Mutex<ExitRecord?>
        init(found: consuming Mutex<ExitRecord?>) { self.found = found }
    }

    /// Runs `app:main` to its end; the result as JSON, or "error: message".
    func run(_ entry: String = "app:main", within seconds: Double = 10) -> String {
        do {
            let pid = try spawn(entry)
            guard let record = exit(of: pid, within: seconds) else {
                _ = runtime.kill(pid, .terminated)
                return "timeout"
            }
            return describe(record)
        } catch {
            return "spawn: \(error)"
        }
    }

    func describe(_ record: ExitRecord) -> String {
        if let error = record.reason.error { return "error: \(error.message)" }
        guard case .normal(let payload) = record.reason else { return "?" }
        do {
            return String(decoding: try PayloadJSON.encode(payload, .wire), as: UTF8.self)
        } catch {
            return "unencodable: \(error)"
        }
    }
}

/// Runs one chunk's `main` body and returns its result as JSON, or "error: message".
func lua(_ body: String, within seconds: Double = 10) -> String {
    LuaHarness(["main": "return function(...)\n\(body)\nend"]).run(within: seconds)
}
