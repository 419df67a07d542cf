import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A stream over HTTP 2` {
    /// Answers `/n` with the n-th of `streams`, and any other path with text.
    private func handler(_ streams: [TestStream]) -> TestHandler {
        TestHandler { request, exchange in
            guard let index = Int(request.path.dropFirst()) else {
                return exchange.respond(text("plain"))
            }
            let fields = Headers([("Content-Type", "text/event-stream")])
            exchange.respond(Response(status: 200, headers: fields, body: .stream(streams[index])))
        }
    }

    @Test func `sends what its owner makes, when it is made, beside others`() throws {
        let streams = [TestStream(), TestStream()]
        try withServer(handler(streams)) { server in
            let client = try HTTP2Client(server)
            try client.send(.get(1, "/0"), .get(3, "/1"))
            #expect(try client.head(1).fields["content-type"] == "text/event-stream")
            #expect(try client.head(3).fields["content-length"] == nil)
            var (first, second) = ("", "")
            for index in 0..<20 {
                streams[0].push("a\(index) ")
                first += "a\(index) "
                try client.body(1, is: first)
                streams[1].push("b\(index) ")
                second += "b\(index) "
                try client.body(3, is: second)
                #expect(try client.get(UInt32(5 + 2 * index), "/plain").text == "plain")
            }
            streams[0].end()
            #expect(try client.answer(1).isEnded)
            #expect(streams[0].stops == 1)
            #expect(streams[1].stops == 0)
        }
    }

    @Test(arguments: ["reset", "close", "half-close"])
    func `is stopped when its reader goes away`(how: String) throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try HTTP2Client(server)
            try client.send(.get(1, "/0"))
            #expect(try client.head(1).status == 200)
            switch how {
            case "reset": try client.send(.reset(1))
            case "close": client.client.close()
            default: try client.client.shutdownSending()
            }
            eventually("it is stopped") { stream.stops == 1 }
            if how == "reset" {
                #expect(try client.get(3, "/plain").text == "plain")
            } else {
                eventually("the connection is closed") {
                    client.client.close()
                    return server.connectionCount == 0
                }
            }
        }
    }

    @Test func `whose window stays closed is cut, bounded until then, beside a healthy one`() throws
    {
        let (stalled, healthy) = (TestStream(endless: true), TestStream())
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 300 * millisecond
        }
        try withServer(handler([stalled, healthy]), configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.windowUpdate(0, 1 << 24), .get(1, "/0"), .get(3, "/1"))
            try client.send(.windowUpdate(3, 1 << 24))
            #expect(try client.head(3).status == 200)
            var (sent, index) = ("", 0)
            while client.transcript[1].reset == nil {
                healthy.push("event \(index) ")
                sent += "event \(index) "
                index += 1
                try client.read { $0[3].text == sent || $0[1].reset != nil }
            }
            #expect(client.transcript[1].reset == 8)
            #expect(client.transcript[1].body.count == 65_535)
            #expect(stalled.stops == 1)
            // A window of 65,535 bytes in pieces of 4,096, and one piece more.
            #expect(stalled.produced <= 17 * 4_096)
            healthy.end()
            #expect(try client.answer(3).text == sent)
        }
    }

    @Test func `whose window is opened a byte at a time is cut as well`() throws {
        let stalled = TestStream(endless: true)
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 200 * millisecond
            configuration.limits.http2.windowUpdates = .init(burst: 100_000, perSecond: 100_000)
        }
        try withServer(handler([stalled]), configure: configure) { server in
            let client = try HTTP2Client(server, settings: [(4, 0)])
            try client.send(.get(1, "/0"))
            while client.transcript[1].reset == nil {
                try client.send(.windowUpdate(1, 1))
                let seen = client.transcript[1].body.count
                try client.read { $0[1].body.count > seen || $0[1].reset != nil }
                Parker().park(until: SystemTime.monotonicNanoseconds() + 5 * millisecond)
            }
            #expect(client.transcript[1].reset == 8)
            #expect(client.transcript[1].body.count < 100)
            #expect(stalled.stops == 1)
        }
    }

    @Test func `that is read as fast as it comes goes on for ever`() throws {
        let endless = TestStream(endless: true)
        let configure = { (configuration: inout ServerConfiguration) in
            // Long enough for a reader that a busy machine keeps waiting.
            configuration.limits.writeStallNanoseconds = 1_000 * millisecond
        }
        try withServer(handler([endless]), configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.windowUpdate(0, 1 << 30), .get(1, "/0"))
            let end = SystemTime.monotonicNanoseconds() + 1_500 * millisecond
            var opened = 65_535
            while SystemTime.monotonicNanoseconds() < end {
                try client.read { $0[1].body.count == opened || $0[1].isOver }
                try client.send(.windowUpdate(1, 100_000))
                opened += 100_000
                #expect(!client.transcript[1].isOver)
            }
            #expect(try client.get(3, "/plain").text == "plain")
        }
    }

    @Test func `whose time comes while its window is closed leaves the loop to others`() throws {
        let stream = `A stream`.Patient()
        let handler = TestHandler { request, exchange in
            if request.path == "/plain" { return exchange.respond(text("plain")) }
            exchange.respond(Response(status: 200, body: .stream(stream)))
        }
        try withServer(handler) { server in
            let client = try HTTP2Client(server)
            try client.send(.windowUpdate(0, 1 << 20), .get(1))
            try client.read { $0[1].body.count == 65_535 }
            Parker().park(until: SystemTime.monotonicNanoseconds() + 50 * millisecond)
            #expect(try client.get(3, "/plain").text == "plain")
            #expect(stream.fills.get() == 1)
        }
    }

    @Test func `is cut in time although the socket takes nothing either`() throws {
        let streams = [TestStream(endless: true), TestStream(endless: true)]
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 300 * millisecond
        }
        try withServer(handler(streams), configure: configure) { server in
            // One stream's window is closed; another fills the socket, which nobody reads.
            let client = try HTTP2Client(server)
            try client.client.setBuffers(receiveBytes: 4_096)
            try client.send(.windowUpdate(0, 1 << 30), .get(1, "/0"), .get(3, "/1"))
            try client.send(.windowUpdate(3, 1 << 30))
            eventually("both are gone") { streams.allSatisfy { $0.stops == 1 } }
            #expect(try TestClient(server).get("/x").text == "plain")
        }
    }

    @Test func `on a connection whose window stays closed ends it`() throws {
        let stalled = TestStream(endless: true)
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 200 * millisecond
        }
        try withServer(handler([stalled]), configure: configure) { server in
            let client = try HTTP2Client(server, settings: [(4, 1 << 24)])
            try client.send(.get(1, "/0"))
            #expect(try client.goAways() == [0xB])
            #expect(client.transcript[1].body.count == 65_535)
            #expect(stalled.stops == 1)
        }
    }

    @Test func `beyond the peer's share is refused with a time to come back`() throws {
        let streams = (0..<4).map { _ in TestStream() }
        try withServer(handler(streams), configure: { $0.streamsPerPeerMax = 2 }) { server in
            let client = try HTTP2Client(server)
            for (stream, path) in [(1, "/0"), (3, "/1")] as [(UInt32, String)] {
                try client.send(.get(stream, path))
                #expect(try client.head(stream).status == 200)
            }
            let refusal = try client.get(5, "/2")
            #expect(refusal.status == 503)
            #expect(refusal.fields["retry-after"] != nil)
            #expect(refusal.text.contains("stream-limit"))
            #expect(streams[2].stops == 1)
            #expect(!streams[2].isStarted)
            try client.send(.reset(1))
            eventually("its share is free") { streams[0].stops == 1 }
            try client.send(.get(7, "/3"))
            #expect(try client.head(7).status == 200)
        }
    }

    @Test func `is not begun for HEAD`() throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try HTTP2Client(server)
            try client.send(.headers(1, Frame.requestFields("HEAD", "/0")))
            #expect(try client.answer(1).status == 200)
            #expect(!stream.isStarted)
            #expect(stream.stops == 1)
        }
    }

    @Test func `that always has more leaves the loop, and its connection, to others`() throws {
        let endless = TestStream(endless: true)
        try withServer(handler([endless])) { server in
            let client = try HTTP2Client(server, settings: [(4, 0x7FFF_FFFF)])
            try client.send(.windowUpdate(0, 0x7FFF_FFFF - 65_535), .get(1, "/0"))
            for index in 0..<50 as Range<UInt32> {
                #expect(try client.get(3 + 2 * index, "/plain").text == "plain")
                #expect(try TestClient(server).get("/plain").text == "plain")
            }
            #expect(endless.produced > 0)
        }
    }
}

