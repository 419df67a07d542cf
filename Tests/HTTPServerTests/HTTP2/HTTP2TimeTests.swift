import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A slow client of HTTP 2` {
    @Test(arguments: [
        [], [1], Array(Frame.ping().bytes.dropLast()), Array(Frame.get(1).bytes.dropLast()),
        Frame.headers(1, pieces: [[0x82], [0x84]])[0].bytes,
    ])
    func `has the time of a head for any frame, and its connection ends`(bytes: [UInt8]) throws {
        try withServer(configure: { $0.limits.headNanoseconds = 150 * millisecond }) { server in
            let start = SystemTime.monotonicNanoseconds()
            let client = try TestClient(server)
            // Nothing at all after the preface, or a beginning.
            try client.send(preface + (bytes.isEmpty ? [] : Frame.settings().bytes + bytes))
            var transcript = HTTP2Transcript()
            transcript.receive(try client.readToEnd())
            #expect(transcript.goAways.map(\.code) == [1])
            #expect(SystemTime.monotonicNanoseconds() - start >= 150 * millisecond)
        }
    }

    @Test func `is not hurried by that time when nothing is under way`() throws {
        try withServer(configure: { $0.limits.headNanoseconds = 50 * millisecond }) { server in
            let client = try HTTP2Client(server)
            Parker().park(until: SystemTime.monotonicNanoseconds() + 150 * millisecond)
            #expect(try client.get(1).status == 200)
        }
    }

    @Test func `that lets a body wait is answered 408, and may ask on`() throws {
        try withServer(configure: { $0.limits.bodyNanoseconds = 100 * millisecond }) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1), .data(1, "half", end: false))
            #expect(try client.answer(1).status == 408)
            #expect(try client.get(3).status == 200)
        }
    }

    @Test func `whose body makes progress is let go on`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.bodyNanoseconds = 100 * millisecond
            configuration.limits.bodyBytesPerWindow = 1
        }
        try withServer(configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1))
            for _ in 0..<20 {
                try client.send(.data(1, "x", end: false))
                Parker().park(until: SystemTime.monotonicNanoseconds() + 10 * millisecond)
            }
            try client.send(.data(1, "x"))
            #expect(try client.answer(1).text == "POST / " + String(repeating: "x", count: 21))
        }
    }

    @Test func `that asks nothing more is sent away without a fault`() throws {
        try withServer(configure: { $0.limits.idleNanoseconds = 100 * millisecond }) { server in
            let client = try HTTP2Client(server)
            #expect(try client.get(1).status == 200)
            #expect(try client.goAways() == [0])
            eventually("it is gone") {
                client.client.close()
                return server.connectionCount == 0
            }
        }
    }
}

@Suite struct `Draining over HTTP 2` {
    @Test func `an idle connection is told and closed at once`() throws {
        try withServer { server in
            let client = try HTTP2Client(server)
            #expect(try client.get(1).status == 200)
            let drain = PosixThread(name: "drain", stackBytes: 1 << 18) {
                server.drain(within: 5_000 * millisecond)
            }
            let start = SystemTime.monotonicNanoseconds()
            try client.read { !$0.pings.isEmpty }
            #expect(client.transcript.goAways.map(\.last) == [0x7FFF_FFFF])
            let ping = try #require(client.transcript.pings.first)
            try client.send(Frame(Frame.pingType, flags: Frame.ack, ping.payload))
            #expect(try client.goAways() == [0, 0])
            #expect(client.transcript.goAways.last?.last == 1)
            client.client.close()
            drain.join()
            #expect(SystemTime.monotonicNanoseconds() - start < 1_000 * millisecond)
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `what was asked before the client knew is answered, streams are ended`() throws {
        let stream = TestStream()
        let held = Shared<[any Exchange]>([])
        let handler = TestHandler { request, exchange in
            switch request.path {
            case "/stream": exchange.respond(Response(status: 200, body: .stream(stream)))
            default: held.update { $0.append(exchange) }
            }
        }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.onDrain = {
                stream.push("bye")
                stream.end()
            }
        }
        try withServer(handler, configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.get(1, "/stream"), .get(3, "/slow"))
            #expect(try client.head(1).status == 200)
            eventually("it is there") { held.get().count == 1 }
            let drain = PosixThread(name: "drain", stackBytes: 1 << 18) {
                server.drain(within: 5_000 * millisecond)
            }
            #expect(try client.answer(1).text == "bye")
            try client.read { !$0.goAways.isEmpty }
            // On its way before the client read that.
            try client.send(.get(5, "/late"))
            eventually("it is there too") { held.get().count == 2 }
            try client.read { $0.goAways.count == 2 }
            #expect(client.transcript.goAways.map(\.last) == [0x7FFF_FFFF, 5])
            try client.send(.get(7, "/too-late"))
            for exchange in held.get() { exchange.respond(text("done")) }
            #expect(try client.answer(3).text == "done")
            #expect(try client.answer(5).text == "done")
            #expect(try client.goAways() == [0, 0])
            #expect(held.get().count == 2)
            client.client.close()
            drain.join()
            #expect(server.connectionCount == 0)
        }
    }
}
