import Application
import Logging
import LuaLibraries
import Payload
import Posix
import ProcessRuntime

/// Apps from disk, and what the engine makes of them.
enum Apps {
    /// Loads a folder or a single Lua file; throws all problems as one message.
    static func load(_ path: String, _ logger: Logger?) throws -> Application {
        let application: Application
        do throws(AppProblems) {
            application =
                path.hasSuffix(".lua")
                ? try AppLoader.single(luaFile: path, sourceCheck: check)
                : try AppLoader.load(folder: path, sourceCheck: check)
        } catch {
            throw CommandFailure.processFailed(
                error.problems.map { "\($0)" }.joined(separator: "\n")
            )
        }
        for warning in application.warnings { logger?.warning("\(warning)") }
        return application
    }

    /// Compiles one entry: nil where it is good.
    private static func check(_ entry: AppEntry) -> (line: Int, message: String)? {
        LuaEngine.check(source(entry))
    }

    static func sources(_ application: Application) -> [SourceEntry] {
        application.entries.map(source)
    }

    private static func source(_ entry: AppEntry) -> SourceEntry {
        var source = SourceEntry(
            id: entry.id,
            isLibrary: entry.kind == .library,
            source: entry.sourceText,
            method: entry.method,
            imports: entry.imports.map { ($0.alias, $0.id) }
        )
        source.limits = order(entry.limits)
        source.meta = entry.meta
        return source
    }

    private static func order(_ limits: AppLimits) -> LuaEngine.LimitsOrder {
        var order = LuaEngine.LimitsOrder()
        order.memoryBytes = limits.memoryBytes
        order.mailboxMessages = limits.mailboxMessages
        order.mailboxBytes = limits.mailboxBytes
        order.cpuMilliseconds = limits.cpuMilliseconds
        order.lifetimeMilliseconds = limits.lifetimeMilliseconds
        return order
    }

    static func hosts(_ application: Application) -> [LuaEngine.HostInfo] {
        application.hosts.map { host in
            var limits = ProcessLimits()
            order(host.limits).apply(to: &limits)
            return LuaEngine.HostInfo(
                id: host.id,
                processesMax: host.maxProcesses ?? 0,
                limits: limits
            )
        }
    }
}

/// The system's clocks, for the runtime.
struct SystemClock: RuntimeClock {
    func now() -> UInt64 { SystemTime.monotonicNanoseconds() }
    func wall() -> UInt64 { SystemTime.wallNanoseconds() }
}
