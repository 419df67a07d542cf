import HTTP
import Posix
import Synchronization
import Testing

@testable import HTTPServer

/// Keeps what it is told, and echoes each piece into a stream where it has one.
final class TestReceiver: BodyReceiver {
    private struct State {
        var bytes: [UInt8] = []
        var isFull = false
        var ends = 0
        var failures: [BodyFailure] = []
    }
    private let state = Mutex(State())
    private let stream: TestStream?
    private let onEnd: @Sendable () -> Void
    private let onBytes: @Sendable () -> Void

    init(
        echoing stream: TestStream? = nil,
        onBytes: @escaping @Sendable () -> Void = {},
        onEnd: @escaping @Sendable () -> Void = {}
    ) {
        self.stream = stream
        self.onBytes = onBytes
        self.onEnd = onEnd
    }

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
    var count: Int { state.withLock { $0.bytes.count } }
    var ends: Int { state.withLock { $0.ends } }
    var failures: [BodyFailure] { state.withLock { $0.failures } }
    var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    var wantsMore: Bool { !isFull }

    func receive(_ bytes: Span<UInt8>) {
        let piece = (0..<bytes.count).map { bytes[$0] }
        state.withLock { state in
            #expect(state.ends == 0 && state.failures.isEmpty, "bytes after the end")
            state.bytes += piece
        }
        stream?.push(String(decoding: piece, as: UTF8.self))
        onBytes()
    }

    func ended() {
        state.withLock { $0.ends += 1 }
        stream?.end()
        onEnd()
    }

    func failed(_ failure: BodyFailure) {
        state.withLock { $0.failures.append(failure) }
        stream?.push("failed")
        stream?.end()
    }
}

/// Requests to /stream go to `begin`; others are echoed whole.
func streamingHandler(
    bodyBytesMax: Int = 1 << 20,
    _ begin: @escaping @Sendable (any Exchange) -> any BodyReceiver
) -> TestHandler {
    TestHandler(
        onRequest: echo.onRequest,
        onHead: { head in
            head.path == "/stream"
                ? .stream(bodyBytesMax: bodyBytesMax, begin: begin)
                : .proceed(bodyBytesMax: nil)
        }
    )
}

@Suite struct `A streamed body` {
    private func streaming(_ stream: TestStream) -> Response {
        Response(status: 200, body: .stream(stream))
    }

    /// Answers with a stream at once that echoes the body.
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

