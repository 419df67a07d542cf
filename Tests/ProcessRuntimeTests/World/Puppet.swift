import Payload
import Synchronization

@testable import ProcessRuntime

/// A process whose turns are a closure of the test.
final class Puppet: Runnable {
    private let body: @Sendable (ControlBlock, (any WorkerContext)?) -> TurnOutcome
    let discards = Atomic<Int>(0)
    let isAskedToDie = Atomic<Bool>(false)

    /// Makes one that waits for ever, whatever comes.
    convenience init() {
        self.init { _, _ in .waiting }
    }

    init(_ body: @escaping @Sendable (ControlBlock, (any WorkerContext)?) -> TurnOutcome) {
        self.body = body
    }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        body(process, worker)
    }

    func discard() { discards.wrappingAdd(1, ordering: .relaxed) }
    func requestDeath() { isAskedToDie.store(true, ordering: .releasing) }
    var memoryBytes: Int { 0 }
    func describe() -> RunnableDescription { RunnableDescription() }
}

extension SpawnRequest {
    static var plain: SpawnRequest { SpawnRequest(entry: "test:entry", host: "test:host") }
}

extension Runtime {
    /// Spawns a puppet that waits for ever.
    func spawnIdle(_ request: SpawnRequest = .plain) throws -> PID {
        try spawn(request, running: Puppet())
    }

    /// What lies in the mailbox of `pid`, taken out.
    func takeMail(of pid: PID) -> [Mail] {
        guard let block = table.block(pid) else { return [] }
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        drain(block, into: &queue, numberingFrom: &sequence)
        var mail: [Mail] = []
        while let signal = queue.popFirst() {
            if let item = Mail(signal) { mail.append(item) }
        }
        return mail
    }
}

/// A simulation and a small runtime on it.
struct Bench {
    let simulation: Simulation
    let runtime: Runtime

    init(
        seed: UInt64 = 1,
        _ change: (inout Runtime.Configuration) -> Void = { _ in }
    ) {
        var configuration = Runtime.Configuration()
        configuration.processesMax = 40
        configuration.eventsMax = 256
        change(&configuration)
        simulation = Simulation(seed: seed)
        runtime = simulation.makeRuntime(configuration)
    }

    /// Gives turns until nobody is ready.
    func settle() {
        while simulation.step() {}
    }
}
