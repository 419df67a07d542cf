import HTTP
import Logging
import Posix
import Synchronization
import TLS
import TestCertificates
import Testing

@testable import HTTPServer

@Suite struct `A port that speaks TLS` {
    private let files: TestCertificates
    private let trust: TLSContext

    init() throws {
        files = try TestCertificates()
        trust = try TLSContext(trusting: files.path("ca.pem"))
    }

    private func context(_ certificate: String = "cert.pem", _ key: String = "key.pem") throws
        -> TLSContext
    {
        try TLSContext(
            certificateFile: files.path(certificate),
            keyFile: files.path(key),
            protocols: ["h2", "http/1.1"]
        )
    }

    private func withSecureServer<Value>(
        _ handler: TestHandler = echo,
        sockets: any SocketLayer = SystemSockets(),
        configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (HTTPServer) throws -> Value
    ) throws -> Value {
        let context = ReloadableContext(try context())
        return try withServer(handler, sockets: sockets) {
            $0.tls = context
            configure(&$0)
        } _: {
            try body($0)
        }
    }

    @Test func `answers requests on a kept connection`() throws {
        try withSecureServer { server in
            let client = try TestClient(server, over: trust)
            #expect(try client.get("/a").text == "GET /a ")
            let body = String(repeating: "x", count: 300_000)
            try client.send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body)
            #expect(try client.answer().text == "POST /b " + body)
            try client.send(String(repeating: "GET /c HTTP/1.1\r\nHost: a\r\n\r\n", count: 40))
            for _ in 0..<40 { #expect(try client.answer().text == "GET /c ") }
        }
    }

    @Test func `answers however the socket cuts the bytes`() throws {
        let sockets = FaultySockets()
        sockets.onReadCall = { _ in .short }
        sockets.onSendCall = { $0 % 3 == 2 ? .wouldBlock : .short }
        try withSecureServer(sockets: sockets) { server in
            let client = try TestClient(server, over: trust)
            #expect(try client.get("/a").text == "GET /a ")
            #expect(try client.get("/b", "Connection: close\r\n").text == "GET /b ")
            #expect(try client.isEnded() && client.heardEnd)
        }
    }

    @Test func `waits with its handshake for a socket that is full`() throws {
        let sockets = FaultySockets()
        sockets.onSendCall = { $0 < 3 ? .wouldBlock : nil }
        try withSecureServer(sockets: sockets) { server in
            let client = try TestClient(server, over: trust)
            #expect(try client.get("/a").text == "GET /a ")
        }
    }

    @Test func `reads once and sends once for a small request`() throws {
        let sockets = FaultySockets()
        try withSecureServer(sockets: sockets) { server in
            let client = try TestClient(server, over: trust)
            _ = try client.get("/")
            let before = sockets.transfers
            for _ in 0..<10 { _ = try client.get("/") }
            #expect(sockets.transfers == before.map { $0 + 10 })
        }
    }

    @Test func `says its end with the last answer`() throws {
        let sockets = FaultySockets()
        try withSecureServer(sockets: sockets) { server in
            let client = try TestClient(server, over: trust)
            _ = try client.get("/")
            let before = sockets.transfers
            #expect(try client.get("/", "Connection: close\r\n").status == 200)
            #expect(try client.isEnded())
            #expect(client.heardEnd)
            #expect(sockets.transfers[1] == before[1] + 1)
        }
    }