/// The same promises as over HTTP/1, on one stream of many.
@Suite struct `A streamed body over HTTP 2` {
    private func echoing(
        _ stream: TestStream,
        _ receiver: TestReceiver,
        bodyBytesMax: Int = 1 << 20
    ) -> TestHandler {
        streamingHandler(bodyBytesMax: bodyBytesMax) { exchange in
            exchange.respond(Response(status: 200, body: .stream(stream)))
            return receiver
        }
    }

    @Test func `is answered piece by piece while it still comes`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver)) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"))
            var sent = ""
            for word in ["one", "two", "three"] {
                try client.send(.data(1, word, end: false))
                sent += word
                try client.body(1, is: sent)
                #expect(try client.get(UInt32(2 * sent.count + 1)).status == 200)
            }
            #expect(receiver.ends == 0)
            try client.send(.data(1, ""))
            #expect(try client.answer(1).isEnded)
            #expect(receiver.ends == 1 && receiver.failures == [] && stream.stops == 1)
        }
    }

    @Test func `that its receiver cannot take is held back by the window`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        receiver.isFull = true
        try withServer(echoing(stream, receiver)) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"))
            let piece = [UInt8](repeating: 120, count: 15_000)
            try client.send([Frame](repeating: .data(1, piece, end: false), count: 4))
            try client.send(.get(3))
            #expect(try client.answer(3).status == 200)
            #expect(receiver.count == 0)
            #expect(!client.transcript.frames.contains { $0.type == 8 && $0.stream == 1 })
            receiver.isFull = false
            stream.push("")
            try client.read { $0[1].body.count == 60_000 }
            #expect(receiver.count == 60_000)
            try client.read { $0.frames.contains { $0.type == 8 && $0.stream == 1 } }
            try client.send(.data(1, "end"))
            #expect(try client.answer(1).body.count == 60_003)
            #expect(receiver.ends == 1)
        }
    }

    @Test func `over its limit fails with its fault`() throws {
        let receiver = TestReceiver()
        let late = Shared<(any Exchange)?>(nil)
        let handler = streamingHandler(bodyBytesMax: 10) { exchange in
            late.update { $0 = exchange }
            return receiver
        }
        try withServer(handler) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream", [("content-length", "11")]))
            #expect(try client.answer(1).status == 413)
            #expect(late.get() == nil)
            try client.send(.post(3, "/stream"), .data(3, "01234567890", end: false))
            #expect(try client.answer(3).status == 413)
            guard case .refused(let fault)? = receiver.failures.first else {
                Issue.record("\(receiver.failures)")
                return
            }
            #expect(fault.status == 413)
        }
    }

    @Test(arguments: ["reset", "close"])
    func `that is broken off fails once`(how: String) throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver)) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"), .data(1, "half", end: false))
            try client.body(1, is: "half")
            if how == "reset" { try client.send(.reset(1)) } else { client.client.close() }
            eventually("it is told") { receiver.failures == [.disconnected] }
            eventually("the answer is stopped") { stream.stops == 1 }
            #expect(receiver.ends == 0)
        }
    }

    @Test func `answered before its end is not wanted any more`() throws {
        let receiver = TestReceiver()
        let handler = streamingHandler { exchange in
            exchange.respond(text("enough"))
            return receiver
        }
        try withServer(handler, configure: { $0.limits.lingerNanoseconds = 50 * millisecond }) {
            server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"), .data(1, "some", end: false))
            #expect(try client.answer(1).text == "enough")
            try client.read { $0[1].reset != nil }
            #expect(client.transcript[1].reset == 0)
            #expect(try client.get(3).status == 200)
            #expect(receiver.count == 0 && receiver.ends == 0 && receiver.failures == [])
        }
    }

    @Test func `has to make some progress`() throws {
        let receiver = TestReceiver()
        let exchanges = Shared<[any Exchange]>([])
        let handler = streamingHandler { exchange in
            exchanges.update { $0.append(exchange) }
            return receiver
        }
        try withServer(handler, configure: { $0.limits.bodyNanoseconds = 100 * millisecond }) {
            server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"), .data(1, "x", end: false))
            #expect(try client.answer(1).status == 408)
            #expect(receiver.text == "x" && receiver.failures.count == 1)
        }
    }

    @Test func `may be the last its client sends`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(onEnd: { stream.push("ended") })
        try withServer(echoing(stream, receiver)) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/stream"), .data(1, "all"))
            try client.client.shutdownSending()
            try client.body(1, is: "ended")
            stream.push(", more")
            try client.body(1, is: "ended, more")
            stream.end()
            #expect(try client.answer(1).isEnded)
            #expect(receiver.failures == [])
        }
    }
}
