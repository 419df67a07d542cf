import HTTP
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A connection` {
    @Test func `answers requests one after the other`() throws {
        try withServer { server in
            let client = try TestClient(server)
            for index in 0..<100 {
                let answer = try client.get("/\(index)")
                #expect(answer.status == 200)
                #expect(answer.text == "GET /\(index) ")
                #expect(answer["Content-Type"] == "text/plain")
                #expect(answer["Connection"] == nil)
                #expect(answer["Date"]?.hasSuffix(" GMT") == true)
            }
        }
    }

    @Test func `answers a thousand pipelined requests in order`() throws {
        try withServer { server in
            let client = try TestClient(server)
            let all = (0..<1000).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
            try client.send(all)
            for index in 0..<1000 { #expect(try client.answer().text == "GET /\(index) ") }
        }
    }

    @Test func `answers the same however the request is cut`() throws {
        let request =
            "POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        let bytes = Array(request.utf8)
        try withServer { server in
            let client = try TestClient(server)
            for cut in 1..<bytes.count {
                try client.send(Array(bytes[..<cut]))
                try client.send(Array(bytes[cut...]))
                #expect(try client.answer().text == "POST /a abcde")
            }
            for byte in bytes { try client.send([byte]) }
            #expect(try client.answer().text == "POST /a abcde")
        }
    }

    @Test func `answers HEAD as GET, without content, and stays in step`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("HEAD /12345 HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try client.answer(toHead: true)
            #expect(head["Content-Length"] == "12")
            #expect(try client.get("/x").text == "GET /x ")
        }
    }

    @Test func `reads the body of a GET and stays in step`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            #expect(try client.answer().text == "GET /a hello")
            #expect(try client.get("/b").text == "GET /b ")
        }
    }

    @Test func `closes when asked to, and says so`() throws {
        try withServer { server in
            let client = try TestClient(server)
            let answer = try client.get("/", "Connection: close\r\n")
            #expect(answer["Connection"] == "close")
            #expect(try client.isEnded())
        }
    }

    @Test func `closes after HTTP 1.0 unless it asks to keep alive`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try client.answer()["Connection"] == "keep-alive")
            try client.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try client.answer()["Connection"] == "close")
            #expect(try client.isEnded())
        }
    }

    @Test func `answers a fault as a problem, after what came before it, and closes`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\nHost: a\n\nmore")
            #expect(try client.answer().text == "GET /a ")
            let fault = try client.answer()
            #expect(fault.status == 400)
            #expect(fault["Content-Type"] == "application/problem+json")
            #expect(fault["Connection"] == "close")
            let requestID = try #require(fault["X-Request-Id"])
            #expect(fault.text.contains(requestID))
            #expect(try client.isEnded())
        }
    }

    @Test func `a fault's answer survives a client that goes on sending`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n")
            // More than the socket buffers hold is never read as a body, and yet no RST comes.
            try client.send([UInt8](repeating: 120, count: 300_000))
            #expect(try client.answer().status == 413)
        }
    }

    @Test func `sends 100 Continue before the body, once`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send(
                "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            )
            #expect(try client.readHead().status == 100)
            try client.send("abc")
            #expect(try client.answer().text == "POST /p abc")
        }
    }

    @Test func `sends 100 Continue also behind an answer that fills the output`() throws {
        let held = Shared<[any Exchange]>([])
        let handler = TestHandler { request, exchange in
            if request.path == "/big" {
                held.update { $0.append(exchange) }
            } else {
                exchange.respond(text("\(request.body.count)"))
            }
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(
                "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 3\r\n\r\n"
            )
            eventually("the first is there") { held.get().count == 1 }
            let large = [UInt8](repeating: 120, count: 1_500_000)
            held.get().first?.respond(Response(status: 200, body: .bytes(large)))
            #expect(try client.answer().body.count == large.count)
            #expect(try client.readHead().status == 100)
            try client.send("abc")
            #expect(try client.answer().text == "3")
        }
    }

    @Test func `refuses a body that is too large without asking for it`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 10000000000\r\n\r\n"
            )
            #expect(try client.answer().status == 413)
            #expect(try client.isEnded())
        }
    }

    @Test func `a handler refuses a body before it is read, or allows a larger one`() throws {
        var handler = echo
        handler.onHead = { head in
            head.path == "/no"
                ? .refuse(Response(status: 415)) : .proceed(bodyBytesMax: 2_000_000)
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            let length = 1_500_000
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
            try client.send([UInt8](repeating: 120, count: length))
            #expect(try client.answer().body.count == length + 7)
            try client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            let refusal = try client.answer()
            #expect(refusal.status == 415)
            #expect(refusal["Connection"] == "close")
        }
    }

    @Test(arguments: [65_536, 65_537, 3_000_000])
    func `answers pipelined requests for large bodies one after the other`(size: Int) throws {
        let body = [UInt8](repeating: 120, count: size)
        let handler = TestHandler { request, exchange in
            var response = Response(status: 200, body: .bytes(body))
            if request.path == "/small" { response = text("small") }
            exchange.respond(response)
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            let large = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
            let small = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
            try client.send(large + large + small + large + small)
            for isLarge in [true, true, false, true, false] {
                let answer = try client.answer()
                #expect(answer.body.count == (isLarge ? size : 5))
            }
            #expect(try client.get("/small").text == "small")
        }
    }

    @Test func `answers many requests with large bodies that were answered before their turn`()
        throws
    {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { _, exchange in pending.update { $0.append(exchange) } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 8))
            eventually("all are there") { pending.get().count == 8 }
            for (index, exchange) in pending.get().enumerated().reversed() {
                let body = [UInt8](repeating: UInt8(index), count: 500_000)
                exchange.respond(Response(status: 200, body: .bytes(body)))
            }
            for index in 0..<8 {
                let answer = try client.answer()
                #expect(answer.body.count == 500_000 && answer.body.first == UInt8(index))
            }
        }
    }

    @Test func `ignores upgrades, and answers in HTTP 1.1`() throws {
        try withServer { server in
            let client = try TestClient(server)
            let fields =
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
            #expect(try client.get("/u", fields).text == "GET /u ")
            let second = try TestClient(server)
            try second.send([0x16, 0x03, 0x01, 0x00, 0xA5, 0x01, 0x00, 0x00, 0x0D, 0x0A])
            #expect(try second.answer().status == 400)
        }
    }

    @Test func `a response's own wish to close is carried out`() throws {
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: 421, headers: Headers([("Connection", "close")])))
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            #expect(try client.get("/")["Connection"] == "close")
            #expect(try client.isEnded())
        }
    }
}

