import Foundation
import HTTP
import HTTPServer
import Logging
import Payload
import ProcessRuntime
import Synchronization
import Testing

@testable import ControlAPI
@testable import LuaLibraries

/// A process that does what a closure says.
final class Body: Runnable {
    private let action: @Sendable (ControlBlock) -> TurnOutcome

    init(_ action: @escaping @Sendable (ControlBlock) -> TurnOutcome) { self.action = action }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        action(process)
    }
    func discard() {}
    func requestDeath() {}
    var memoryBytes: Int { 4_096 }
    func describe() -> RunnableDescription {
        var description = RunnableDescription()
        description.waitingFor = ["inbox"]
        return description
    }
}

/// The API over a simulated runtime: requests in, answers out, no socket and no real time.
///
/// Entries: `app:idle` waits for ever; `app:answer` returns 42; `app:failure` fails; `app:big`
/// returns 100 KiB; `app:stuck` never waits. Hosts: `app:processes` and, on demand, others.
final class Desk: Sendable {
    let simulation: Simulation
    let runtime: Runtime
    let api: ControlAPI
    let orders = Box<[LuaEngine.SpawnOrder]>([])

    init(
        _ configure: (inout ControlConfiguration) -> Void = { _ in },
        hosts: [String] = ["app:processes"],
        runtime configuration: Runtime.Configuration = Desk.small,
        files: ControlAPI.Files? = nil,
        fault: LuaEngine.SpawnFault? = nil,
        openapi: String = "openapi: 3.1.0\n",
        log: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        simulation = Simulation(seed: 7)
        let runtime = simulation.makeRuntime(configuration)
        self.runtime = runtime
        var control = ControlConfiguration()
        control.random = { 0xABCD }
        configure(&control)
        let orders = self.orders
        let backend = Backend(
            runtime: runtime,
            entries: Desk.entries,
            hosts: hosts.map {
                LuaEngine.HostInfo(id: $0, processesMax: 10)
            },
            spawn: { order throws(LuaEngine.SpawnFault) in
                orders.update { $0.append(order) }
                if let fault { throw fault }
                return try Desk.spawn(order, hosts, runtime)
            },
            processCount: { _ in runtime.counts.live }
        )
        api = ControlAPI(
            configuration: control,
            backend: backend,
            files: files,
            openapi: Array(openapi.utf8),
            log: log
        )
    }

    /// A runtime that is quick to make.
    static var small: Runtime.Configuration {
        var configuration = Runtime.Configuration()
        configuration.processesMax = 1_000
        configuration.eventsMax = 1_000
        return configuration
    }

    private static let entries: [LuaEngine.EntryInfo] = [
        .init(id: "app:idle", kind: "process.lua", method: "main", meta: .nothing),
        .init(id: "app:answer", kind: "process.lua", method: "main", meta: .nothing),
        .init(id: "app:lib", kind: "library.lua", method: "", meta: .nothing),
    ]

    static let failure = ErrorValue(
        message: "boom",
        kind: "Invalid",
        retryable: false,
        details: Payload("why"),
        traceback: ["app:failure:3: in main"]
    )

    static func makeBody(_ entry: String) -> Body? {
        switch entry {
        case "app:idle": Body { _ in .waiting }
        case "app:stuck": Body { _ in .preempted }
        case "app:answer": Body { _ in .ended(.normal(Desk.integer(42))) }
        case "app:failure": Body { _ in .ended(.error(failure)) }
        case "app:big":
            Body { _ in .ended(.normal(Payload(String(repeating: "x", count: 100 << 10)))) }
        default: nil
        }
    }

    static func integer(_ value: Int64) -> Payload {
        var writer = PayloadWriter()
        writer.write(value)
        return writer.finish()
    }

