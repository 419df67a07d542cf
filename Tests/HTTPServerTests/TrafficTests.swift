import HTTP
import HTTP2TestSupport
import Testing

@testable import HTTPServer

@Suite struct `Traffic` {
    /// Answers as `echo`, with the label that the path's last digit is.
    private func labelled(_ admission: Admission = .proceed(bodyBytesMax: nil)) -> TestHandler {
        TestHandler(
            onRequest: { request, exchange in
                var response = text("x")
                response.status = request.path.hasPrefix("/bad") ? 404 : 200
                response.label = Int(request.path.suffix(1)) ?? 0
                exchange.respond(response)
            },
            onHead: { _ in admission }
        )
    }

    @Test func `is counted by label and class, with its bytes and connections`() throws {
        try withServer(labelled(), configure: { $0.labels = 3 }) { server in
            let client = try TestClient(server)
            for path in ["/1", "/1", "/bad2", "/other", "/9"] { _ = try client.get(path) }
            _ = try TestClient(server).get("/1")
            let traffic = server.traffic
            #expect(
                traffic.labels.map(\.byClass) == [
                    [0, 2, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, 0, 1, 0],
                ]
            )
            #expect(traffic.labels.map { $0.buckets.reduce(0, +) } == [2, 3, 1])
            #expect(traffic.labels.allSatisfy { $0.nanoseconds > 0 })
            #expect(traffic.accepted == 2 && traffic.inFlight == 0)
            #expect(traffic.receivedBytes > 100 && traffic.sentBytes > 300)
            #expect(traffic.refusals == [:])
        }
    }

    @Test func `that waits is in flight until its answer, and takes as long`() throws {
        let held = Shared<(any Exchange)?>(nil)
        let handler = TestHandler { _, exchange in held.update { $0 = exchange } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it is there") { held.get() != nil }
            #expect(server.traffic.inFlight == 1)
            try client.abort()
            eventually("its client is gone") { server.connectionCount == 0 }
            // The work goes on, so it counts on.
            #expect(server.traffic.inFlight == 1)
            held.get()?.respond(text("late"))
            held.update { $0 = nil }
            eventually("it is answered") { server.traffic.inFlight == 0 }
            // Nobody got the answer.
            #expect(server.traffic.labels[0].byClass == [0, 0, 0, 0, 0])
            #expect(server.traffic.disconnects == 1)
        }
    }

    @Test func `that nobody answers is a failure`() throws {
        try withServer(TestHandler { _, _ in }) { server in
            let answer = try TestClient(server).get("/")
            #expect(answer.status == 500)
            #expect(server.traffic.labels[0].byClass == [0, 0, 0, 0, 1])
            #expect(server.traffic.inFlight == 0 && server.traffic.refusals == ["internal": 1])
        }
    }

    @Test func `that is refused a stream is a failure of its route`() throws {
        let handler = TestHandler { request, exchange in
            var response = Response(status: 200, body: .stream(TestStream()))
            response.label = 1
            exchange.respond(response)
        }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.labels = 2
            configuration.streamsPerPeerMax = 0
        }
        try withServer(handler, configure: configure) { server in
            let answer = try TestClient(server).get("/")
            #expect(answer.status == 503)
            let second = try HTTP2Client(server).get(1)
            #expect(second.status == 503)
            #expect(server.traffic.labels.map(\.byClass) == [[0, 0, 0, 0, 0], [0, 0, 0, 0, 2]])
            #expect(server.traffic.refusals == ["stream-limit": 2])
        }
    }

    @Test func `whose client leaves is no failure of ours`() throws {
        let held = Shared<(any Exchange)?>(nil)
        let handler = TestHandler { _, exchange in
            exchange.onDisconnect { held.update { $0 = nil } }
            held.update { $0 = exchange }
        }
        try withServer(handler) { server in
            for aborts in [true, false] {
                let client = try TestClient(server)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                eventually("it is there") { held.get() != nil }
                if aborts { try client.abort() } else { client.close() }
                eventually("it is let go") { server.traffic.inFlight == 0 }
            }
            let second = try HTTP2Client(server)
            try second.send(.get(1))
            eventually("it is there") { held.get() != nil }
            try second.send(.reset(1))
            eventually("it is let go") { server.traffic.inFlight == 0 }
            #expect(server.traffic.disconnects == 3)
            #expect(server.traffic.labels[0].byClass == [0, 0, 0, 0, 0])
            #expect(server.traffic.refusals == [:])
        }
    }

    @Test func `that is refused at its head counts, and so do the server's own refusals`() throws {
        var refusal = Response(status: 415)
        refusal.label = 1
        let handler = labelled(.refuse(refusal))
        try withServer(handler, configure: { $0.labels = 2 }) { server in
            let client = try TestClient(server)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            #expect(try client.answer().status == 415)
            let other = try TestClient(server)
            try other.send("nonsense\r\n\r\n")
            #expect(try other.answer().status == 400)
            let traffic = server.traffic
            #expect(traffic.labels[1].byClass == [0, 0, 0, 1, 0])
            #expect(traffic.labels[0].byClass == [0, 0, 0, 1, 0])
            #expect(traffic.refusals.values.reduce(0, +) == 1)
        }
    }
}