@Suite struct `Half of a connection` {
    @Test func `closed after a request still gets the answer`() throws {
        try withServer { server in
            let client = try TestClient(server)
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
            try client.shutdownSending()
            #expect(try client.answer().text == "GET /a ")
            #expect(try client.answer().text == "GET /b ")
            #expect(try client.isEnded())
        }
    }

    @Test func `closed in mid-body runs no handler`() throws {
        let calls = Shared(0)
        let handler = TestHandler { _, exchange in
            calls.update { $0 += 1 }
            exchange.respond(text("x"))
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc")
            try client.shutdownSending()
            #expect(try client.isEnded())
            #expect(calls.get() == 0)
        }
    }

    /// Keeps what it is asked, and counts the clients that went away meanwhile.
    private func keeping(_ pending: Shared<[any Exchange]>, _ gone: Shared<Int>) -> TestHandler {
        TestHandler { _, exchange in
            exchange.onDisconnect {
                gone.update { $0 += 1 }
                pending.update { $0 = [] }
            }
            pending.update { $0.append(exchange) }
        }
    }

    @Test(arguments: ["GET", "POST"])
    func `closed with the request or while the handler works gets the answer`(method: String)
        throws
    {
        let (pending, gone) = (Shared<[any Exchange]>([]), Shared(0))
        try withServer(keeping(pending, gone)) { server in
            for isLater in [false, true] {
                let client = try TestClient(server)
                try client.send("\(method) /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                if isLater { eventually("the handler has it") { pending.get().count == 1 } }
                try client.shutdownSending()
                eventually("the handler has it") { pending.get().count == 1 }
                // The server has looked whether anybody is there.
                #expect(try client.answer().status == 100)
                #expect(gone.get() == 0)
                pending.get()[0].respond(text("late"))
                #expect(try client.finalAnswer().text == "late")
                #expect(try client.isEnded())
                pending.update { $0 = [] }
            }
            #expect(gone.get() == 0)
        }
    }

    @Test(arguments: [false, true])
    func `of a client that goes away tells the handler`(isHalfClosedBefore: Bool) throws {
        let (pending, gone) = (Shared<[any Exchange]>([]), Shared(0))
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.limits.probeNanoseconds = 20 * millisecond
        }
        try withServer(keeping(pending, gone), configure: configure) { server in
            let client = try TestClient(server)
            try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            eventually("the handler has it") { pending.get().count == 1 }
            if isHalfClosedBefore {
                try client.shutdownSending()
                for _ in 0..<3 { #expect(try client.answer().status == 100) }
                #expect(gone.get() == 0)
            }
            client.close()
            eventually("the handler knows") { gone.get() == 1 }
            eventually("it is closed") { server.connectionCount == 0 }
        }
    }

    @Test(arguments: [false, true])
    func `of HTTP 1.0 is the end, unless it is answered all the same`(isAnswered: Bool) throws {
        let (kept, gone) = (Shared<[any Exchange]>([]), Shared(0))
        let handler = TestHandler { _, exchange in
            kept.update { $0.append(exchange) }
            exchange.onDisconnect { gone.update { $0 += 1 } }
        }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET /a HTTP/1.0\r\n\r\n")
            try client.shutdownSending()
            eventually("the handler knows") { gone.get() == 1 }
            if isAnswered { kept.get()[0].respond(text("late")) }
            kept.update { $0 = [] }
            if isAnswered { #expect(try client.answer().text == "late") }
            #expect(try client.isEnded())
            #expect(server.traffic.refusals == [:])
            #expect(server.traffic.disconnects == (isAnswered ? 0 : 1))
        }
    }
}
