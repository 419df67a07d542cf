import CTestSupport
import Foundation
import LuaLibraries
import Posix
import ProcessRuntime
import Synchronization
import Testing

/// How often a message makes the engine ask for memory, against Benchmarks/budgets.
@Suite struct AllocationTests {
    /// A process that makes round trips with another, and ends.
    private static func entries(_ payload: String, roundTrips: Int) -> [SourceEntry] {
        [
            SourceEntry(
                id: "app:main",
                source: """
                    return function()
                      local ready, pongs = process.listen("ready"), process.listen("pong")
                      local pid = process.spawn("app:echo", "app:processes", process.pid())
                      ready:receive()
                      local payload = \(payload)
                      for _ = 1, \(roundTrips) do
                        process.send(pid, "ping", payload)
                        pongs:receive()
                      end
                      process.terminate(pid)
                    end
                    """
            ),
            SourceEntry(
                id: "app:echo",
                source: """
                    return function(parent)
                      local pings = process.listen("ping")
                      process.send(parent, "ready")
                      while true do process.send(parent, "pong", (pings:receive())) end
                    end
                    """
            ),
        ]
    }

    /// Allocations of a whole run with `roundTrips`, all on one thread.
    private func allocations(_ payload: String, roundTrips: Int) -> UInt64 {
        let count = Mutex<UInt64>(0)
        let box = Count(value: count)
        PosixThread(name: "one") {
            let dispatcher = OneThread()
            let runtime = Runtime(clock: SystemClock(), dispatcher: dispatcher)
            let engine = LuaEngine(
                runtime: runtime,
                entries: Self.entries(payload, roundTrips: roundTrips),
                hosts: [LuaEngine.HostInfo(id: "app:processes", limits: ProcessLimits())],
                log: { _ in }
            )
            guard (try? engine.spawn(LuaEngine.SpawnOrder(entry: "app:main"))) != nil else {
                return
            }
            let before = test_allocations()
            dispatcher.run(runtime)
            box.set(test_allocations() - before)
        }.join()
        return box.get()
    }

    private final class Count: Sendable {
        private let value: Mutex<UInt64>
        init(value: consuming Mutex<UInt64>) { self.value = value }
        func set(_ new: UInt64) { value.withLock { $0 = new } }
        func get() -> UInt64 { value.withLock { $0 } }
    }

    @Test(
        .enabled(if: test_counts_allocations(), "a sanitizer has its own malloc"),
        arguments: [
            ("allocations_per_integer", "1"),
            ("allocations_per_table", "{ id = 1, tags = { 1, 2, 3, 4, 5 }, nested = { a = 1.5 } }"),
        ]
    )
    func `a message allocates no more than its budget`(name: String, payload: String) throws {
        let few = allocations(payload, roundTrips: 1_000)
        let many = allocations(payload, roundTrips: 6_000)
        let each = (Double(many) - Double(few)) / 10_000
        print("figure: \(name) \(each)")
        let budget = try #require(Budgets.limit(name))
        #expect(each <= budget)
    }
}

/// Gives turns on the thread that calls `run`, first come, first served.
private final class OneThread: Dispatcher {
    private let queue = Mutex<[ControlBlock]>([])

    func enqueue(_ block: ControlBlock, urgent: Bool) { queue.withLock { $0.append(block) } }
    func requeue(_ block: ControlBlock, afterSlice: Bool) { enqueue(block, urgent: false) }
    func interrupt(_ block: ControlBlock) {}
    func timerChanged(to deadline: UInt64) {}

    /// Until nobody is ready.
    func run(_ runtime: Runtime) {
        let context = LuaWorkerContext()
        while let block = queue.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            runtime.runTurn(block, on: context, from: runtime.clock.now())
        }
    }
}

/// The file Benchmarks/budgets: a name and a limit a line.
enum Budgets {
    private static let limits: [String: Double] = {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Benchmarks/budgets")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(
            lines.filter { $0.count >= 2 && $0[0] != "#" }.compactMap { words in
                Double(words[1]).map { (String(words[0]), $0) }
            },
            uniquingKeysWith: { first, _ in first }
        )
    }()

    /// Nil where there is no such budget.
    static func limit(_ name: String) -> Double? { limits[name] }
}
