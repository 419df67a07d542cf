import Foundation
import HTTP2TestSupport
import Testing

/// What the real binary may take at most, against Benchmarks/budgets: exact, so it is the same on a
/// busy machine.
@Suite(.serialized) struct BudgetTests {
    static func app() throws -> TemporaryApp {
        try TemporaryApp([
            (
                "rally",
                """
                return function(count)
                    local ready, pongs = process.listen("ready"), process.listen("pong")
                    local pid = process.spawn("app.test:echo", "app:processes", process.pid())
                    ready:receive()
                    for i = 1, count do
                        process.send(pid, "ping", i)
                        pongs:receive()
                    end
                    process.terminate(pid)
                    return count
                end
                """
            ),
            (
                "echo",
                """
                return function(parent)
                    local pings = process.listen("ping")
                    process.send(parent, "ready")
                    while true do process.send(parent, "pong", (pings:receive())) end
                end
                """
            ),
            (
                "waiter",
                """
                return function(parent)
                    local pokes = process.listen("poke")
                    process.send(parent, "up")
                    pokes:receive()
                end
                """
            ),
            (
                "keeper",
                """
                return function(count)
                    local ups, stop = process.listen("up"), process.listen("stop")
                    for _ = 1, count do
                        assert(process.spawn("app.test:waiter", "app:processes", process.pid()))
                        ups:receive()
                    end
                    process.registry.register("keeper")
                    stop:receive()
                end
                """
            ),
            ("consumer", "return function() while true do process.inbox():receive() end end"),
        ])
    }

    /// Prints a figure and holds it against its limit.
    private func hold(_ name: String, _ figure: Double) throws {
        print("figure: \(name) \(figure)")
        let limit = try #require(Budgets.limit(name), "no budget for \(name)")
        #expect(figure <= limit, "\(name)")
    }

    private func rally(_ server: RunningServer, _ count: Int) throws {
        let answer = try server.exec(#"{"entry": "app.test:rally", "args": [\#(count)]}"#)
        #expect(answer.json["result"].integer == Int64(count), "\(answer.text)")
    }

    @Test func `two processes on one worker talk without the kernel`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--workers", "1"])
        try rally(server, 100)
        let before = try #require(server.waits(ofThread: "worker-0"))
        try rally(server, 20_000)
        let after = try #require(server.waits(ofThread: "worker-0"))
        try hold("switches_per_round_trip", Double(after - before) / 20_000)
    }

    @Test func `a message is no system call, a request is few`() throws {
        let app = try Self.app()
        let traced = try TracedServer(app.path, ["--workers", "1"])
        let server = traced.server
        try rally(server, 100)
        try hold(
            "syscalls_per_round_trip",
            try traced.calls(ofThread: "worker-0", times: 20_000) { try rally(server, 20_000) }
        )
        let pid = try server.spawn(#"{"entry": "app.test:consumer", "name": "consumer"}"#)
        let connection = try RawConnection(server)
        func get() throws {
            #expect(try connection.request("GET", "/v1/names/consumer").status == 200)
        }
        try get()
        try hold(
            "syscalls_per_get",
            try traced.calls(ofThread: "io-0", times: 500) { for _ in 0..<500 { try get() } }
        )
        func send() throws {
            let path = "/v1/processes/\(pid)/messages"
            let message = #"{"topic": "t", "payload": [1, 2]}"#
            #expect(try connection.request("POST", path, message).status == 202)
        }
        try send()
        try hold(
            "syscalls_per_send",
            try traced.calls(ofThread: "io-0", times: 500) { for _ in 0..<500 { try send() } }
        )
    }

    @Test func `an idle process is small`() throws {
        let count = 10_000
        let app = try Self.app()
        let server = try RunningServer(app.path)
        // The first ones pay for what is made once.
        func keep(_ count: Int) throws -> String {
            let keeper = try server.spawn(#"{"entry": "app.test:keeper", "args": [\#(count)]}"#)
            let kept = try waitFor(seconds: 60) {
                let answer = try server.get("/v1/names/keeper")
                return answer.json["pid"].text == keeper ? true : nil
            }
            #expect(kept == true)
            return keeper
        }
        let first = try keep(100)
        #expect(try server.request("DELETE", "/v1/processes/\(first)").status == 204)
        let before = server.residentBytes
        _ = try keep(count)
        try hold("idle_resident_bytes", Double(server.residentBytes - before) / Double(count))
        let list = try server.get("/v1/processes?entry=app.test:waiter&limit=1").json["items"]
        let bytes = try #require(list[0]["memory_bytes"].integer)
        try hold("idle_lua_bytes", Double(bytes))
    }

    /// What a client may have had answered before it waits, and the budget of what is kept for it.
    static let waiters: [(budget: String, asked: [UInt8], heard: Int)] = [
        ("silent_connection_bytes", [], 0),
        (
            // Each way, about as much as a buffer is let grow to.
            "idle_http1_connection_bytes",
            Array(
                String(
                    repeating: "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    count: 200
                ).utf8
            ),
            200 * 200
        ),
        (
            "idle_http2_connection_bytes",
            preface
                + [Frame.settings([(4, 1 << 20)]), .settingsAck, .windowUpdate(0, 1 << 20)].bytes
                + Frame.get(1, "/openapi.yaml").bytes,
            97_000
        ),
    ]

    @Test(arguments: waiters)
    func `a connection that waits is small, whatever it was used for`(
        _ waiter: (budget: String, asked: [UInt8], heard: Int)
    ) throws {
        let server = try RunningServer("examples/worker-pool")
        let crowd = try Crowd(server)
        func wait(_ count: Int) throws {
            // One after the other, so that what many use at once is not counted.
            for _ in 0..<count / 50 {
                try crowd.join(50, saying: waiter.asked)
                let heard = waitFor(seconds: 10) {
                    crowd.read()
                    return crowd.members.allSatisfy { $0.heardCount >= waiter.heard } ? true : nil
                }
                #expect(heard == true)
            }
        }
        // The first ones pay for what is made once.
        try wait(100)
        let before = server.residentBytes
        try wait(1_000)
        try hold(waiter.budget, Double(server.residentBytes - before) / 1_000)
        #expect(crowd.openCount == 1_100)
    }
}
