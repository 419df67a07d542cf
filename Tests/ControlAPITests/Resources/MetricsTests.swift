import Foundation
import HTTP
import HTTPServer
import ProcessRuntime
import Testing

@testable import ControlAPI

/// `GET /metrics`.
struct MetricsTests {
    private func metrics(_ desk: Desk) throws -> PrometheusText {
        let answer = try desk.ask("GET", "/metrics")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        return try PrometheusText(String(decoding: answer.bytes, as: UTF8.self))
    }

    @Test(arguments: [
        "a 1", "# TYPE a gauge\na 1\n", "# HELP a b\n# TYPE a counter\na 1\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 1\n", "# HELP a b\n# TYPE a gauge\na{b=\"c} 1\n",
        "# HELP a b\n# TYPE a gauge\na one\n", "# HELP a_ms b\n# TYPE a_ms gauge\na_ms 1\n",
        "# HELP a b\n# TYPE a gauge\nb 1\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    ])
    func `the reader of these tests refuses what Prometheus would`(_ text: String) {
        #expect(throws: PrometheusText.Fault.self) { try PrometheusText(text) }
    }

    @Test func `processes, messages and events are counted`() throws {
        let desk = Desk()
        var request = SpawnRequest(entry: "app:full", host: "app:processes")
        request.limits.mailboxMessages = 1
        let pid = try desk.runtime.spawn(request, running: Body { _ in .waiting })
        try desk.process("app:answer")
        try desk.process("app:failure")
        try desk.process(name: "named")
        for _ in 0..<3 {
            _ = try desk.ask("POST", "/v1/processes/\(desk.text(pid))/messages", #"{"topic": "t"}"#)
        }
        let metrics = try metrics(desk)
        #expect(metrics["moonlet_processes"] == 2)
        #expect(metrics["moonlet_processes_spawned_total"] == 4)
        #expect(metrics["moonlet_processes_exited_total", ["reason": "normal"]] == 1)
        #expect(metrics["moonlet_processes_exited_total", ["reason": "error"]] == 1)
        #expect(metrics["moonlet_processes_exited_total", ["reason": "terminated"]] == 0)
        #expect(metrics["moonlet_messages_sent_total"] == 1)
        #expect(metrics["moonlet_mailbox_full_total"] == 2)
        #expect(metrics["moonlet_names"] == 1)
        #expect(metrics["moonlet_lua_memory_bytes"] == 8_192)
        // Four spawns, two exits, a name.
        #expect(metrics["moonlet_events_published_total"] == 7)
        #expect(metrics["moonlet_events_evicted_total"] == 0)
        #expect(metrics["moonlet_build_info", ["version": "dev"]] == 1)
    }

    @Test func `what the program uses is its own`() throws {
        let metrics = try metrics(Desk())
        #expect(metrics["process_resident_memory_bytes"] ?? 0 > 1_000_000)
        #expect(metrics["process_virtual_memory_bytes"] ?? 0 > 1_000_000)
        #expect(metrics["process_open_fds"] ?? 0 >= 3)
        #expect(metrics["process_max_fds"] ?? 0 >= (metrics["process_open_fds"] ?? .infinity))
        #expect(metrics["process_cpu_seconds_total"] ?? 0 > 0)
        #expect(metrics["process_threads"] ?? 0 >= 1)
    }

    @Test func `traffic is told by route, class and duration`() throws {
        let label = try #require(
            Routes.labels.firstIndex { $0.contains { $0 == ("route", "/v1/names/{name}") } }
        )
        let desk = Desk { configuration in
            configuration.probes.traffic = {
                var traffic = Traffic(labels: ControlAPI.labels)
                traffic.labels[label].byClass = [0, 3, 0, 2, 0]
                traffic.labels[label].buckets[0] = 4
                traffic.labels[label].buckets[Traffic.bucketNanoseconds.count] = 1
                traffic.labels[label].nanoseconds = 40_000_100_000
                traffic.refusals = ["headers-too-large": 2]
                traffic.inFlight = 3
                traffic.disconnects = 5
                return traffic
            }
        }
        let metrics = try metrics(desk)
        let route = ["method": "GET", "route": "/v1/names/{name}"]
        let requests = "moonlet_http_requests_total"
        #expect(metrics[requests, route.merging(["status": "2xx"]) { $1 }] == 3)
        #expect(metrics[requests, route.merging(["status": "4xx"]) { $1 }] == 2)
        #expect(metrics[requests, route.merging(["status": "5xx"]) { $1 }] == nil)
        let duration = "moonlet_http_request_duration_seconds"
        #expect(metrics[duration + "_count", route] == 5)
        #expect(metrics[duration + "_sum", route] == 40.0001)
        #expect(metrics[duration + "_bucket", route.merging(["le": "0.000025"]) { $1 }] == nil)
        #expect(metrics[duration + "_bucket", route.merging(["le": "30.0"]) { $1 }] == 4)
        #expect(metrics[duration + "_bucket", route.merging(["le": "+Inf"]) { $1 }] == 5)
        #expect(metrics["moonlet_http_refusals_total", ["code": "headers-too-large"]] == 2)
        #expect(metrics["moonlet_http_requests_in_flight"] == 3)
        #expect(metrics["moonlet_http_disconnects_total"] == 5)
    }

    @Test func `an answer counts for its route, whatever became of it`() throws {
        let desk = Desk(files: { $0.path == "/" ? Response(status: 200) : nil })
        func label(_ method: String, _ target: String, _ body: String? = nil) throws -> String {
            let number = try desk.ask(method, target, body).response.label
            return Routes.labels[number].map(\.1).joined(separator: " ")
        }
        #expect(try label("GET", "/v1/names/a") == "GET /v1/names/{name}")
        #expect(try label("HEAD", "/v1/names/b") == "GET /v1/names/{name}")
        #expect(try label("GET", "/v1/names?x=1") == "GET /v1/names")
        #expect(try label("POST", "/v1/processes", "{") == "POST /v1/processes")
        #expect(try label("GET", "/") == "GET file")
        #expect(try label("GET", "/nothing") == "GET file")
        #expect(try label("BREW", "/v1/names") == "other none")
        #expect(try label("PATCH", "/v1/names") == "other none")
    }

    @Test func `of many processes the memory is estimated`() throws {
        let bench = Desk()
        for _ in 0..<100 { try bench.process() }
        #expect(bench.runtime.memoryBytes() == 100 * 4_096)
        #expect(bench.runtime.memoryBytes(sampleMax: 10) == 100 * 4_096)
    }
}