    private static let chunkedHead =
        "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func `is answered piece by piece while it still comes, and keep-alive goes on`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead)
            #expect(try client.readHead()["Transfer-Encoding"] == "chunked")
            for word in ["one", "two", "three"] {
                try client.send("\(String(word.count, radix: 16))\r\n\(word)\r\n")
                #expect(try client.readChunk() == Array(word.utf8))
            }
            #expect(receiver.ends == 0)
            try client.send("0\r\n\r\n")
            #expect(try client.readChunk() == nil)
            #expect(receiver.ends == 1 && receiver.failures == [] && stream.stops == 1)
            #expect(try client.get("/after").text == "GET /after ")
        }
    }

    @Test func `may be counted, and be answered after its end`() throws {
        let late = Shared<(any Exchange)?>(nil)
        let receiver = TestReceiver(onEnd: {
            late.get()?.respond(text("all of it"))
        })
        let handler = streamingHandler { exchange in
            late.update { $0 = exchange }
            return receiver
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(
                "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"
            )
            eventually("the half is there") { receiver.text == "half" }
            try client.send("half" + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().text == "all of it")
            #expect(try client.answer().text == "GET /next ")
            #expect(receiver.text == "halfhalf" && receiver.ends == 1)
        }
    }

    @Test func `begins after the answers to all requests before it`() throws {
        let held = Shared<(any Exchange)?>(nil)
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        let base = echoing(stream, receiver)
        let begun = Shared(false)
        let handler = TestHandler(
            onRequest: { request, exchange in held.update { $0 = exchange } },
            onHead: { head in
                guard case .stream(let max, let begin) = base.onHead(head) else {
                    return base.onHead(head)
                }
                return .stream(bodyBytesMax: max) { exchange in
                    begun.update { $0 = true }
                    return begin(exchange)
                }
            }
        )
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            try client.send(Self.chunkedHead + "2\r\nhi\r\n0\r\n\r\n")
            eventually("the first is there") { held.get() != nil }
            #expect(!begun.get())
            held.get()?.respond(text("slow"))
            #expect(try client.answer().text == "slow")
            #expect(try client.answer().text == "hi")
        }
    }

    @Test func `is asked for with 100 Continue before the answer begins`() throws {
        let stream = TestStream()
        try withServer(echoing(stream, TestReceiver(echoing: stream))) { server in
            let client = try TestClient(server)
            try client.send(
                "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                    + "Expect: 100-continue\r\n\r\n"
            )
            #expect(try client.readHead().status == 100)
            #expect(try client.readHead().status == 200)
            try client.send("abc")
            #expect(try client.readChunk() == Array("abc".utf8))
            #expect(try client.readChunk() == nil)
        }
    }

    @Test func `stops being read while its receiver wants no more, and goes on when it does`()
        throws
    {
        let stream = TestStream()
        let receiver = TestReceiver()
        receiver.isFull = true
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead)
            #expect(try client.readHead().status == 200)
            let chunk = String(repeating: "x", count: 60_000)
            try client.send("\(String(chunk.count, radix: 16))\r\n\(chunk)\r\n")
            // An answer to another client says that the loop had its chance to read.
            #expect(try TestClient(server).get("/other").status == 200)
            #expect(receiver.count == 0)
            receiver.isFull = false
            stream.push("go on")
            #expect(try client.readChunk() == Array("go on".utf8))
            eventually("all came") { receiver.count == chunk.count }
        }
    }

    @Test func `is not read while its client does not take the answer`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        let handler = echoing(stream, receiver, bodyBytesMax: 256 << 20)
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.setBuffers(receiveBytes: 4_096)
            try client.send(Self.chunkedHead)
            let writer = PosixThread(name: "writer", stackBytes: 1 << 20) {
                let chunk = String(repeating: "x", count: 1 << 20)
                let line = "\(String(chunk.utf8.count, radix: 16))\r\n\(chunk)\r\n"
                for _ in 0..<16 { try? client.send(line) }
                try? client.send("0\r\n\r\n")
            }
            defer { writer.join() }
            // What the server has read of 16 MiB comes to rest far below them.
            var before = -1
            eventually("the server has stopped reading") {
                let now = receiver.count
                defer { before = now }
                return now > 0 && now == before
            }
            #expect(receiver.count < 12 << 20)
            try client.setBuffers(receiveBytes: 1 << 20)
            #expect(try client.readHead().status == 200)
            var total = 0
            while let chunk = try client.readChunk() { total += chunk.count }
            #expect(total == 16 << 20)
        }
    }

    @Test func `that says it is too long is refused before it begins`() throws {
        let begun = Shared(false)
        let handler = streamingHandler(bodyBytesMax: 10) { _ in
            begun.update { $0 = true }
            return TestReceiver()
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
            #expect(try client.answer().status == 413)
            #expect(try client.isEnded())
            #expect(!begun.get())
        }
    }

    @Test func `that turns out too long fails, and the stream has the last word`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver, bodyBytesMax: 10)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "8\r\n12345678\r\n8\r\n12345678\r\n")
            #expect(try client.answer().text.hasSuffix("failed"))
            #expect(try client.isEnded())
            guard case .refused(let fault)? = receiver.failures.first else {
                Issue.record("\(receiver.failures)")
                return
            }
            #expect(fault.status == 413 && receiver.failures.count == 1 && receiver.ends == 0)
        }
    }

    @Test func `that is malformed and not yet answered is answered with the fault`() throws {
        let kept = Shared<(any Exchange)?>(nil)
        let receiver = TestReceiver()
        let handler = streamingHandler { exchange in
            kept.update { $0 = exchange }
            return receiver
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "2\r\nhi\r\nzz\r\n")
            let answer = try client.answer()
            #expect(answer.status == 400 && answer["Connection"] == "close")
            #expect(try client.isEnded())
            #expect(receiver.text == "hi" && receiver.failures.count == 1)
        }
    }

    @Test func `that is answered before its end is not read on`() throws {
        let receiver = TestReceiver()
        let handler = streamingHandler { exchange in
            exchange.respond(text("enough"))
            return receiver
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "2\r\nhi\r\n")
            let answer = try client.answer()
            #expect(answer.text == "enough" && answer["Connection"] == "close")
            #expect(try client.isEnded())
            #expect(receiver.text.isEmpty && receiver.ends == 0 && receiver.failures == [])
        }
    }

    @Test func `whose stream ends before it is not read on`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(onBytes: { stream.end() })
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "2\r\nhi\r\n")
            #expect(try client.answer().status == 200)
            #expect(try client.isEnded())
            #expect(receiver.ends == 0 && receiver.failures == [])
        }
    }

    @Test func `may be followed by a half-close, and is answered to its end`() throws {
        let stream = TestStream()
        let receiver = TestReceiver()
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "2\r\nhi\r\n0\r\n\r\n")
            try client.shutdownSending()
            eventually("the body is complete") { receiver.ends == 1 }
            #expect(try client.readHead().status == 200)
            stream.push("late")
            stream.end()
            #expect(try client.readChunk() == Array("late".utf8))
            #expect(try client.readChunk() == nil)
            #expect(try client.isEnded())
        }
    }

    @Test(arguments: [false, true])
    func `fails when its client goes in the middle`(abruptly: Bool) throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead + "2\r\nhi\r\n")
            #expect(try client.readHead().status == 200)
            if abruptly { try client.abort() } else { try client.shutdownSending() }
            eventually("it failed") { receiver.failures == [.disconnected] }
            eventually("the stream is stopped") { stream.stops == 1 }
            eventually("nothing is left") { server.connectionCount == 0 }
        }
    }

    @Test func `must make progress, but need not be fast`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.bodyNanoseconds = 150 * millisecond
        }
        try withServer(echoing(stream, receiver), configure: configure) { server in
            let client = try TestClient(server)
            try client.send(Self.chunkedHead)
            #expect(try client.readHead().status == 200)
            let parker = Parker()
            let start = SystemTime.monotonicNanoseconds()
            // A byte in each window, over several windows.
            while SystemTime.monotonicNanoseconds() < start + 500 * millisecond {
                try client.send("1\r\nx\r\n")
                #expect(try client.readChunk() == [120])
                parker.park(until: SystemTime.monotonicNanoseconds() + 40 * millisecond)
            }
            #expect(receiver.failures == [])
            // And then nothing.
            #expect(try client.readChunk() == Array("failed".utf8))
            #expect(try client.readChunk() == nil)
            #expect(try client.isEnded())
            #expect(receiver.failures == [.refused(.bodyTimeout)])
        }
    }

    @Test func `of a request that closes the connection is still read`() throws {
        let stream = TestStream()
        let receiver = TestReceiver(echoing: stream)
        try withServer(echoing(stream, receiver)) { server in
            let client = try TestClient(server)
            try client.send(
                "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc"
            )
            #expect(try client.readHead()["Connection"] == "close")
            #expect(try client.readChunk() == Array("abc".utf8))
            try client.send("def")
            #expect(try client.readChunk() == Array("def".utf8))
            #expect(try client.readChunk() == nil)
            #expect(try client.isEnded())
        }
    }

    @Test func `of an earlier pause does not count as slow`() throws {
        // The second request's body begins while the first is unanswered, and is not read meanwhile.
        let held = Shared<[any Exchange]>([])
        let handler = TestHandler { request, exchange in
            if request.path == "/slow" {
                held.update { $0.append(exchange) }
            } else {
                exchange.respond(text(String(decoding: request.body, as: UTF8.self)))
            }
        }
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.inFlightMax = 1
            $0.limits.bodyNanoseconds = 200 * millisecond
        }
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it is there") { held.get().count == 1 }
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            let parker = Parker()
            let end = SystemTime.monotonicNanoseconds() + 400 * millisecond
            while SystemTime.monotonicNanoseconds() < end { parker.park(until: end) }
            held.get().first?.respond(text("slow"))
            #expect(try client.answer().text == "slow")
            try client.send("cd")
            #expect(try client.answer().text == "abcd")
        }
    }
}
