package import LuaLibraries
package import ProcessRuntime
import Synchronization

/// What the endpoints act on: the runtime, and the app as the engine offers it.
///
/// The two closures are the engine's verbs; tests bring their own.
package struct Backend: Sendable {
    package var runtime: Runtime
    package var entries: [LuaEngine.EntryInfo]
    package var hosts: [LuaEngine.HostInfo]
    package var spawn: @Sendable (LuaEngine.SpawnOrder) throws(LuaEngine.SpawnFault) -> PID
    /// How many processes a host has now.
    package var processCount: @Sendable (String) -> Int

    package init(
        runtime: Runtime,
        entries: [LuaEngine.EntryInfo] = [],
        hosts: [LuaEngine.HostInfo] = [],
        spawn: @escaping @Sendable (LuaEngine.SpawnOrder) throws(LuaEngine.SpawnFault) -> PID,
        processCount: @escaping @Sendable (String) -> Int = { _ in 0 }
    ) {
        self.runtime = runtime
        self.entries = entries
        self.hosts = hosts
        self.spawn = spawn
        self.processCount = processCount
    }

    package init(_ engine: LuaEngine) {
        self.init(
            runtime: engine.runtime,
            entries: engine.entries,
            hosts: engine.hosts,
            spawn: { order throws(LuaEngine.SpawnFault) in try engine.spawn(order) },
            processCount: { engine.processCount(ofHost: $0) }
        )
    }
}

/// What all endpoints share; lives as long as the API.
final class Context: Sendable {
    let configuration: ControlConfiguration
    let backend: Backend
    let hub: EventHub
    let idempotency: IdempotencyStore
    let detached: DetachedCalls
    /// Finds out who asks; nil where no tokens are on.
    let authentication: Authentication?
    /// The bytes of openapi.yaml.
    let contract: [UInt8]
    /// When the API was made: nanoseconds since 1970, and monotonic.
    let startedAt: (wall: UInt64, monotonic: UInt64)
    private let draining = Atomic<Bool>(false)

    init(
        _ configuration: ControlConfiguration,
        _ backend: Backend,
        _ guardian: SiteGuard,
        contract: [UInt8]
    ) {
        self.configuration = configuration
        self.backend = backend
        self.contract = contract
        hub = EventHub(backend.runtime, configuration)
        let clock = backend.runtime.clock
        idempotency = IdempotencyStore(configuration) { clock.now() }
        detached = DetachedCalls(
            perOwnerMax: configuration.detachedCallsPerOwnerMax,
            callsMax: configuration.detachedCallsMax
        )
        authentication = configuration.gatekeeper.map { Authentication($0, guardian, clock) }
        startedAt = (backend.runtime.clock.wall(), backend.runtime.clock.now())
    }

    var runtime: Runtime { backend.runtime }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDrain() {
        draining.store(true, ordering: .relaxed)
        hub.beginDrain()
    }

    /// The id of the newest event.
    ///
    /// Read it before the state it goes with: what changes later then has a higher one.
    var position: String { eventID(runtime.feed.latest).text }

    func eventID(_ sequence: UInt64) -> EventID {
        EventID(epoch: runtime.pids.epoch, sequence: sequence)
    }

    func text(_ pid: PID) -> String { runtime.pids.text(pid) }

    /// The process `{id}` means: a pid, or `@` and a registered name.
    ///
    /// A pid need not be alive, or known.
    func resolve(_ text: String) throws(Problem) -> PID {
        if text.utf8.first == UInt8(ascii: "@") {
            let name = String(text.dropFirst())
            guard let pid = runtime.lookup(name) else { throw .nameNotFound(name) }
            return pid
        }
        guard let pid = runtime.pids.parse(text) else { throw .processNotFound(text) }
        return pid
    }
}
