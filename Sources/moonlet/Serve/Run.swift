import Application
import ArgumentParser
import JSON
import Logging
import LuaLibraries
import LuaVM
import Payload
import Posix
import ProcessRuntime
import Synchronization

/// `moonlet run`: one Lua file as a process, in this program, without a server.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one Lua file in this process, without a server.",
        discussion: """
            The file is entry app:main on host app:processes: it returns a table with main, or a
            function, which gets ARGS as strings. What print writes goes to standard output, a
            result that is not nil follows as JSON. An app's folder works too: then its own entry
            app:main is run, on its only host.

            EXIT CODES: 0 when main returned; the result itself when it is an integer from 0 to 255;
            1 after an error, which is told on standard error.

            EXAMPLES:
              moonlet run hello.lua
              moonlet run job.lua 2024-01-01 --verbose
            """
    )

    @Argument(help: "The Lua file, or an app's folder.")
    var file: String

    @Argument(parsing: .captureForPassthrough, help: "What main gets.")
    var args: [String] = []

    func run() throws {
        let settings = try ServeSettings(
            ServeOptions.parse([]),
            environment: Environment.all
        )
        let logger = ServerLog.start(settings)
        let application = try Apps.load(file, logger)
        LuaWorker.installSignalHandler()
        let pool = Workers.pool(settings, logger)
        let runtime = Runtime(clock: SystemClock(), dispatcher: pool)
        let log = ServerLog.sink(logger)
        let engine = LuaEngine(
            runtime: runtime,
            entries: Apps.sources(application),
            hosts: Apps.hosts(application),
            log: { line in
                if line.isPrint { Terminal.print(line.message + "\n") } else { log(line) }
            }
        )
        pool.start(runtime)
        let record = try end(engine, runtime)
        // Who is left ends with it: the pool waits for turns that nothing but a kill ends.
        runtime.beginDraining()
        for pid in runtime.allPIDs() { runtime.kill(pid, .shutdown) }
        pool.stop()
        try report(record)
    }

    private func end(_ engine: LuaEngine, _ runtime: Runtime) throws -> ExitRecord {
        var order = LuaEngine.SpawnOrder(entry: "app:main")
        order.arguments = args.map { Payload($0) }
        let pid: PID
        do throws(LuaEngine.SpawnFault) {
            pid = try engine.spawn(order)
        } catch {
            throw CommandFailure.processFailed("\(error)")
        }
        let parker = Parker()
        let box = SetOnceBox<ExitRecord>()
        let wait = runtime.waitForExit(of: pid) { record in
            box.set(record)
            parker.unpark()
        }
        switch wait {
        case .ended(let record): return record
        case .pending: parker.park()
        case .unknown: break
        }
        guard let record = box.value else {
            throw CommandFailure.processFailed("the process is gone without a record")
        }
        return record
    }

    private func report(_ record: ExitRecord) throws {
        if let error = record.reason.error {
            let lines = [error.message] + error.traceback.map { "    " + $0 }
            throw CommandFailure.processFailed(lines.joined(separator: "\n"))
        }
        guard case .normal(let result) = record.reason, !result.isNil else { return }
        if let text = try? PayloadJSON.encode(result, .wire) { Terminal.print(bytes: text) }
        let code = result.withReader { reader -> Int32 in
            if case .integer(let value) = reader.next(), (0...255).contains(value) {
                return Int32(value)
            }
            return 0
        }
        if code != 0 { throw ExitCode(code) }
    }
}
