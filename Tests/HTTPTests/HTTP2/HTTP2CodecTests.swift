import HTTP2TestSupport
import Testing

@testable import HTTP

@Suite struct HTTP2CodecTests {
    @Test func `a request is one event, its answer one head and its content`() {
        var wire = WiredCodec()
        wire.send([.headers(1, Frame.requestFields("GET", "/a%20b?c=d") + [("accept", "*/*")])])
        let head = wire.heads.first
        #expect(head?.request.method == "GET")
        #expect(head?.request.path == "/a%20b")
        #expect(head?.request.query == "c=d")
        #expect(head?.request.authority == "localhost")
        #expect(head?.request.headers == Headers([("accept", "*/*")]))
        #expect(head?.request.version == .http2)
        #expect(head?.hasBody == false)
        wire.answer(1, .bytes(Array("hello".utf8)), contentLength: 5)
        #expect(wire.client[1].status == 200)
        #expect(wire.client[1].fields == ["content-length": "5"])
        #expect(wire.client[1].text == "hello")
        #expect(wire.client[1].isEnded)
        #expect(wire.story.last == "1 closed")
    }

    @Test func `what a connection may do is told first`() {
        let wire = WiredCodec()
        #expect(wire.client.frames.first?.type == Frame.settingsType)
        #expect(wire.client.settings == [3: 128, 4: 65_535, 6: 16_384, 9: 1])
        #expect(wire.client.settingsAcks == 1)
    }

    @Test func `any cut of the bytes gives the same events and answers`() {
        let head = HPACK.literals(Frame.requestFields("POST", "/c") + [("content-length", "10")])
        let frames: [Frame] =
            [.settings([(4, 100)]), .get(1, "/a"), .post(3, "/b")]
            + [.data(3, "hello ", end: false), .ping(), .windowUpdate(0, 1_000)]
            + Frame.headers(5, pieces: [Array(head[..<7]), [], Array(head[7...])], end: false)
            + [.data(3, "world"), .data(5, "0123456789"), .get(7, "bad"), .reset(1)]
            + [.headers(9, Frame.requestFields("GET", "/") + [("host", "other")])]
            + [Frame(0xFA, stream: 3, [1, 2, 3]), .windowUpdate(1, 5), .ping(7), .get(10)]
        let bytes = frames.bytes
        func run(_ cuts: [Int]) -> WiredCodec {
            var wire = WiredCodec()
            var from = 0
            for cut in cuts + [bytes.count] {
                wire.send(Array(bytes[from..<cut]))
                from = cut
            }
            return wire
        }
        // When a stream is closed follows what was sent meanwhile.
        func told(_ wire: WiredCodec) -> [String] {
            wire.story.filter { !$0.hasSuffix("closed") }
        }
        let whole = run([])
        #expect(whole.heads.map(\.request.path) == ["/a", "/b", "/c"])
        #expect(whole.story.contains("5 body 0123456789"))
        #expect(whole.refusals == [400])
        #expect(whole.client.goAways.map(\.last) == [9])
        // An even number is not a client's: the connection ends.
        #expect(whole.client.goAways.map(\.code) == [1])
        for cut in 1..<bytes.count {
            let halves = run([cut])
            #expect(told(halves) == told(whole), "cut at \(cut)")
            #expect(halves.client.goAways.map(\.code) == [1], "cut at \(cut)")
        }
        let bits = run(Array(1..<bytes.count))
        #expect(told(bits) == told(whole))
        #expect(bits.client[7].reset == 1)
    }

    @Test func `trailers end a body and mean nothing`() {
        var wire = WiredCodec()
        wire.send([.post(1), .data(1, "body", end: false), .headers(1, [("x-more", "1")])])
        #expect(Array(wire.story.dropFirst()) == ["1 body body", "1 body ended"])
    }

    @Test func `content beyond the client's window waits for the window`() {
        var wire = WiredCodec(settings: .settings([(4, 10)]))
        wire.send([.get(1)])
        let outgoing = wire.answer(1, .bytes([UInt8](repeating: 120, count: 25)))
        #expect(wire.client[1].body.count == 10)
        #expect(outgoing?.pendingBytes == 15)
        #expect(wire.codec.isBlocked(1))
        #expect(!wire.codec.isConnectionBlocked)
        wire.send([.windowUpdate(1, 14)])
        #expect(wire.client[1].body.count == 24)
        #expect(!wire.client[1].isEnded)
        wire.send([.windowUpdate(1, 14)])
        #expect(wire.client[1].body.count == 25)
        #expect(wire.client[1].isEnded)
        #expect(wire.codec.waitingBytes == 0)
    }

    @Test func `open content goes out as it is appended, until it is completed`() throws {
        var wire = WiredCodec()
        wire.send([.get(1)])
        let answered = wire.answer(1, .open)
        let outgoing = try #require(answered)
        #expect(wire.client[1].status == 200)
        for piece in ["one", "two", "three"] {
            wire.codec.append(Array(piece.utf8), to: outgoing)
            wire.exchange()
        }
        #expect(wire.client[1].text == "onetwothree")
        #expect(!wire.client[1].isEnded)
        wire.codec.complete(outgoing)
        wire.exchange()
        #expect(wire.client[1].isEnded)
        #expect(outgoing.takenBytes == 11)
    }

