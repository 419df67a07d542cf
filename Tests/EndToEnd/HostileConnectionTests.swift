import Foundation
import Glibc
import Testing

/// Hostile clients whose weapon is time, number or what they do not read.
@Suite struct HostileConnectionTests {
    static let server = Result { try RunningServer("examples/worker-pool") }

    // MARK: One connection

    @Test func `a body of 65,536 one-byte chunks is one body`() throws {
        let server = try Self.server.get()
        let body = #"{"entry":"app.test.process:task_worker","args":[{"value":21}]}"#
        let padding = String(repeating: " ", count: 65_536 - body.utf8.count)
        let chunks = (padding + body).utf8.map { "1\r\n\(Character(UnicodeScalar($0)))\r\n" }
        let connection = try RawConnection(server)
        try connection.send(
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n" + chunks.joined() + "0\r\n\r\n"
        )
        #expect(try connection.answer().json["result"].integer == 42)
    }

    @Test func `a thousand requests in one write are answered in order`() throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        let requests = (0..<1_000).map {
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: n-\($0)\r\n\r\n"
        }
        try connection.send(requests.joined())
        for number in 0..<1_000 {
            let answer = try connection.answer()
            #expect(answer.status == 200)
            #expect(answer["X-Request-Id"] == "n-\(number)")
        }
    }

    @Test func `a request split at every byte is the same request`() throws {
        let server = try Self.server.get()
        let body = #"{"entry":"app.demo:nobody"}"#
        let bytes = Array(
            ("POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "X-Request-Id: same\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)").utf8
        )
        let connection = try RawConnection(server)
        try connection.send(bytes)
        let whole = try connection.answer()
        #expect(whole.status == 422)
        for split in 1..<bytes.count {
            try connection.send(Array(bytes[..<split]))
            try connection.send(Array(bytes[split...]))
            let answer = try connection.answer()
            #expect(answer.status == whole.status)
            #expect(answer.body == whole.body, "split at \(split)")
        }
        for byte in bytes { try connection.send([byte]) }
        #expect(try connection.answer().body == whole.body)
    }

    @Test func `a client that half-closes still gets its answer`() throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        try connection.send("GET /v1/system HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try connection.shutdownSending()
        #expect(try connection.answer().status == 200)
        #expect(connection.isClosedByServer())
    }

    @Test func `the body is asked for only where it is wanted`() throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        try connection.send(
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        )
        #expect(try connection.answer().status == 100)
        try connection.send("{\"a\": 1  }")
        #expect(try connection.answer().status == 422)
    }

    @Test func `a name with line ends is a name, and never a header`() throws {
        let server = try Self.server.get()
        let pid = try server.spawn(#"{"entry": "app.demo:greeter"}"#)
        let put = try server.request(
            "PUT",
            "/v1/names/a%0D%0AX-Evil%3A%20y",
            "{\"pid\": \"\(pid)\"}"
        )
        #expect(put["X-Evil"] == nil)
        if put.status == 201 {
            #expect(put["Location"] == "/v1/names/a%0D%0AX-Evil%3A%20y")
        } else {
            #expect(put.status == 422, "\(put.text)")
        }
        #expect(!server.logLines.contains(.missing))
    }

    // MARK: Streams

    @Test(arguments: [
        "99999999999999999999", "-1", "a", "mwvg-99999999999999999999", "x-18446744073709551615",
        "%0d%0a", "é", "1-1-1", "-",
    ])
    func `ids that nobody gave out begin a stream with a gap`(_ id: String) throws {
        let server = try Self.server.get()
        let reader = try EventReader(server, lastID: id)
        #expect(try reader.next()?.kind == "hello")
        let gap = try reader.next()
        #expect(gap?.kind == "gap")
        let reason = gap?.data["reason"].text ?? ""
        #expect(["unknown-id", "epoch-changed"].contains(reason), "\(reason)")
        let pid = try server.spawn(#"{"entry": "app.test.process:task_worker"}"#)
        let events = try reader.read { $0.data["from"].text == pid }
        #expect(events.last?.kind == "SPAWN")
    }

    @Test func `a payload that looks like an event stays one line of data`() throws {
        let app = try TemporaryApp([("echo", "return function(...) return ... end")])
        let server = try RunningServer(app.path)
        let reader = try EventReader(server, "?kind=EXIT")
        _ = try reader.next()
        let evil = "x\n\nevent: EXIT\nid: 9-9\ndata: {}\r\n\r\ndata: y\u{2028}z"
        let text = String(decoding: try JSONEncoder().encode(evil), as: UTF8.self)
        let first = try server.exec("{\"entry\": \"app.test:echo\", \"args\": [\(text)]}")
        let second = try server.exec(#"{"entry": "app.test:echo", "args": [1]}"#)
        let events = [try reader.next(), try reader.next()]
        #expect(events[0]?.data["from"] == first.json["pid"])
        #expect(events[0]?.data["result"].text == evil)
        #expect(events[1]?.data["from"] == second.json["pid"])
        #expect(events[1]?.sequence == events[0]?.sequence.map { $0 + 2 })
    }

    @Test func `streams over the limit are refused, the others go on`() throws {
        let server = try RunningServer("examples/worker-pool", ["--max-streams-per-peer", "8"])
        let readers = try (0..<8).map { _ in try EventReader(server) }
        for _ in 0..<20 {
            let refused = try server.get("/v1/events")
            #expect(refused.status == 503)
            #expect(refused.code == "stream-limit")
            #expect(refused["Retry-After"] != nil)
        }
        let pid = try server.spawn(#"{"entry": "app.demo:greeter"}"#)
        for reader in readers {
            #expect(try reader.read { $0.kind == "SPAWN" }.last?.data["from"].text == pid)
        }
        readers[0].connection.close()
        let free = waitFor(seconds: 5) { (try? EventReader(server)) == nil ? nil : true }
        #expect(free == true)
    }

    // MARK: Time

    @Test func `who is too slow is cut off, each at its own deadline`() throws {
        let server = try RunningServer(
            "examples/worker-pool",
            ["--head-timeout", "400ms", "--body-timeout", "500ms", "--idle-timeout", "600ms"]
        )
        let watch = Stopwatch()
        let silent = try RawConnection(server)
        let slowHead = try RawConnection(server)
        let slowBody = try RawConnection(server)
        let idle = try RawConnection(server)
        #expect(try idle.request("GET", "/livez").status == 200)
        try slowBody.send(
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1000\r\n\r\n{"
        )
        // One byte at a time never ends the head; the deadline is for all of it.
        let head = Array(HostileHTTPTests.get("X: y\r\n").utf8)
        var sent = 0
        _ = waitFor(seconds: 2) { () -> Bool? in
            if sent < head.count - 4, (try? slowHead.send([head[sent]])) != nil { sent += 1 }
            if sent < 40 { try? slowBody.send(" ") }
            return watch.milliseconds > 350 ? true : nil
        }
        let late = try slowHead.answer()
        #expect(late.status == 408)
        #expect(late.code == "request-timeout")
        #expect(slowHead.isClosedByServer())
        #expect(watch.milliseconds >= 400)
        #expect(silent.isClosedByServer())
        let cut = try slowBody.answer()
        #expect(cut.status == 408)
        #expect(slowBody.isClosedByServer())
        #expect(idle.isClosedByServer())
        #expect(watch.milliseconds >= 600)
        #expect(watch.milliseconds < 5_000)
        #expect(try server.get("/livez").status == 200)
    }

    @Test func `a client that never reads its answers costs little and is closed`() throws {
        let server = try RunningServer("examples/worker-pool", ["--write-timeout", "700ms"])
        let before = server.residentBytes
        let connection = try RawConnection(server, receiveBytes: 4_096)
        // 40 MB of answers.
        let requests = String(
            repeating: "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n",
            count: 1_000
        )
        connection.sendAsFarAsItGoes(Array(requests.utf8))
        let closed = waitFor(seconds: 10) { () -> Bool? in
            let counts = try? server.get("/v1/system").json["counts"]
            return counts?["connections"].integer == 1 ? true : nil
        }
        #expect(closed == true)
        #expect(server.residentBytes - before < 20 << 20)
        #expect(try server.get("/livez").status == 200)
    }

    // MARK: Number

    @Test func `connections over the limit are told so, those before are served`() throws {
        let server = try RunningServer("examples/worker-pool", ["--max-connections", "50"])
        let served = try (0..<50).map { _ in try RawConnection(server) }
        for connection in served {
            #expect(try connection.request("GET", "/livez").status == 200)
        }
        for _ in 0..<20 {
            let over = try RawConnection(server)
            let answer = try over.answer()
            #expect(answer.status == 503)
            #expect(answer.code == "connection-limit")
            #expect(over.isClosedByServer())
        }
        #expect(try served[49].request("GET", "/livez").status == 200)
        for connection in served { connection.close() }
        let back = waitFor(seconds: 5) { (try? server.get("/livez").status) == 200 ? true : nil }
        #expect(back == true)
    }

    @Test func `clients that abort in mid-answer leave no descriptor behind`() throws {
        let server = try Self.server.get()
        let before = server.openFiles
        for number in 0..<1_000 {
            let connection = try RawConnection(server)
            try connection.send("GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if number % 2 == 0 { _ = try connection.readHead() }
            try connection.abort()
        }
        let back = waitFor(seconds: 10) { server.openFiles <= before + 8 ? true : nil }
        #expect(back == true, "\(before) before, \(server.openFiles) after")
        #expect(server.isRunning)
    }

    @Test func `with no descriptors left the server waits, idles and comes back`() throws {
        let server = try RunningServer(
            "examples/worker-pool",
            launcher: ["/bin/bash", "-c", "ulimit -n 40; exec \"$@\"", "bash"]
        )
        let first = try RawConnection(server)
        #expect(try first.request("GET", "/livez").status == 200)
        // More than it has descriptors for: the kernel keeps the rest waiting.
        var others = try (0..<60).map { _ in try RawConnection(server) }
        let full = waitFor(seconds: 5) { server.openFiles >= 40 ? true : nil }
        #expect(full == true, "\(server.openFiles)")
        #expect(try first.request("GET", "/livez").status == 200)
        let before = server.processorSeconds
        let watch = Stopwatch()
        _ = waitFor(seconds: 2) { watch.milliseconds > 1_000 ? true : nil }
        #expect(server.processorSeconds - before < 0.3)
        #expect(try first.request("GET", "/livez").status == 200)
        // A file that cannot be opened now is there all the same.
        let page = try first.request("GET", "/")
        #expect(page.status == 503 && page.code == "file-unavailable", "\(page.text)")
        #expect(page["Retry-After"] != nil)
        others.removeAll()
        let back = waitFor(seconds: 5) { (try? server.get("/livez").status) == 200 ? true : nil }
        #expect(back == true)
        #expect(try first.request("GET", "/").status == 200)
    }
}
