import HTTP
import ProcessRuntime
import Testing

@testable import ControlAPI

struct InventoryTests {
    @Test func `entries are what can be spawned in order of their ids`() throws {
        let answer = try Desk().ask("GET", "/v1/entries")
        let items = answer.list("items")
        #expect(items.compactMap { $0["id"] as? String } == ["app:answer", "app:idle"])
        #expect(items.allSatisfy { $0["kind"] as? String == "process.lua" })
        #expect(items.allSatisfy { $0["meta"] is [String: Any] })
        #expect(answer.text("position") != nil)
    }

    @Test func `hosts come with their counts and limits`() throws {
        let desk = Desk(hosts: ["b:h", "a:h"])
        try desk.process()
        let answer = try desk.ask("GET", "/v1/hosts")
        let items = answer.list("items")
        #expect(items.compactMap { $0["id"] as? String } == ["a:h", "b:h"])
        #expect(items.first?["processes"] as? Int == 1)
        #expect(items.first?["max_processes"] as? Int == 10)
        let limits = items.first?["limits"] as? [String: Int]
        #expect(limits?["memory_bytes"] == 64 << 20)
        #expect(limits?["lifetime_ms"] == 0)
    }
}

struct ServerStateTests {
    @Test func `the system shows counts limits and workers`() throws {
        let desk = Desk {
            $0.version = "1.2.3"
            $0.probes.connections = { 5 }
            $0.probes.runQueueLength = { 4 }
            $0.workers = 2
            $0.workerThreadsMax = 12
            $0.probes.workers = { [.init(state: "running", turns: 9)] }
        }
        try desk.process(name: "n")
        try desk.process("app:answer")
        desk.simulation.advance(by: 2_500_000_000)
        let answer = try desk.ask("GET", "/v1/system")
        #expect(answer.text("version") == "1.2.3")
        #expect(answer.text("node") == "moon")
        #expect(answer.text("epoch") == desk.runtime.pids.epoch)
        #expect(answer.text("started_at") == "2023-11-14T22:13:21.000Z")
        #expect(answer.integer("uptime_ms") == 2_500)
        let counts = try #require(answer["counts"] as? [String: Int])
        let expected = [
            "processes": 1, "names": 1, "spawned": 2, "exited": 1, "messages": 0, "timers": 0,
            "events": 4, "streams": 0, "connections": 5, "mailbox_full": 0, "run_queue": 4,
        ]
        #expect(counts == expected)
        let limits = try #require(answer["limits"] as? [String: Int])
        #expect(limits["processes"] == 1_000)
        #expect(limits["body_bytes"] == 1 << 20)
        let memory = try #require(answer["memory"] as? [String: Int])
        #expect(memory["lua_bytes"] == 4_096 && memory["resident_bytes"] ?? 0 > 1_000_000)
        #expect(limits["workers"] == 2)
        #expect(limits["worker_threads"] == 12)
        #expect(answer.list("workers").first?["state"] as? String == "running")
        #expect(answer.list("workers").first?["index"] as? Int == 0)
        #expect(answer.text("position") == desk.id(4))
    }

    @Test func `alive means progress`() throws {
        let isMoving = Box(true)
        let desk = Desk { $0.probes.progress = { isMoving.current } }
        #expect(try desk.ask("GET", "/livez").text("status") == "ok")
        isMoving.update { $0 = false }
        let answer = try desk.ask("GET", "/livez")
        #expect(answer.status == 503)
        #expect(answer.code == "not-ready")
    }

    @Test func `ready means loaded and not draining`() throws {
        let reason = Box<String?>("no app yet")
        let desk = Desk { $0.probes.notReady = { reason.current } }
        let early = try desk.ask("GET", "/readyz")
        #expect(early.status == 503)
        #expect(early.text("detail") == "no app yet")
        reason.update { $0 = nil }
        #expect(try desk.ask("GET", "/readyz").status == 200)
        desk.api.beginDrain()
        let late = try desk.ask("GET", "/readyz")
        #expect(late.status == 503)
        #expect(late.code == "draining")
        #expect(try desk.ask("GET", "/livez").status == 200)
        #expect(try desk.ask("GET", "/v1/names").status == 200)
    }

    @Test func `the contract is served as it is`() throws {
        let answer = try Desk().ask("GET", "/openapi.yaml")
        #expect(answer.header("Content-Type") == "application/yaml")
        #expect(String(decoding: answer.bytes, as: UTF8.self) == "openapi: 3.1.0\n")
    }
}
