import Foundation
import HTTP2TestSupport
import TestCertificates
import Testing

/// HTTP/2 as its clients speak it, against the real binary.
@Suite struct HTTP2Tests {
    static let server = Result { try RunningServer("examples/worker-pool") }

    private func curl(_ path: String, _ more: [String] = []) throws -> CommandRun {
        let server = try Self.server.get()
        let flags = [
            "-sS", "--http2-prior-knowledge", "--max-time", "20", "-w", "\n%{http_version}",
        ]
        return try CommandRun.of(flags + more + [server.base + path], program: "/usr/bin/curl")
    }

    @Test func `curl gets, posts and asks for heads`() throws {
        let live = try curl("/livez")
        #expect(live.output == "{\"status\":\"ok\"}\n2", "\(live)")
        let json = ["-H", "Content-Type: application/json"]
        let spawned = try curl("/v1/processes", json + ["-d", #"{"entry": "app.demo:greeter"}"#])
        #expect(spawned.output.contains("\"pid\":"), "\(spawned)")
        #expect(spawned.output.hasSuffix("\n2"))
        let head = try curl("/openapi.yaml", ["-I"])
        #expect(head.output.hasPrefix("HTTP/2 200"), "\(head)")
        let missing = try curl("/nothing", ["-i"])
        #expect(missing.output.contains("HTTP/2 404"))
        #expect(missing.output.contains("application/problem+json"))
    }

    @Test func `curl sends a body of a mebibyte and is told of one that is larger`() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("h2-body-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let json = ["-H", "Content-Type: application/json", "--data-binary", "@" + file.path]
        let frame = #"{"entry": "nobody", "args": [""]}"#
        for (count, status) in [(1 << 20, 422), ((1 << 20) + 1, 413)] {
            let filler = String(repeating: "x", count: count - frame.utf8.count)
            try frame.replacingOccurrences(of: "\"\"", with: "\"\(filler)\"")
                .write(to: file, atomically: true, encoding: .utf8)
            let answer = try curl("/v1/exec", json)
            #expect(answer.output.contains("\"status\":\(status)"), "\(answer)")
        }
    }

    @Test func `curl follows events`() throws {
        let server = try Self.server.get()
        let stream = try FrameConnection(server)
        try stream.send(.get(1, "/v1/events?kind=SPAWN&max_events=2"))
        try stream.read { $0[1].text.contains("event: hello") }
        let spawn = #"{"entry": "app.demo:greeter"}"#
        let run = try curl("/v1/processes", ["-H", "Content-Type: application/json", "-d", spawn])
        #expect(run.code == 0)
        try stream.read { $0[1].text.contains("event: SPAWN") }
        let since = try curl("/v1/events?since=oldest&kind=SPAWN&max_events=1", ["-N"])
        #expect(since.output.contains("event: SPAWN"), "\(since)")
        #expect(since.output.hasSuffix("\n2"))
    }

    @Test func `h2load finds no error in twenty thousand requests`() throws {
        let server = try Self.server.get()
        let run = try CommandRun.of(
            ["-c8", "-m32", "-n20000", server.base + "/livez"],
            program: "/usr/bin/h2load"
        )
        #expect(run.code == 0)
        let counts = "20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored"
        #expect(run.output.contains(counts), "\(run.output)")
    }

    @Test func `both protocols give the same answers`() throws {
        let server = try Self.server.get()
        let connection = try FrameConnection(server, settings: [(4, 1 << 24)])
        try connection.send(.windowUpdate(0, 1 << 24))
        var stream: UInt32 = 1
        for path in [
            "/livez", "/readyz", "/v1/names", "/v1/names/nobody", "/v1/entries", "/v1/hosts",
            "/openapi.yaml", "/", "/nothing", "/v1/processes?limit=0", "/%2e%2e/x",
        ] {
            try connection.send(.get(stream, path))
            let (first, second) = (try server.get(path), try connection.answer(stream))
            #expect(first.status == second.status, "\(path)")
            var varying = ["date", "x-request-id", "connection"]
            // A problem names its request, whose number may get a digit more in between.
            if first.status >= 400 { varying.append("content-length") }
            for (name, value) in first.fields where !varying.contains(name) {
                #expect(second.fields[name] == value, "\(path): \(name)")
            }
            if first.status == 200 { #expect(first.body == second.body, "\(path)") }
            stream += 2
        }
    }

    @Test func `how many requests a connection may have at once is a setting`() throws {
        let server = try RunningServer(
            "examples/worker-pool",
            ["--max-streams-per-connection", "3"]
        )
        let connection = try FrameConnection(server)
        for stream in [1, 3, 5] as [UInt32] { try connection.send(.get(stream, "/v1/events")) }
        try connection.read { $0[5].status == 200 }
        #expect(connection.heard.settings[3] == 3)
        try connection.send(.reset(1), .get(7, "/livez"))
        #expect(try connection.answer(7).status == 200)
        // Two are open; the second more is one too many for a client that knows the limit.
        try connection.send(.get(9, "/v1/events"), .get(11, "/v1/events"))
        #expect(try connection.goAways() == [1])
    }

    @Test func `the end is told, streams are ended, and the program stops`() throws {
        let server = try RunningServer("examples/worker-pool")
        let connection = try FrameConnection(server)
        try connection.send(.get(1, "/v1/events"))
        try connection.read { $0[1].text.contains("event: hello") }
        let watch = Stopwatch()
        server.signal(SIGTERM)
        let answer = try connection.answer(1)
        #expect(answer.text.contains("event: bye"))
        #expect(answer.isEnded)
        try connection.read { !$0.pings.isEmpty }
        if let ping = connection.heard.pings.first {
            try connection.send(Frame(Frame.pingType, flags: Frame.ack, ping.payload))
        }
        #expect(try connection.goAways() == [0, 0])
        connection.raw.close()
        #expect(server.exitCode(within: 10) == 0)
        #expect(watch.milliseconds < 3_000)
    }

    @Test func `TLS settles on it with a client that speaks it, and then it has to be spoken`()
        throws
    {
        let files = try TestCertificates()
        let flags = ["--tls-cert", files.path("cert.pem"), "--tls-key", files.path("key.pem")]
        let server = try RunningServer("examples/worker-pool", flags)
        let url = "https://localhost:\(server.port)/livez"
        let curl = ["-sS", "--max-time", "10", "--cacert", files.path("ca.pem")]
        let answer = try CommandRun.of(
            curl + ["-w", " %{http_version}", url],
            program: "/usr/bin/curl"
        )
        #expect(answer.output == "{\"status\":\"ok\"} 2")
        let load = try CommandRun.of(["-c4", "-m16", "-n2000", url], program: "/usr/bin/h2load")
        #expect(load.output.contains("2000 succeeded, 0 failed, 0 errored"), "\(load.output)")
        let liar = try CommandRun.of(
            ["s_client", "-quiet", "-connect", "localhost:\(server.port)", "-alpn", "h2"],
            program: "/usr/bin/openssl",
            input: "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        #expect(!liar.output.contains("HTTP/1.1"), "\(liar.output)")
    }
}
