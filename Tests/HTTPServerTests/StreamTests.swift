import HTTP
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A stream` {
    /// A handler that answers every request with the next of `streams`, and `/plain` with text.
    private func handler(_ streams: [TestStream]) -> TestHandler {
        let next = Shared(0)
        return TestHandler { request, exchange in
            if request.path == "/plain" { return exchange.respond(text("plain")) }
            let index = next.get()
            next.update { $0 += 1 }
            exchange.respond(
                Response(
                    status: 200,
                    headers: Headers([("Content-Type", "text/event-stream")]),
                    body: .stream(streams[index])
                )
            )
        }
    }

    @Test func `sends what its owner makes, when it is made, and the connection lives on`() throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try TestClient(server)
            try client.send(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            let head = try client.readHead()
            #expect(head["Transfer-Encoding"] == "chunked")
            #expect(head["Content-Length"] == nil)
            for index in 0..<20 {
                stream.push("event \(index)")
                #expect(try client.readChunk() == Array("event \(index)".utf8))
            }
            stream.end()
            #expect(try client.readChunk() == nil)
            #expect(try client.answer().text == "plain")
            #expect(stream.stops == 1)
        }
    }

    @Test func `ends with the connection where the client speaks HTTP 1.0`() throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let head = try client.readHead()
            #expect(head["Transfer-Encoding"] == nil)
            #expect(head["Connection"] == "close")
            stream.push("all of it")
            stream.end()
            #expect(try client.readToEnd() == Array("all of it".utf8))
        }
    }

    @Test func `is not begun for HEAD`() throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try TestClient(server)
            try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer(toHead: true)["Transfer-Encoding"] == "chunked")
            #expect(try client.get("/plain").text == "plain")
            #expect(!stream.isStarted)
            #expect(stream.stops == 1)
        }
    }

    @Test(arguments: [false, true])
    func `is stopped when its reader goes away`(abruptly: Bool) throws {
        let stream = TestStream()
        try withServer(handler([stream])) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readHead().status == 200)
            if abruptly { try client.abort() } else { client.close() }
            eventually("it is stopped") { stream.stops == 1 }
            eventually("the connection is closed") { server.connectionCount == 0 }
        }
    }

    @Test func `never read is cut after the stall, bounded until then, and costs others nothing`()
        throws
    {
        let (stalled, healthy) = (TestStream(endless: true), TestStream())
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 300 * millisecond
        }
        try withServer(handler([stalled, healthy]), configure: configure) { server in
            let reader = try TestClient(server)
            try reader.setBuffers(receiveBytes: 4096)
            try reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("the stream runs") { stalled.produced > 0 }
            let other = try TestClient(server)
            try other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try other.readHead().status == 200)
            var index = 0
            eventually("the stalled one is cut") {
                healthy.push("event \(index)")
                index += 1
                return stalled.stops == 1
            }
            healthy.end()
            var received = ""
            while let chunk = try other.readChunk() {
                received += String(decoding: chunk, as: UTF8.self)
            }
            #expect(received == (0..<index).map { "event \($0)" }.joined())
            // The bound, one fill above it, and what the kernel's buffers took (some MiB).
            #expect(stalled.produced < 16 << 20)
        }
    }

    @Test func `that always has more leaves the loop to others`() throws {
        let endless = TestStream(endless: true)
        try withServer(handler([endless])) { server in
            let reader = try TestClient(server)
            try reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try reader.readHead().status == 200)
            let swallow = PosixThread(name: "swallow", stackBytes: 1 << 20) {
                while ((try? reader.readChunk()) ?? nil) != nil {}
            }
            let other = try TestClient(server)
            for _ in 0..<100 { #expect(try other.get("/plain").text == "plain") }
            #expect(endless.produced > 0)
            server.stop()
            swallow.join()
            #expect(endless.stops == 1)
        }
    }

    /// Fills more than a reader takes, then waits for a time that comes before the reader does.
    final class Patient: ResponseStream {
        let fills = Shared(0)
        func start(_ waker: StreamWaker) {}
        func stop() {}
        func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep {
            fills.update { $0 += 1 }
            output += [UInt8](repeating: 120, count: 16 << 20)
            return .waiting(until: now + 20 * millisecond)
        }
    }

    @Test func `whose time comes while its reader takes nothing leaves the loop to others`() throws
    {
        let stream = Patient()
        let handler = TestHandler { request, exchange in
            if request.path == "/plain" { return exchange.respond(text("plain")) }
            exchange.respond(Response(status: 200, body: .stream(stream)))
        }
        try withServer(handler) { server in
            let reader = try TestClient(server)
            try reader.setBuffers(receiveBytes: 4096)
            try reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("the stream runs") { stream.fills.get() == 1 }
            Parker().park(until: SystemTime.monotonicNanoseconds() + 50 * millisecond)
            #expect(
                try TestClient(server).get("/plain").text == "plain"
            )
            #expect(stream.fills.get() == 1)
        }
    }

    @Test func `beyond the peer's share is refused with a time to come back`() throws {
        let streams = (0..<4).map { _ in TestStream() }
        try withServer(handler(streams), configure: { $0.streamsPerPeerMax = 2 }) { server in
            let readers = try (0..<2).map { _ in try TestClient(server) }
            for reader in readers {
                try reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try reader.readHead().status == 200)
            }
            let client = try TestClient(server)
            let refusal = try client.get("/")
            #expect(refusal.status == 503)
            #expect(refusal.text.contains("stream-limit"))
            #expect(refusal["Retry-After"] != nil)
            #expect(streams[2].stops == 1)
            #expect(!streams[2].isStarted)
            readers[0].close()
            eventually("its share is free") { streams[0].stops == 1 }
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readHead().status == 200)
        }
    }

    @Test func `is asked again at the time it named`() throws {
        final class Heartbeat: ResponseStream {
            let fills = Shared(0)
            func start(_ waker: StreamWaker) {}
            func stop() {}
            func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep {
                fills.update { $0 += 1 }
                output += Array(": hb\n".utf8)
                return fills.get() == 3 ? .ended : .waiting(until: now + 20 * millisecond)
            }
        }
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: 200, body: .stream(Heartbeat())))
        }
        try withServer(handler) { server in
            let start = SystemTime.monotonicNanoseconds()
            let answer = try TestClient(server).get("/")
            #expect(answer.text == ": hb\n: hb\n: hb\n")
            #expect(SystemTime.monotonicNanoseconds() - start >= 40 * millisecond)
        }
    }
}
