import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `An exchange` {
    @Test func `answered on another thread wakes the loop`() throws {
        let threads = Shared<[PosixThread]>([])
        let handler = TestHandler { request, exchange in
            let path = request.path
            let thread = PosixThread(name: "answer", stackBytes: 1 << 18) {
                exchange.respond(text(path))
            }
            threads.update { $0.append(thread) }
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            for index in 0..<50 { #expect(try client.get("/\(index)").text == "/\(index)") }
        }
        for thread in threads.get() { thread.join() }
    }

    @Test func `let go of unanswered answers 500`() throws {
        try withServer(TestHandler { _, _ in }) { server in
            let client = try TestClient(server)
            let answer = try client.get("/")
            #expect(answer.status == 500)
            #expect(answer["Content-Type"] == "application/problem+json")
            // Nothing is wrong with the connection itself.
            #expect(answer["Connection"] == nil)
            #expect(try client.get("/").status == 500)
        }
    }

    @Test func `answered twice sends the first answer only`() throws {
        let handler = TestHandler { _, exchange in
            exchange.respond(text("one"))
            exchange.respond(text("two"))
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            #expect(try client.get("/").text == "one")
            #expect(try client.get("/").text == "one")
        }
    }

    @Test func `answers in order although answered out of order`() throws {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { _, exchange in pending.update { $0.append(exchange) } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 40))
            eventually("as many as may be in flight") { pending.get().count == 16 }
            let exchanges = pending.get()
            for (index, exchange) in exchanges.enumerated().reversed() {
                exchange.respond(text("\(index)"))
            }
            for index in 0..<16 { #expect(try client.answer().text == "\(index)") }
            eventually("the next are let in") { pending.get().count == 32 }
        }
    }

    @Test func `of an unsafe method is alone in flight`() throws {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { _, exchange in pending.update { $0.append(exchange) } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(
                "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                    + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
            )
            for index in 0..<3 {
                eventually("it is let in") { pending.get().count == index + 1 }
                // The next would come with the same bytes: the loop has had its chance by the time
                // another connection was answered.
                let other = try TestClient(server)
                try other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
                eventually("the other is let in") { pending.get().count == index + 2 }
                pending.get()[index + 1].respond(text("other"))
                #expect(try other.answer().text == "other")
                pending.update { $0.remove(at: index + 1) }
                pending.get()[index].respond(text("\(index)"))
                #expect(try client.answer().text == "\(index)")
            }
        }
    }

    @Test func `calls back after a time, unless answered before`() throws {
        let late = Shared(0)
        let handler = TestHandler { request, exchange in
            if request.path == "/slow" {
                exchange.after(20 * millisecond) { exchange.respond(text("timed out")) }
            } else {
                exchange.after(20 * millisecond) { late.update { $0 += 1 } }
                exchange.respond(text("at once"))
            }
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            #expect(try client.get("/").text == "at once")
            #expect(try client.get("/slow").text == "timed out")
            #expect(late.get() == 0)
        }
    }

    @Test func `answered after its client has gone is dropped, a stream in it stopped`() throws {
        let pending = Shared<[any Exchange]>([])
        let gone = Shared(0)
        let handler = TestHandler { _, exchange in
            exchange.onDisconnect { gone.update { $0 += 1 } }
            pending.update { $0.append(exchange) }
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("the handler has it") { pending.get().count == 1 }
            try client.abort()
            eventually("the handler knows") { gone.get() == 1 }
            eventually("it is closed") { server.connectionCount == 0 }
            let stream = TestStream()
            pending.get()[0].respond(Response(status: 200, body: .stream(stream)))
            eventually("the stream is stopped") { stream.stops == 1 }
            #expect(!stream.isStarted)
        }
    }
}

@Suite struct `A refusal of the server's own` {
    /// Refuses by size; `/stream` hands its body on.
    private let handler = streamingHandler(bodyBytesMax: 10) { exchange in
        // The exchange is kept as long as the receiver.
        TestReceiver(onEnd: { withExtendedLifetime(exchange) {} })
    }
    private func configure(_ configuration: inout ServerConfiguration) {
        configuration.limits.http1.bodyBytesMax = 10
        configuration.limits.bodyNanoseconds = 50 * millisecond
        configuration.limits.lingerNanoseconds = 50 * millisecond
    }

    @Test(arguments: ["/large", "/slow", "/stream/large", "/stream/slow"])
    func `knows what it refuses`(path: String) throws {
        let isSlow = path.hasSuffix("/slow")
        let target = path.hasPrefix("/stream") ? "/stream" : path
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            let length = isSlow ? 10 : 11
            try client.send(
                "POST \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n"
            )
            let answer = try client.answer()
            #expect(answer.status == (isSlow ? 408 : 413))
            #expect(answer["X-Refused"] == target)
            let second = try HTTP2Client(server)
            try second.send(.post(1, target), .data(1, isSlow ? "x" : "0123456789x", end: false))
            let other = try second.answer(1)
            #expect(other.status == answer.status)
            #expect(other.fields["x-refused"] == target)
        }
    }

    @Test func `of nothing that can be read knows nothing`() throws {
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            try client.send("nonsense\r\n\r\n")
            #expect(try client.answer()["X-Refused"] == "nothing")
        }
    }
}