    @Test func `sends a stream as it comes`() throws {
        let stream = TestStream()
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: 200, body: .stream(stream)))
        }
        try withSecureServer(handler) { server in
            let client = try TestClient(server, over: trust)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readHead().status == 200)
            for word in ["one", "two"] {
                stream.push(word)
                #expect(try client.readChunk() == Array(word.utf8))
            }
            stream.end()
            #expect(try client.readChunk() == nil)
        }
    }

    @Test func `keeps no more than a bound for a client that does not read`() throws {
        let stream = TestStream(endless: true)
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: 200, body: .stream(stream)))
        }
        try withSecureServer(
            handler,
            configure: {
                $0.limits.writeStallNanoseconds = 200 * millisecond
            }
        ) { server in
            let client = try TestClient(server, over: trust)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it is closed") { server.connectionCount == 0 }
            // What it may keep, and what two socket buffers take.
            #expect(stream.produced < 16 << 20)
            eventually("the stream is stopped") { stream.stops == 1 }
        }
    }

    @Test(arguments: [0, 1, 60]) func `cuts a handshake that stalls`(heard: Int) throws {
        try withSecureServer(configure: { $0.limits.headNanoseconds = 200 * millisecond }) {
            server in
            let client = try TestClient(server)
            let session = try #require(TLSSession(trust, host: "localhost"))
            var hello: [UInt8] = []
            session.begin(into: &hello)
            try client.sendAsItIs(Array(hello.prefix(heard)))
            let start = SystemTime.monotonicNanoseconds()
            #expect(try client.isEnded())
            #expect(SystemTime.monotonicNanoseconds() - start >= 150 * millisecond)
            eventually("it is gone") { server.connectionCount == 0 }
        }
    }

    @Test func `cuts a client that goes silent after its handshake`() throws {
        try withSecureServer(configure: { $0.limits.headNanoseconds = 200 * millisecond }) {
            server in
            let client = try TestClient(server, over: trust)
            #expect(try client.isEnded())
            #expect(client.heardEnd)
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE", "PRI * HTTP/2.0\r\n\r\n"])
    func `tells a client that speaks in clear, in clear`(request: String) throws {
        try withSecureServer { server in
            let client = try TestClient(server)
            try client.send(request)
            let answer = try client.answer()
            #expect(answer.status == 400)
            #expect(answer.text.contains("use https://") && answer.text.contains("invalid-request"))
            #expect(answer["Connection"] == "close")
            #expect(try client.isEnded())
        }
    }

    @Test func `answers nonsense with an alert and closes`() throws {
        try withSecureServer { server in
            let client = try TestClient(server)
            try client.send([22, 3, 1, 0, 5, 9, 9, 9, 9, 9])
            #expect(try client.readToEnd().prefix(2) == [21, 3])
            client.close()
            eventually("it is gone") { server.connectionCount == 0 }
            // The others are served.
            #expect(try TestClient(server, over: trust).get("/").status == 200)
        }
    }

    @Test func `takes the end of a client as it takes one in clear`() throws {
        let (asked, told, held) = (Shared(0), Shared(0), Shared<(any Exchange)?>(nil))
        let handler = TestHandler { request, exchange in
            asked.update { $0 += 1 }
            exchange.onDisconnect { told.update { $0 += 1 } }
            if request.path == "/half" { return held.update { $0 = exchange } }
            // Otherwise nobody answers: only the client's end can free it.
            exchange.after(60_000 * millisecond) { exchange.respond(text("never")) }
        }
        try withSecureServer(handler) { server in
            // Half closed: what was asked is answered.
            let half = try TestClient(server, over: trust)
            try half.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
            try half.sayEnd()
            #expect(try half.answer().status == 100)
            held.get()?.respond(text("late"))
            #expect(try half.finalAnswer().text == "late")
            #expect(told.get() == 0)
            // Cut off without a word.
            let cut = try TestClient(server, over: trust)
            try cut.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\nGET /unfinished HTT")
            eventually("it was asked") { asked.get() == 2 }
            cut.close()
            eventually("the handler heard of it") { told.get() == 1 }
        }
    }

    @Test func `refuses one connection too many, over TLS`() throws {
        try withSecureServer(configure: { $0.connectionsMax = 1 }) { server in
            let first = try TestClient(server, over: trust)
            let second = try TestClient(server, over: trust)
            #expect(try second.answer().status == 503)
            #expect(try second.isEnded() && second.heardEnd)
            #expect(try first.get("/").status == 200)
        }
    }

    @Test func `keeps no refused connection whose handshake goes nowhere`() throws {
        try withSecureServer(configure: {
            $0.connectionsMax = 1
            $0.limits.writeStallNanoseconds = 200 * millisecond
        }) { server in
            let first = try TestClient(server, over: trust)
            let silent = try TestClient(server)
            #expect(try silent.isEnded())
            let gone = try TestClient(server)
            try gone.shutdownSending()
            #expect(try gone.isEnded())
            #expect(try first.get("/").status == 200)
        }
    }

    @Test func `shows a new certificate to new connections`() throws {
        try files.issue("other.pem", key: "other.key", names: "DNS:other")
        let context = ReloadableContext(try context())
        try withServer(echo, configure: { $0.tls = context }) { server in
            let old = try TestClient(server, over: trust)
            context.replace(by: try self.context("other.pem", "other.key"))
            #expect(throws: TLSFault("hostname mismatch")) {
                try TestClient(server, over: trust)
            }
            #expect(try old.get("/").status == 200)
        }
    }

    @Test func `drains: the idle and those in a handshake are closed`() throws {
        try withSecureServer { server in
            let idle = try TestClient(server, over: trust)
            _ = try idle.get("/")
            let handshaking = try TestClient(server)
            try handshaking.send([22])
            eventually("both are there") { server.connectionCount == 2 }
            let thread = PosixThread(name: "reader", stackBytes: 1 << 18) {
                _ = try? idle.isEnded()
                idle.close()
                _ = try? handshaking.isEnded()
                handshaking.close()
            }
            #expect(server.drain(within: 5_000 * millisecond))
            thread.join()
            #expect(idle.heardEnd)
        }
    }
}

@Suite struct `A port that speaks no TLS` {
    @Test func `tells a client that does, and the log, once in a while`() throws {
        let log = LogLines()
        let configuration = ServerConfiguration(
            addresses: [try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)]
        )
        let server = HTTPServer(configuration, handler: echo, logger: log.logger)
        try server.start()
        defer { server.stop() }
        for _ in 0..<3 {
            let client = try TestClient(server)
            // A ClientHello's beginning, with no line in it that a parser of HTTP could refuse.
            try client.send([0x16, 0x03, 0x01, 0x02])
            let answer = try client.answer()
            #expect(answer.status == 400)
            #expect(answer.text.contains("use http://"))
            #expect(try client.isEnded())
        }
        #expect(log.all.count { $0 == "a client speaks another protocol" } == 1)
    }

    @Test func `logs again when some time has passed, with how many were not told`() {
        let log = LogLines()
        let notices = Notices(log.logger)
        let second: UInt64 = 1_000_000_000
        for at in [0, 1, 2, 11, 12] as [UInt64] { notices.note("one", "why", now: at * second) }
        notices.note("two", "why", now: 12 * second)
        #expect(log.all == ["one", "one", "two"])
        #expect(log.metadata.map { $0["untold"] } == [nil, "2", nil])
    }
}

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[(String, Logger.Metadata)]>([])

    var all: [String] { lines.withLock { $0.map(\.0) } }
    var metadata: [Logger.Metadata] { lines.withLock { $0.map(\.1) } }
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: LogLines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.lines.withLock { $0.append(("\(event.message)", event.metadata ?? [:])) }
        }
    }
}