    private static func spawn(
        _ order: LuaEngine.SpawnOrder,
        _ hosts: [String],
        _ runtime: Runtime
    ) throws(LuaEngine.SpawnFault) -> PID {
        guard let host = order.host ?? (hosts.count == 1 ? hosts.first : nil) else {
            throw .hostNeeded(available: hosts)
        }
        guard hosts.contains(host) else { throw .hostNotFound(host) }
        guard let body = makeBody(order.entry) else { throw .entryNotFound(order.entry) }
        var request = SpawnRequest(entry: order.entry, host: host)
        request.name = order.name
        request.messages = order.messages.map { (Array($0.topic.utf8), $0.payload) }
        if let messages = order.limits.mailboxMessages {
            request.limits.mailboxMessages = messages
        }
        do throws(RuntimeFault) {
            return try runtime.spawn(request, running: body)
        } catch {
            throw .refused(error)
        }
    }

    // MARK: Processes

    /// Spawns without the API and lets it have its first turn.
    @discardableResult
    func process(_ entry: String = "app:idle", name: String? = nil) throws -> PID {
        var request = SpawnRequest(entry: entry, host: "app:processes")
        request.name = name
        let pid = try runtime.spawn(request, running: try #require(Desk.makeBody(entry)))
        settle()
        return pid
    }

    func text(_ pid: PID) -> String { runtime.pids.text(pid) }
    func settle() { _ = simulation.run(limit: 1_000) }
    func id(_ sequence: UInt64) -> String { "\(runtime.pids.epoch)-\(sequence)" }

    // MARK: Requests

    func start(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [(String, String)] = [],
        host: String = "localhost:7070"
    ) -> FakeExchange {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var all = Headers(headers)
        if body != nil, all["Content-Type"] == nil {
            all.append("Content-Type", "application/json")
        }
        let exchange = FakeExchange()
        let head = Request(
            method: method,
            path: String(parts[0]),
            query: parts.count > 1 ? String(parts[1]) : nil,
            authority: host,
            headers: all
        )
        send(head, body.map { Array($0.utf8) }, exchange)
        return exchange
    }

    /// Does what a connection does: a body is asked leave for.
    private func send(_ head: Request, _ body: [UInt8]?, _ exchange: FakeExchange) {
        guard let body else { return api.handle(head, exchange) }
        switch api.admit(head) {
        case .proceed:
            var request = head
            request.body = body
            api.handle(request, exchange)
        case .collect(_, let then): then(body, exchange)
        case .refuse(let response): exchange.respond(response)
        case .stream(_, let begin):
            let receiver = begin(exchange)
            receiver.receive(body.span)
            receiver.ended()
        }
    }

    /// Sends a request, lets the processes run, and returns the one answer.
    func ask(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [(String, String)] = [],
        host: String = "localhost:7070"
    ) throws -> Answer {
        let exchange = start(method, target, body, headers: headers, host: host)
        settle()
        #expect(exchange.responseCount == 1)
        return Answer(try #require(exchange.response))
    }
}

/// A response as a test looks at it.
struct Answer {
    let response: Response

    init(_ response: Response) { self.response = response }

    var status: Int { response.status }
    var bytes: [UInt8] {
        if case .bytes(let bytes) = response.body { bytes } else { [] }
    }
    func header(_ name: String) -> String? { response.headers[name] }

    /// The body as JSON; empty where it is none.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }

    subscript(_ name: String) -> Any? { json[name] }
    func text(_ name: String) -> String? { json[name] as? String }
    func integer(_ name: String) -> Int? { json[name] as? Int }
    func list(_ name: String) -> [[String: Any]] { json[name] as? [[String: Any]] ?? [] }

    /// A problem's code; nil where the answer is none.
    var code: String? {
        header("Content-Type") == "application/problem+json" ? text("code") : nil
    }
    /// The places an `invalid-request` points at.
    var pointers: [String] { list("errors").compactMap { $0["pointer"] as? String } }
}

/// A value shared with closures.
final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    var current: Value { value.withLock { $0 } }
    func update(_ change: @Sendable (inout Value) -> Void) { value.withLock { change(&$0) } }
}
