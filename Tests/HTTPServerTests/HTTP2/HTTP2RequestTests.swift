import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A request over HTTP 2` {
    @Test func `is answered as over HTTP 1, with its content`() throws {
        try withServer { server in
            let client = try HTTP2Client(server)
            let answer = try client.get(1, "/path")
            #expect(answer.status == 200)
            #expect(answer.text == "GET /path ")
            #expect(answer.fields["content-type"] == "text/plain")
            #expect(answer.fields["content-length"] == "10")
            #expect(answer.fields["date"] != nil)
            try client.send(.post(3, "/p"), .data(3, "some ", end: false), .data(3, "body"))
            #expect(try client.answer(3).text == "POST /p some body")
        }
    }

    @Test func `is one of many at once, answered when its handler does`() throws {
        let exchanges = Shared<[String: any Exchange]>([:])
        let handler = TestHandler { request, exchange in
            exchanges.update { $0[request.path] = exchange }
        }
        try withServer(handler) { server in
            let client = try HTTP2Client(server)
            try client.send((0..<100).map { .get(2 * $0 + 1, "/\($0)") })
            eventually("all are there") { exchanges.get().count == 100 }
            for index in (0..<100).reversed() {
                exchanges.get()["/\(index)"]?.respond(text("answer \(index)"))
                #expect(try client.answer(UInt32(2 * index + 1)).text == "answer \(index)")
            }
        }
    }

    @Test func `of a batch costs no write of its own`() throws {
        let sockets = FaultySockets()
        let writes = Shared(0)
        sockets.onSendCall = { index in
            writes.update { $0 = index + 1 }
            return nil
        }
        try withServer(sockets: sockets) { server in
            let client = try HTTP2Client(server)
            _ = try client.get(1)
            let before = writes.get()
            try client.send((1...50).map { .get(2 * $0 + 1) })
            for stream in 1...50 {
                #expect(try client.answer(UInt32(2 * stream + 1)).status == 200)
            }
            // One for the batch, if it came in one read; the client's write may be read in pieces.
            #expect(writes.get() - before <= 3)
        }
    }

    @Test(arguments: [200, 204, 304])
    func `gets no content where there is none`(status: Int) throws {
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: status, body: .bytes(Array("body".utf8))))
        }
        try withServer(handler) { server in
            let client = try HTTP2Client(server)
            let answer = try client.get(1)
            #expect(answer.status == status)
            #expect(answer.text == (status == 200 ? "body" : ""))
            #expect(answer.fields["content-length"] == (status == 204 ? nil : "4"))
            try client.send(.headers(3, Frame.requestFields("HEAD", "/")))
            let head = try client.answer(3)
            #expect(head.status == status)
            #expect(head.text == "")
            #expect(head.fields["content-length"] == (status == 204 ? nil : "4"))
        }
    }

    @Test func `with too large a body is refused, and the others go on`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.http1.bodyBytesMax = 10
            configuration.limits.lingerNanoseconds = 50 * millisecond
        }
        try withServer(configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/", [("content-length", "11")]))
            #expect(try client.answer(1).status == 413)
            try client.send(.post(3), .data(3, "0123456789", end: false), .data(3, "x", end: false))
            let answer = try client.answer(3)
            #expect(answer.status == 413)
            #expect(answer.text.contains("payload-too-large"))
            try client.read { $0[3].reset != nil }
            #expect(client.transcript[3].reset == 0)
            try client.send(.post(5), .data(5, "0123456789"))
            #expect(try client.answer(5).status == 200)
        }
    }

    @Test func `may be refused at its head, or have a body of another size`() throws {
        let handler = TestHandler(
            onRequest: echo.onRequest,
            onHead: { head in
                head.path == "/no"
                    ? .refuse(Response(status: 415)) : .proceed(bodyBytesMax: 2_000_000)
            }
        )
        try withServer(handler) { server in
            let client = try HTTP2Client(server, settings: [(4, 4_000_000)])
            try client.send(.windowUpdate(0, 4_000_000), .post(1, "/no"))
            #expect(try client.answer(1).status == 415)
            try client.send(.post(3, "/"))
            let piece = [UInt8](repeating: 120, count: 15_000)
            for index in 0..<100 {
                // The stream's window is 65,535 bytes: room is given again as the body is taken.
                try client.read { transcript in
                    let given = transcript.frames.filter { $0.type == 8 && $0.stream == 3 }
                    let room = given.reduce(65_535) { $0 + Int($1.word(at: 0)) }
                    return room >= (index + 1) * piece.count || transcript[3].isOver
                }
                try client.send(.data(3, piece, end: index == 99))
            }
            #expect(try client.answer(3).body.count == 1_500_007)
        }
    }

    @Test func `that waits for leave to send its body gets it`() throws {
        try withServer { server in
            let client = try HTTP2Client(server)
            try client.send(.post(1, "/", [("expect", "100-continue")]))
            try client.read { $0[1].interim == [100] }
            try client.send(.data(1, "body"))
            #expect(try client.answer(1).text == "POST / body")
        }
    }

    @Test func `that its handler drops is answered 500`() throws {
        try withServer(TestHandler { _, _ in }) { server in
            let answer = try HTTP2Client(server).get(1)
            #expect(answer.status == 500)
            #expect(answer.text.contains("internal"))
        }
    }

    @Test(arguments: ["reset", "close", "half-close and close"])
    func `tells its handler when its client is gone`(how: String) throws {
        let (gone, held) = (Shared(0), Shared<[any Exchange]>([]))
        let handler = TestHandler { request, exchange in
            held.update { $0.append(exchange) }
            exchange.onDisconnect { gone.update { $0 += 1 } }
        }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.probeNanoseconds = 20 * millisecond
        }
        try withServer(handler, configure: configure) { server in
            let client = try HTTP2Client(server)
            try client.send(.get(1), .get(3))
            eventually("both are there") { held.get().count == 2 }
            switch how {
            case "reset": try client.send(.reset(1), .reset(3))
            case "close": client.client.close()
            default:
                try client.client.shutdownSending()
                try client.read { $0.frames.count { $0.type == 6 } == 2 }
                #expect(gone.get() == 0)
                client.client.close()
            }
            eventually("both are told") { gone.get() == 2 }
            for exchange in held.get() { exchange.respond(text("late")) }
            held.update { $0 = [] }
            switch how {
            case "reset":
                try client.send(.ping())
                try client.read { $0.pingAcks == 1 }
                #expect(client.transcript[1].status == 0)
            default: eventually("it is closed") { server.connectionCount == 0 }
            }
        }
    }

    @Test func `is refused where the heads of unfinished ones are too large`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.headsBytesMax = 50_000
        }
        try withServer(configure: configure) { server in
            let client = try HTTP2Client(server)
            let large = [("x-large", String(repeating: "x", count: 12_000))]
            let streams = (0..<10).map { UInt32(2 * $0 + 1) }
            for stream in streams { try client.send(.post(stream, "/\(stream)", large)) }
            try client.read { $0[19].isOver }
            // Four have room; one that is refused may be tried again.
            let resets = streams.map { client.transcript[$0].reset }
            #expect(resets == [nil, nil, nil, nil, 7, 7, 7, 7, 7, 7])
            // Whole, they make room.
            for stream in streams.prefix(4) { try client.send(.data(stream, "x")) }
            for stream in streams.prefix(4) {
                #expect(try client.answer(stream).text == "POST /\(stream) x")
            }
            for stream: UInt32 in [21, 23, 25, 27] { try client.send(.post(stream, "/", large)) }
            for stream: UInt32 in [21, 23, 25, 27] { try client.send(.reset(stream)) }
            for stream: UInt32 in [29, 31, 33, 35] {
                try client.send(.post(stream, "/", large), .data(stream, "y"))
                #expect(try client.answer(stream).text == "POST / y")
            }
        }
    }

    @Test func `is not refused because others wait for their turn`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.headsBytesMax = 50_000
        }
        try withServer(configure: configure) { server in
            let client = try HTTP2Client(server)
            let large = [("x-large", String(repeating: "x", count: 12_000))]
            let streams = (0..<100).map { UInt32(2 * $0 + 1) }
            // All in one write: more than one turn hands out, and far more than may be held.
            try client.send(
                streams.map { .headers($0, Frame.requestFields("GET", "/\($0)") + large) }
            )
            for stream in streams {
                #expect(try client.answer(stream).text == "GET /\(stream) ")
            }
        }
    }

    @Test func `is refused where all connections together hold too large heads`() throws {
        try withServer(configure: { $0.headsBytesMax = 50_000 }) { server in
            let large = [("x-large", String(repeating: "x", count: 12_000))]
            let client = try HTTP2Client(server)
            try client.send((0..<4).map { .post(UInt32(2 * $0 + 1), "/", large) })
            try client.send(.ping())
            try client.read { $0.pingAcks == 1 }
            let other = try HTTP2Client(server)
            // One that holds nothing may always have one.
            try other.send(.post(1, "/", large), .post(3, "/", large))
            try other.read { $0[3].isOver }
            #expect(other.transcript[3].reset == 7 && other.transcript[1].reset == nil)
            client.client.close()
            eventually("it is gone") { server.connectionCount == 1 }
            try other.send(.post(5, "/", large), .data(5, "x"))
            #expect(try other.answer(5).text == "POST / x")
        }
    }

    @Test func `is answered although its client sends no more`() throws {
        let (gone, held) = (Shared(0), Shared<[any Exchange]>([]))
        let handler = TestHandler { request, exchange in
            exchange.onDisconnect { gone.update { $0 += 1 } }
            held.update { $0.append(exchange) }
        }
        try withServer(handler) { server in
            let client = try HTTP2Client(server)
            try client.send(.get(1), .post(3), .data(3, "x"))
            try client.client.shutdownSending()
            eventually("both are there") { held.get().count == 2 }
            try client.read { $0.frames.contains { $0.type == 6 } }
            for exchange in held.get() { exchange.respond(text("late")) }
            #expect(try client.answer(1).text == "late")
            #expect(try client.answer(3).text == "late")
            #expect(gone.get() == 0)
        }
    }

    @Test func `keeps its place while a handler works on it, reset or not`() throws {
        let held = Shared<[any Exchange]>([])
        let handler = TestHandler { request, exchange in
            if request.path == "/now" { return exchange.respond(text("now")) }
            held.update { $0.append(exchange) }
        }
        try withServer(handler, configure: { $0.limits.http2.streamsMax = 4 }) { server in
            let client = try HTTP2Client(server)
            for stream in [1, 3, 5, 7] as [UInt32] {
                try client.send(.get(stream))
                eventually("it is there") { held.get().count == Int(stream + 1) / 2 }
                try client.send(.reset(stream))
            }
            let refused = try client.get(9, "/now")
            #expect(refused.reset == 7)
            #expect(refused.status == 0)
            held.update { $0.removeLast() }
            var stream: UInt32 = 11
            while try client.get(stream, "/now").reset != nil { stream += 2 }
            #expect(client.transcript[stream].text == "now")
        }
    }

    @Test func `is asked again at the time its handler named`() throws {
        let handler = TestHandler { _, exchange in
            exchange.after(30 * millisecond) { exchange.respond(text("later")) }
        }
        try withServer(handler) { server in
            let start = SystemTime.monotonicNanoseconds()
            let client = try HTTP2Client(server)
            #expect(try client.get(1).text == "later")
            #expect(SystemTime.monotonicNanoseconds() - start >= 30 * millisecond)
        }
    }

    @Test func `waits while much of earlier answers waits to be read`() throws {
        let handled = Shared(0)
        let handler = TestHandler { _, exchange in
            handled.update { $0 += 1 }
            let body = [UInt8](repeating: 120, count: 400_000)
            exchange.respond(Response(status: 200, body: .bytes(body)))
        }
        try withServer(handler, configure: { $0.limits.answersBytesMax = 1 << 20 }) { server in
            let client = try HTTP2Client(server)
            try client.send((0..<20).map { .get(2 * $0 + 1) })
            try client.read { $0.answers.values.reduce(0) { $0 + $1.body.count } == 65_535 }
            // 1 MiB of answers, and one above it.
            #expect(handled.get() == 3)
            for stream in 0..<20 as Range<UInt32> {
                try client.send(.windowUpdate(0, 400_000), .windowUpdate(2 * stream + 1, 400_000))
                #expect(try client.answer(2 * stream + 1).body.count == 400_000)
            }
            #expect(handled.get() == 20)
        }
    }

    @Test func `whose body others hold up goes on when they have ended`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.bodiesBytesMax = 100_000
            configuration.limits.bodyNanoseconds = 300 * millisecond
            configuration.limits.bodyBytesPerWindow = 1
        }
        try withServer(configure: configure) { server in
            let client = try HTTP2Client(server)
            let piece = [UInt8](repeating: 120, count: 15_000)
            let streams: [UInt32] = [1, 3, 5, 7]
            try client.send(.windowUpdate(0, 1 << 20))
            for stream in streams { try client.send(.post(stream)) }
            // 60,000 bytes each are within every window, but together more than is kept.
            for _ in 0..<4 {
                for stream in streams { try client.send(.data(stream, piece, end: false)) }
            }
            // Only the first gets room for more.
            try client.send(.ping())
            try client.read { $0.pingAcks == 1 }
            let given = { (transcript: HTTP2Transcript) in
                Set(transcript.frames.filter { $0.type == 8 && $0.stream > 0 }.map(\.stream))
            }
            #expect(given(client.transcript).contains(1))
            #expect(!given(client.transcript).contains(7))
            for stream in streams {
                try client.send(.data(stream, "end"))
                #expect(try client.answer(stream).body.count == 60_010)
            }
        }
    }
}
