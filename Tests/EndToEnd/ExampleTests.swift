import Foundation
import Testing

/// Every example app, served by the real binary: what its README promises of each program.
@Suite struct ExampleTests {
    /// One program of one app run to its end.
    struct Run: CustomTestStringConvertible {
        var entry: String
        var args = "[]"
        var outcome = "ok"
        /// Nil where the result is not known beforehand.
        var result: JSON?
        var error: String?
        var testDescription: String { entry }
    }

    static func exec(_ server: RunningServer, _ run: Run) throws {
        let body = "{\"entry\": \"app.test.process:\(run.entry)\", \"args\": \(run.args)}"
        let answer = try server.exec(body)
        #expect(answer.status == 200)
        #expect(answer.json["outcome"].text == run.outcome, "\(answer.text)")
        if let result = run.result { #expect(answer.json["result"] == result) }
        if let error = run.error { #expect(answer.json["error"]["message"].text == error) }
    }

    @Test func `the worker pool runs to its end, and the events show all of it`() throws {
        let server = try RunningServer("examples/worker-pool")
        let stream = try EventReader(server, "?kind=SPAWN,EXIT")
        try Self.exec(server, Run(entry: "pool", result: .bool(true)))
        let events = try stream.read {
            $0.kind == "EXIT" && $0.data["entry"].text.hasSuffix(":pool")
        }
        let ofWorkers = events.filter { event in
            event.data["entry"].text.hasSuffix(":task_worker")
        }
        let spawned = ofWorkers.filter { $0.kind == "SPAWN" }
        let exited = ofWorkers.filter { $0.kind == "EXIT" }
        #expect(spawned.map { $0.data["host"].text } == Array(repeating: "app:processes", count: 5))
        #expect(
            Set(spawned.map { $0.data["from"].text }) == Set(exited.map { $0.data["from"].text })
        )
        #expect(exited.compactMap { $0.data["result"].integer }.sorted() == [20, 40, 60, 80, 100])
        #expect(exited.allSatisfy { $0.data["reason"].text == "normal" })
        #expect(exited.count == 5)
        #expect(server.logHas("Worker 5 completed: 100"))

        try Self.exec(
            server,
            Run(
                entry: "task_worker",
                args: #"[{"task_id": 1, "value": 21}]"#,
                result: .integer(42)
            )
        )
        #expect(server.stop() == 0)
    }

    @Test func `echo: what is sent comes back`() throws {
        let server = try RunningServer("examples/echo")
        try Self.exec(
            server,
            Run(entry: "echo_client", args: #"["ahoy"]"#, result: .string("ahoy"))
        )
        try Self.exec(server, Run(entry: "messages_parent", result: .bool(true)))
        #expect(server.logHas("Received: hello from parent"))
    }

    @Test func `inbox: topics nobody listens to`() throws {
        let server = try RunningServer("examples/inbox")
        let answer = try server.exec(#"{"entry": "app.test.process:inbox_parent"}"#)
        let worker = answer.json["result"].text
        #expect(answer.json["outcome"].text == "ok", "\(answer.text)")
        let inspected = try server.get("/v1/processes/\(worker)")
        #expect(inspected.json["entry"].text == "app.test.process:inbox_worker")
        let lines = waitFor(seconds: 5) { () -> [JSON]? in
            let lines = server.logLines.filter { $0["msg"].text.hasPrefix("Inbox got:") }
            return lines.count == 2 ? lines : nil
        }
        #expect(lines?.allSatisfy { $0["pid"].text == worker } == true, "\(server.logText)")
    }

    @Test func `monitoring: the ends of others`() throws {
        let server = try RunningServer("examples/monitoring")
        try Self.exec(server, Run(entry: "spawn_monitored", result: .string("done")))
        try Self.exec(server, Run(entry: "monitor"))
        let pid = try server.spawn(#"{"entry": "app.test.process:long_worker", "name": "long"}"#)
        let cancel = #"{"reason": "enough"}"#
        #expect(try server.request("POST", "/v1/processes/@long/cancel", cancel).status == 202)
        let end = try server.get("/v1/processes/\(pid)/wait?timeout_ms=10000")
        #expect(end.json["reason"].text == "normal", "\(end.text)")
        #expect("\(end.json["result"])".contains("enough"), "\(end.text)")
    }

    @Test func `linking: failing together, or not`() throws {
        let server = try RunningServer("examples/linking")
        try Self.exec(server, Run(entry: "trap_links", result: .bool(true)))
        try Self.exec(
            server,
            Run(entry: "doomed", outcome: "error", error: "linked process failed")
        )
        try Self.exec(server, Run(entry: "link"))
        let parent = try server.spawn(#"{"entry": "app.test.process:spawn_linked", "name": "p"}"#)
        let stream = try EventReader(server, "?kind=EXIT&max_events=2")
        let fail = #"{"topic": "fail"}"#
        #expect(try server.request("POST", "/v1/processes/@p/messages", fail).status == 202)
        let exits = try stream.read { $0.kind == "bye" }.filter { $0.kind == "EXIT" }
        #expect(exits.map { $0.data["reason"].text } == ["error", "linked"])
        #expect(exits.first?.data["from"].text == parent)
    }

    @Test func `registry: names come and go`() throws {
        let server = try RunningServer("examples/registry")
        try Self.exec(server, Run(entry: "register", result: .bool(true)))
        try Self.exec(server, Run(entry: "unregister"))
        let pid = try server.spawn(#"{"entry": "app.test.process:named_worker", "args": ["post"]}"#)
        let named = waitFor(seconds: 5) { () -> HTTPAnswer? in
            let answer = try? server.get("/v1/names/post")
            return answer?.status == 200 ? answer : nil
        }
        #expect(named?.json["pid"].text == pid)
        let letter = #"{"topic": "letter", "payload": "hello"}"#
        #expect(try server.request("POST", "/v1/processes/@post/messages", letter).status == 202)
        #expect(try server.get("/v1/processes/\(pid)/wait?timeout_ms=10000").status == 200)
        #expect(try server.get("/v1/names/post").code == "name-not-found")
    }
}