    @Test func `output stops at its bound and goes on from there`() {
        var wire = WiredCodec(settings: .settings([(4, 1 << 30)]))
        let requests = [1, 3, 5, 7].map { Frame.get($0) }
        wire.send([.windowUpdate(0, 1 << 30)] + requests)
        for stream in [1, 3, 5, 7] {
            let content = [UInt8](repeating: UInt8(stream), count: 200_000)
            _ = wire.codec.answer(
                Int32(stream),
                status: 200,
                headers: Headers(),
                contentLength: nil,
                content: .bytes(content),
                date: nil
            )
        }
        var rounds = 0
        var hasMore = true
        while hasMore {
            var output: [UInt8] = [1, 2, 3]
            hasMore = wire.codec.produce(into: &output, bytesMax: 50_000, now: wire.now)
            // One frame may reach over the bound.
            #expect(output.count <= 50_000 + 16_384 + 12)
            #expect(output.prefix(3) == [1, 2, 3])
            wire.client.receive(Array(output.dropFirst(3)))
            rounds += 1
        }
        #expect(rounds > 10)
        for stream in [1, 3, 5, 7] as [UInt32] {
            #expect(wire.client[stream].body.count == 200_000)
            #expect(wire.client[stream].body.allSatisfy { $0 == UInt8(stream) })
            #expect(wire.client[stream].isEnded)
        }
    }

    @Test func `the client gets room for a body only as far as it was taken`() {
        var limits = HTTP2Limits()
        limits.streamWindowBytes = 1_000
        var wire = WiredCodec(limits: limits)
        let piece = [UInt8](repeating: 120, count: 600)
        wire.send([.post(1), .data(1, piece, end: false)])
        #expect(!wire.client.frames.contains { $0.type == 8 && $0.stream == 1 })
        wire.codec.release(600, of: 1)
        wire.exchange()
        #expect(wire.client.frames.last { $0.type == 8 && $0.stream == 1 }?.word(at: 0) == 600)
        wire.send([.data(1, piece, end: false)])
        #expect(wire.client.goAways.isEmpty)
        // More than it has room for.
        wire.send([.data(1, piece, end: false)])
        #expect(wire.client[1].reset == 3 || wire.client.goAways.first?.code == 3)
    }

    @Test func `an answer before the body's end is told, and what still comes is dropped`() {
        var wire = WiredCodec()
        wire.send([.post(1), .data(1, "some", end: false)])
        wire.answer(1, .bytes(Array("no".utf8)), status: 413)
        #expect(wire.client[1].status == 413)
        #expect(wire.client[1].isEnded)
        #expect(wire.story.last == "1 answered early")
        wire.codec.reset(1, code: 0)
        wire.exchange()
        #expect(wire.client[1].reset == 0)
        #expect(wire.story.last == "1 closed")
        // What was on its way is dropped.
        wire.send([.data(1, "more", end: false), .get(3)])
        #expect(wire.heads.count == 2)
        #expect(wire.client.goAways.isEmpty)
    }

    @Test func `an interim answer comes before the final one`() {
        var wire = WiredCodec()
        wire.send([.post(1, "/", [("expect", "100-continue")])])
        #expect(wire.heads.first?.expectsContinue == true)
        wire.codec.sendContinue(1)
        wire.exchange()
        wire.send([.data(1, "x")])
        wire.answer(1)
        #expect(wire.client[1].interim == [100])
        #expect(wire.client[1].status == 200)
    }

    @Test func `a handler's fields can make no other fields`() {
        var wire = WiredCodec()
        wire.send([.get(1)])
        let headers = Headers([
            ("X-Two", "a\r\nset-cookie: b\0"), ("bad name", "x"), ("Connection", "close"),
            ("Transfer-Encoding", "chunked"), ("Content-Length", "7"), ("", "x"),
            (":status", "204"),
            ("X-Request-Id", "1"),
        ])
        wire.answer(1, headers: headers, contentLength: 0)
        #expect(wire.client.malformed == nil)
        #expect(
            wire.client[1].fields == [
                "x-two": "a%0D%0Aset-cookie: b%00", "content-length": "0", "x-request-id": "1",
            ]
        )
    }

    @Test func `the end is told twice: first that it comes, then after which stream`() {
        var wire = WiredCodec()
        wire.send([.get(1)])
        wire.codec.beginShutdown()
        wire.exchange()
        #expect(wire.client.goAways.map(\.last) == [0x7FFF_FFFF])
        // A request that was on its way is still served.
        wire.send([.get(3), Frame(Frame.pingType, flags: Frame.ack, wire.client.pings[0].payload)])
        #expect(wire.story.last == "pong")
        wire.codec.finishShutdown()
        wire.exchange()
        #expect(wire.client.goAways.map(\.last) == [0x7FFF_FFFF, 3])
        #expect(wire.client.goAways.map(\.code) == [0, 0])
        wire.send([.get(5)])
        #expect(wire.heads.count == 2)
        wire.answer(1)
        #expect(!wire.codec.isFinished)
        wire.answer(3)
        #expect(wire.codec.isFinished)
    }

    @Test func `a fault ends everything at once, with its reason on the wire`() {
        var wire = WiredCodec()
        wire.send([.get(1), .get(3)])
        wire.codec.fail(HTTP2Failure(code: 0xB, reason: "enough"))
        wire.exchange()
        #expect(wire.client.goAways.map(\.last) == [3])
        #expect(wire.client.goAways.map(\.code) == [0xB])
        #expect(wire.client.frames.last?.payload.suffix(6) == "enough".utf8.suffix(6))
        #expect(wire.codec.hasFailed)
        #expect(wire.codec.isFinished)
        #expect(!wire.codec.wantsInput)
        // Nothing is left to answer, to reset, or to take.
        wire.answer(1, .bytes([1]))
        wire.codec.reset(3, code: 8)
        wire.send([.get(5)])
        #expect(wire.heads.count == 2)
        #expect(wire.client.frames.last?.type == Frame.goAwayType)
    }
}
