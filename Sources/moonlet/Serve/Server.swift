import Access
import Application
import ControlAPI
import Glibc
import HTTP
import HTTPServer
import Logging
import LuaLibraries
import LuaVM
import Payload
import Posix
import ProcessRuntime
import TLS

/// A whole server: runtime, engine, API and sockets, wired and ended in order.
///
/// Shutdown, in steps:
/// 1. `/readyz` says 503, spawns are refused, event streams get `bye`.
/// 2. The listening sockets close; answers end their connections.
/// 3. Processes that listen for events get CANCEL and a grace; all others end at once.
/// 4. When all are gone, or the grace is over, the rest is terminated.
/// 5. Open connections are closed, the threads end. Exit 0.
final class Server: @unchecked Sendable {
    // Sendable: every field is set once in `init` and is safe to share; `signals` and `reloads` are
    // used by the main thread only.
    private let settings: ServeSettings
    private let logger: Logger
    private let pool: WorkerPool
    private let runtime: Runtime
    private let api: ControlAPI
    private let http: HTTPServer
    private let signals: SignalSource
    private let reloads: Reloads

    init(_ settings: ServeSettings, _ application: Application?, _ logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        let places = try ListenPlaces(settings)
        let tls = try Server.tls(settings)
        do throws(Errno) {
            // Before any thread starts: they inherit the blocked signals.
            signals = try SignalSource()
        } catch {
            throw CommandFailure.processFailed("cannot wait for signals: \(error)")
        }
        Server.raiseOpenFiles(logger)
        LuaWorker.installSignalHandler()
        if !LuaWorker.knowsLuaText {
            logger.warning("liblua's code is not in one place: kills wait for Lua code to run")
        }
        let pool = Workers.pool(settings, logger)
        var configuration = Runtime.Configuration()
        configuration.node = settings.node
        configuration.processesMax = settings.maxProcesses
        configuration.eventsMax = settings.maxEvents
        configuration.eventBytesMax = settings.maxEventBytes
        let runtime = Runtime(configuration, clock: SystemClock(), dispatcher: pool)
        let engine = LuaEngine(
            runtime: runtime,
            entries: application.map(Apps.sources) ?? [],
            hosts: application.map(Apps.hosts) ?? [],
            log: ServerLog.sink(logger)
        )
        if !engine.forks {
            logger.warning("forked Lua states fail their self-check here: states are booted")
        }
        let tokens = try Tokens(settings, logger)
        let gatekeeper = try tokens.gatekeeper()
        let connection = SetOnceBox<HTTPServer>()
        let health = Liveness(pool, connection)
        api = ControlAPI(
            configuration: Server.control(
                settings,
                places,
                gatekeeper,
                pool,
                health,
                connection
            ),
            engine: engine,
            staticFiles: Server.files(settings, logger),
            openapi: SharedFiles.contract(logger),
            log: logger
        )
        http = HTTPServer(
            Server.http(settings, places, tls, pool),
            handler: api,
            logger: logger
        )
        connection.set(http)
        var reloads = Reloads()
        if let tls {
            reloads.add("certificate") {
                if let files = settings.tls { tls.replace(by: try Server.context(files)) }
            }
        }
        if let gatekeeper, settings.tokenFile != nil {
            reloads.add("tokens") { gatekeeper.replace(try tokens.read()) }
        }
        self.reloads = reloads
        self.pool = pool
        self.runtime = runtime
    }

    // MARK: Wiring

    private static func control(
        _ settings: ServeSettings,
        _ places: ListenPlaces,
        _ gatekeeper: Gatekeeper?,
        _ pool: WorkerPool,
        _ health: Liveness,
        _ http: SetOnceBox<HTTPServer>
    ) -> ControlConfiguration {
        var configuration = ControlConfiguration()
        configuration.version = Version.current
        configuration.allowedHosts = settings.allowedHosts + places.addresses.map(\.host)
        configuration.allowsAnyAddress = places.addresses.contains { address in
            address.bytes.allSatisfy { $0 == 0 }
        }
        configuration.corsOrigins = settings.corsOrigins
        configuration.gatekeeper = gatekeeper
        configuration.audits = settings.audits ?? settings.hasTokens
        configuration.bodyBytesMax = settings.maxBodyBytes
        configuration.linesBytesMax = settings.maxBatchBytes
        configuration.heartbeatNanoseconds = settings.heartbeat.nanoseconds
        configuration.probes.progress = { health.isWell() }
        configuration.probes.connections = { http.value?.connectionCount ?? 0 }
        configuration.probes.traffic = {
            http.value?.traffic ?? Traffic(labels: ControlAPI.labels)
        }
        configuration.probes.runQueueLength = { pool.waitingCount }
        configuration.workers = pool.seats
        configuration.workerThreadsMax = pool.threadsMax
        configuration.probes.workers = {
            pool.describe().map {
                ControlConfiguration.WorkerStatus(
                    state: $0.state.rawValue,
                    turns: $0.turns
                )
            }
        }
        return configuration
    }

