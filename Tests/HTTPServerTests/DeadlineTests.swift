import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A slow client` {
    @Test func `that sends nothing is closed without a word`() throws {
        try withServer(configure: { $0.limits.headNanoseconds = 100 * millisecond }) { server in
            let client = try TestClient(server)
            #expect(try client.isEnded())
            eventually("it is gone") { server.connectionCount == 0 }
        }
    }

    @Test func `that drips a head is answered 408 when the time for the whole head is over`()
        throws
    {
        try withServer(configure: { $0.limits.headNanoseconds = 200 * millisecond }) { server in
            let client = try TestClient(server)
            let start = SystemTime.monotonicNanoseconds()
            let dripper = PosixThread(name: "drip", stackBytes: 1 << 18) {
                let parker = Parker()
                for byte in "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 60) {
                    guard (try? client.send(String(byte))) != nil else { return }
                    parker.park(until: SystemTime.monotonicNanoseconds() + 10 * millisecond)
                }
            }
            let answer = try client.answer()
            #expect(SystemTime.monotonicNanoseconds() - start >= 200 * millisecond)
            #expect(answer.status == 408)
            #expect(answer["Connection"] == "close")
            dripper.join()
        }
    }

    @Test func `has the time for a later head from its first byte`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.headNanoseconds = 150 * millisecond
            configuration.limits.idleNanoseconds = 10_000 * millisecond
        }
        try withServer(configure: configure) { server in
            let client = try TestClient(server)
            #expect(try client.get("/a").status == 200)
            // Longer than a head may take: between requests that does not count.
            Parker().park(until: SystemTime.monotonicNanoseconds() + 300 * millisecond)
            #expect(try client.get("/b").status == 200)
            try client.send("GET /")
            #expect(try client.answer().status == 408)
        }
    }

    @Test func `that lets a body wait is answered 408`() throws {
        try withServer(configure: { $0.limits.bodyNanoseconds = 100 * millisecond }) { server in
            let client = try TestClient(server)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
            #expect(try client.answer().status == 408)
        }
    }

    @Test func `whose body makes progress is let go on`() throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.bodyNanoseconds = 100 * millisecond
            configuration.limits.bodyBytesPerWindow = 1
        }
        try withServer(configure: configure) { server in
            let client = try TestClient(server)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
            let parker = Parker()
            for _ in 0..<30 {
                try client.send("x")
                parker.park(until: SystemTime.monotonicNanoseconds() + 10 * millisecond)
            }
            #expect(try client.answer().status == 200)
        }
    }

    @Test func `that keeps an idle connection too long is closed without a word`() throws {
        try withServer(configure: { $0.limits.idleNanoseconds = 100 * millisecond }) { server in
            let client = try TestClient(server)
            #expect(try client.get("/").status == 200)
            #expect(try client.isEnded())
        }
    }

    @Test func `that does not read its answers is closed, and no more than a bound is kept`()
        throws
    {
        let answered = Shared(0)
        let handler = TestHandler { _, exchange in
            answered.update { $0 += 1 }
            exchange.respond(
                Response(status: 200, body: .bytes([UInt8](repeating: 120, count: 1 << 18)))
            )
        }
        try withServer(handler, configure: { $0.limits.writeStallNanoseconds = 200 * millisecond })
        {
            server in
            let client = try TestClient(server)
            try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
            eventually("it is closed") { server.connectionCount == 0 }
            // 1 MiB of output, and what two socket buffers take (some MiB on loopback).
            #expect(answered.get() < 100)
        }
    }

    @Test func `that takes its answer by the byte is closed as one that takes none`() throws {
        let sockets = FaultySockets()
        sockets.onSendCall = { $0.isMultiple(of: 2) ? .short : .wouldBlock }
        let handler = TestHandler { _, exchange in
            exchange.respond(
                Response(status: 200, body: .bytes([UInt8](repeating: 120, count: 1 << 22)))
            )
        }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.writeStallNanoseconds = 200 * millisecond
            configuration.limits.answerBytesPerWindow = 1 << 20
        }
        try withServer(handler, sockets: sockets, configure: configure) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readToEnd().count < 1 << 20)
            eventually("it is gone") { server.connectionCount == 0 }
        }
    }

    @Test(arguments: [false, true])
    func `takes no time from a handler that works, and has its own time afterwards`(
        streaming: Bool
    ) throws {
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.headNanoseconds = 200 * millisecond
            configuration.limits.idleNanoseconds = 200 * millisecond
        }
        let threads = Shared<[PosixThread]>([])
        let handler = TestHandler { request, exchange in
            if request.path == "/now" { return exchange.respond(text("now")) }
            let stream = TestStream()
            if streaming { exchange.respond(Response(status: 200, body: .stream(stream))) }
            let thread = PosixThread(name: "work", stackBytes: 1 << 18) {
                Parker().park(until: SystemTime.monotonicNanoseconds() + 500 * millisecond)
                stream.push("done")
                stream.end()
                exchange.respond(text("done"))
            }
            threads.update { $0.append(thread) }
        }
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            #expect(try client.get("/slow").text == "done")
            #expect(try client.get("/now").text == "now")
        }
        for thread in threads.get() { thread.join() }
    }
}

@Suite struct `A late server` {
    /// Never says that a client has sent something: it is read when its time is over, or not at all.
    private final class DeafPoller: Poller {
        private let real: Epoll

        init() throws(Errno) { real = try Epoll() }

        /// The eventfd is the first that is registered, the listener the second.
        private func heard(_ token: PollToken, _ interest: Readiness) -> Readiness {
            token.registration < 2 ? interest : interest.subtracting([.readable, .peerHungUp])
        }
        func add(_ token: PollToken, _ interest: Readiness) throws(Errno) {
            try real.add(token, heard(token, interest))
        }
        func change(_ token: PollToken, _ interest: Readiness) throws(Errno) {
            try real.change(token, heard(token, interest))
        }
        func remove(_ token: PollToken) throws(Errno) { try real.remove(token) }
        func wait(_ events: inout [PollEvent], timeoutMilliseconds: Int32) throws(Errno) {
            try real.wait(&events, timeoutMilliseconds: timeoutMilliseconds)
        }
    }

    private func withDeafServer(_ body: (HTTPServer) throws -> Void) throws {
        let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
        var configuration = ServerConfiguration(addresses: [address])
        configuration.limits.headNanoseconds = 50 * millisecond
        configuration.limits.bodyNanoseconds = 50 * millisecond
        configuration.limits.idleNanoseconds = 50 * millisecond
        let server = HTTPServer(
            configuration,
            handler: echo,
            logger: quiet,
            makePoller: { () throws(Errno) in try DeafPoller() }
        )
        try server.start()
        defer { server.stop() }
        try body(server)
    }

    @Test func `answers what had come in time, head, body and the next request`() throws {
        try withDeafServer { server in
            let client = try TestClient(server)
            #expect(try client.get("/a").text == "GET /a ")
            #expect(try client.get("/b").text == "GET /b ")
            try client.send("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
            try client.send("abc")
            #expect(try client.answer().text == "POST /c abc")
        }
    }

    @Test func `over HTTP 2, too`() throws {
        try withDeafServer { server in
            let client = try HTTP2Client(server)
            #expect(try client.get(1, "/a").text == "GET /a ")
            #expect(try client.get(3, "/b").text == "GET /b ")
        }
    }

    @Test func `refuses what is unfinished all the same`() throws {
        try withDeafServer { server in
            let client = try TestClient(server)
            try client.send("GET /a HTTP/1.1\r\nHo")
            #expect(try client.answer().status == 408)
            let silent = try TestClient(server)
            #expect(try silent.isEnded())
        }
    }
}
