import Testing

/// A process stuck in one call of C, as a client of the real server sees it.
@Suite(.serialized) struct StallTests {
    static func app() throws -> TemporaryApp {
        try TemporaryApp([
            ("bomb", "return function() ('a'):rep(5000):find(('.-'):rep(8) .. 'b') end"),
            ("noop", "return function() return 'done' end"),
        ])
    }

    private func states(_ server: RunningServer) throws -> [String] {
        try server.get("/v1/system").json["workers"].items.map { $0["state"].text }
    }

    @Test func `spares take over from stuck workers, and DELETE ends what is stuck`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--workers", "2"])
        let stream = try EventReader(server, "?kind=STALLED,EXIT")
        _ = try stream.next()
        let bombs = Set(
            try (0..<2).map { _ in try server.spawn(#"{"entry": "app.test:bomb"}"#) }
        )
        let order = #"{"entry": "app.test:noop", "timeout_ms": 20000}"#
        let watch = Stopwatch()
        let answer = try server.request("POST", "/v1/exec", order)
        print("figure: exec with every worker stuck answered in \(watch.milliseconds) ms")
        #expect(answer.json["result"].text == "done", "\(answer.text)")
        let stalled = try #require(try stream.next())
        #expect(stalled.kind == "STALLED")
        #expect(bombs.contains(stalled.data["from"].text))
        let reason = try #require(
            stalled.data["reason"].text.wholeMatch(of: /one call kept others waiting for (\d+) ms/)
        )
        // More where the machine gave the call no CPU.
        #expect((20...200).contains(Int(reason.1) ?? 0))
        #expect(try states(server).contains("stalled"))
        #expect(server.logHas("a spare worker thread was started"))
        for pid in bombs {
            #expect(try server.request("DELETE", "/v1/processes/\(pid)").status == 204)
            let record = try server.get("/v1/processes/\(pid)/wait?timeout_ms=10000").json
            #expect(record["reason"].text == "terminated")
        }
        let rested = try waitFor(seconds: 10) {
            let now = try states(server)
            return now.filter { $0 == "parked" }.count == 2 && now.contains("spare") ? true : nil
        }
        #expect(rested == true)
        #expect(try server.get("/livez").status == 200)
        #expect(server.stop() == 0)
    }

    @Test func `a server stops while every worker is stuck`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--workers", "1"])
        for _ in 0..<3 { _ = try server.spawn(#"{"entry": "app.test:bomb"}"#) }
        let stalled = try waitFor(seconds: 10) {
            try states(server).filter { $0 == "stalled" }.count >= 2 ? true : nil
        }
        #expect(stalled == true)
        #expect(server.stop() == 0)
    }
}
