import Testing

/// `moonlet events` against a scripted stream.
@Suite struct ClientCommandEventsTests {
    static func hello(_ id: String, latest: String, heartbeat: Int = 15_000) -> String {
        """
        retry: 1

        event: hello
        id: \(id)
        data: {"kind":"hello","id":"\(id)","epoch":"e","oldest":"e-1","latest":"\(latest)","heartbeat_ms":\(heartbeat)}


        """
    }

    static func exit(_ number: Int, from pid: String = "n.1.4") -> String {
        """
        event: EXIT
        id: e-\(number)
        data: {"id":"e-\(number)","at":"2026-01-05T10:15:30.221Z","kind":"EXIT","from":"\(pid)","entry":"a:b","reason":"normal","result":\(number),"error":null}


        """
    }

    static func line(_ number: Int, from pid: String = "n.1.4") -> String {
        "10:15:30.221  EXIT        \(pid)  a:b  normal  \(number)\n"
    }

    @Test func `following goes on after a lost connection, with the last id`() throws {
        let server = try ScriptedServer([
            .events([Self.hello("e-4", latest: "e-4"), ": hb\n\n", Self.exit(5)]),
            .events([Self.hello("e-5", latest: "e-6"), Self.exit(6), Self.exit(7)], holds: true),
        ])
        let run = try CommandRun.of([
            "events", "-f", "--kind", "EXIT,SPAWN", "--entry", "a:*", "--max", "2",
            "--server", server.url,
        ])
        #expect(run.output == Self.line(5) + Self.line(6))
        #expect(run.errors == "The stream from \(server.url) ended; connecting again.\n")
        #expect(run.code == 0)
        let requests = server.requests
        try #require(requests.count == 2)
        #expect(
            requests[0].hasPrefix("GET /v1/events?kind=EXIT%2CSPAWN&entry=a%3A%2A HTTP/1.1\r\n")
        )
        #expect(requests[0].contains("Accept: text/event-stream\r\n"))
        #expect(!requests[0].contains("Last-Event-ID"))
        #expect(requests[1].contains("Last-Event-ID: e-5\r\n"))
    }

    @Test func `silence is lost after three heartbeats as the server said they come`() throws {
        let server = try ScriptedServer([
            .events([Self.hello("e-4", latest: "e-4", heartbeat: 500)], holds: true),
            .events([Self.hello("e-4", latest: "e-5"), Self.exit(5)], holds: true),
        ])
        let clock = ContinuousClock()
        let start = clock.now
        let run = try CommandRun.of(["events", "-f", "--max", "1", "--server", server.url])
        #expect(run.errors == "The stream from \(server.url) ended; connecting again.\n")
        #expect(run.output == Self.line(5))
        // Not after the 45 s that three of 15 s would be.
        #expect(clock.now - start < .seconds(30))
    }

    @Test func `following waits out a server that is shutting down`() throws {
        let server = try ScriptedServer([
            .events([Self.hello("e-4", latest: "e-4")]),
            .problem(503, "draining"),
            .events([Self.exit(5)], holds: true),
        ])
        let run = try CommandRun.of(["events", "-f", "--max", "1", "--server", server.url])
        #expect(run.output == Self.line(5))
        #expect(server.requests.count == 3)
    }

    @Test func `a refusal ends it with the server's sentence`() throws {
        let server = try ScriptedServer([.problem(400, "invalid-query")])
        let run = try CommandRun.of(["events", "-f", "--since", "x", "--server", server.url])
        #expect(run.errors == "moonlet: The detail. (invalid-query)\n")
        #expect(run.code == 4)
    }

    @Test func `a replay filters and ends where the server was when it began`() throws {
        let server = try ScriptedServer([
            .events(
                [
                    Self.hello("e-0", latest: "e-3"), Self.exit(1), Self.exit(2, from: "n.1.9"),
                    Self.exit(3), Self.exit(4),
                ],
                holds: true
            )
        ])
        let run = try CommandRun.of(["events", "--pid", "n.1.4", "--server", server.url])
        #expect(run.output == Self.line(1) + Self.line(3))
        #expect(run.code == 0)
    }

    @Test func `a replay of nothing ends at once`() throws {
        let server = try ScriptedServer([
            .events([Self.hello("e-3", latest: "e-3")], holds: true)
        ])
        let run = try CommandRun.of(["events", "--since", "e-3", "--server", server.url])
        #expect(run.output == "")
        #expect(run.code == 0)
    }

    @Test func `a gap is a line of its own, and JSON comes as it was sent`() throws {
        let gap =
            #"{"kind":"gap","reason":"evicted","requested":"e-1","resumes_at":"e-4","missed":3}"#
        let stream = ["event: gap\ndata: \(gap)\n\n", Self.exit(5)]
        let text = try ScriptedServer([.events(stream, holds: true)])
        let json = try ScriptedServer([.events(stream, holds: true)])
        let follow = ["events", "-f", "--max", "1", "--server"]
        #expect(
            try CommandRun.of(follow + [text.url]).output
                == "-- gap: 3 events missed (evicted) --\n" + Self.line(5)
        )
        let data = Self.exit(5).split(separator: "\n")[2].dropFirst(6)
        #expect(try CommandRun.of(follow + [json.url, "-o", "json"]).output == "\(gap)\n\(data)\n")
    }
}