    private static func http(
        _ settings: ServeSettings,
        _ places: ListenPlaces,
        _ tls: ReloadableContext?,
        _ pool: WorkerPool
    ) -> ServerConfiguration {
        var configuration = ServerConfiguration(places.points)
        configuration.round.begins = { pool.beginBatch() }
        configuration.round.ends = { pool.endBatch() }
        configuration.tls = tls
        configuration.ioThreads = settings.ioThreads
        configuration.connectionsMax = settings.maxConnections
        configuration.connectionsPerPeerMax = settings.maxConnectionsPerPeer
        configuration.streamsPerPeerMax = settings.maxStreamsPerPeer
        configuration.limits.http2.streamsMax = settings.maxStreamsPerConnection
        configuration.labels = ControlAPI.labels
        configuration.limits.http1.headBytesMax = settings.maxHeadBytes
        configuration.limits.http1.fieldsMax = settings.maxHeaderFields
        configuration.limits.http1.bodyBytesMax = settings.maxBodyBytes
        configuration.limits.headNanoseconds = settings.headTimeout.nanoseconds
        configuration.limits.bodyNanoseconds = settings.bodyTimeout.nanoseconds
        configuration.limits.idleNanoseconds = settings.idleTimeout.nanoseconds
        configuration.limits.writeStallNanoseconds = settings.writeTimeout.nanoseconds
        return configuration
    }

    private static func tls(_ settings: ServeSettings) throws -> ReloadableContext? {
        guard let files = settings.tls else { return nil }
        do {
            return ReloadableContext(try context(files))
        } catch {
            throw CommandFailure.usage("\(error)")
        }
    }

    private static func context(
        _ files: (certificate: String, key: String)
    ) throws(TLSFault) -> TLSContext {
        try TLSContext(
            certificateFile: files.certificate,
            keyFile: files.key,
            protocols: ["h2", "http/1.1"]
        )
    }

    /// Takes as many descriptors as the system allows: each connection needs one.
    private static func raiseOpenFiles(_ logger: Logger) {
        do throws(Errno) {
            try ResourceLimits.setOpenFiles(try ResourceLimits.openFiles().hard)
        } catch {
            logger.warning("the limit on open files stays as it is: \(error)")
        }
    }

    private static func files(_ settings: ServeSettings, _ logger: Logger) -> StaticFiles? {
        guard let folder = settings.publicFolder ?? SharedFiles.publicFolder() else { return nil }
        do throws(Errno) {
            return try StaticFiles(folder: folder)
        } catch {
            logger.warning("public folder \(folder): \(error)")
            return nil
        }
    }

    // MARK: Running

    /// Serves until SIGTERM or SIGINT, then stops in order.
    func runUntilSignal() throws {
        pool.start(runtime)
        do throws(ListenFault) {
            try http.start()
        } catch {
            pool.stop()
            let hint =
                error.reason == .addressInUse
                ? ". Is another server running? Choose another place with --listen." : ""
            throw CommandFailure.processFailed("\(error)\(hint)")
        }
        let first = waitForSignal()
        logger.info("stopping", metadata: ["timeout": "\(settings.shutdownTimeout.milliseconds)ms"])
        let flag = ShutdownFlag()
        let stopper = PosixThread(name: "shutdown") { [self] in
            shutDown()
            flag.raise()
        }
        while !flag.isUp {
            // A second signal ends everything at once; a SIGHUP is too late to matter.
            if let signal = signals.next(timeoutMilliseconds: 20), signal != SignalSource.hangUp {
                logger.warning("stopping at once")
                exit(first == SIGINT ? 130 : 143)
            }
        }
        stopper.join()
        logger.info("stopped")
    }

    /// The first signal that ends the server; SIGHUPs are served meanwhile.
    private func waitForSignal() -> Int32 {
        while true {
            guard let signal = signals.next(timeoutMilliseconds: -1) else { continue }
            guard signal == SignalSource.hangUp else { return signal }
            reloads.run(logger)
        }
    }

    private func shutDown() {
        let start = SystemTime.monotonicNanoseconds()
        let total = settings.shutdownTimeout.nanoseconds
        api.beginDrain()
        runtime.beginDraining()
        let drainer = PosixThread(name: "drain") { [http] in http.drain(within: total) }
        endProcesses(start: start, total: total)
        drainer.join()
        http.stop()
        pool.stop()
    }

    private func endProcesses(start: UInt64, total: UInt64) {
        for snapshot in runtime.snapshots() {
            if snapshot.handlesEvents {
                try? runtime.cancel(snapshot.pid, reason: "shutting down", from: nil)
            } else {
                runtime.kill(snapshot.pid, .shutdown)
            }
        }
        if waitForEnd(until: start &+ total / 2) { return }
        for pid in runtime.allPIDs() { runtime.kill(pid, .shutdown) }
        if !waitForEnd(until: start &+ total / 4 * 3) {
            logger.warning(
                "processes still running at the end",
                metadata: ["count": "\(runtime.counts.live)"]
            )
        }
    }

    private func waitForEnd(until deadline: UInt64) -> Bool {
        while runtime.counts.live > 0 {
            guard SystemTime.monotonicNanoseconds() < deadline else { return false }
            usleep(2_000)
        }
        return true
    }
}
