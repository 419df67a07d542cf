import Foundation
import Testing

/// Calls and batches against the real server, with processes that answer.
@Suite struct MessagesTests {
    private static func app() throws -> TemporaryApp {
        try TemporaryApp([
            (
                "counter",
                """
                return { main = function()
                    local inbox = process.inbox()
                    local count = 0
                    while true do
                        local message = inbox:receive()
                        if message.topic == "add" then
                            count = count + message.payload
                        elseif message.topic == "get" then
                            process.send(message.from, "count", count)
                        elseif message.topic == "pair" then
                            process.send(message.from, "pair", count, "two")
                        elseif message.topic == "stop" then
                            return count
                        end
                    end
                end }
                """
            )
        ])
    }

    private static func server(_ app: TemporaryApp) throws -> RunningServer {
        let server = try RunningServer(app.path)
        _ = try server.spawn(#"{"entry": "app.test:counter", "name": "counter"}"#)
        return server
    }

    private func call(_ server: RunningServer, _ body: String) throws -> HTTPAnswer {
        try server.request("POST", "/v1/processes/@counter/call", body)
    }

    @Test func `a call gets what the process sends to its caller`() throws {
        let app = try Self.app()
        let server = try Self.server(app)
        for _ in 0..<3 {
            let sent = try server.request(
                "POST",
                "/v1/processes/@counter/messages",
                #"{"topic": "add", "payload": 7}"#
            )
            #expect(sent.status == 202)
        }
        let count = try call(server, #"{"topic": "get"}"#)
        #expect(count.status == 200)
        #expect(count.json["topic"].text == "count" && count.json["payload"].integer == 21)
        let pair = try call(server, #"{"topic": "pair"}"#)
        #expect(pair.text.contains(#""payload":[21,"two"]"#))
        let late = try call(server, #"{"topic": "add", "payload": 0, "timeout_ms": 50}"#)
        #expect(late.status == 504 && late.json["code"].text == "call-timeout")
        let ended = try call(server, #"{"topic": "stop"}"#)
        #expect(ended.status == 409 && ended.json["code"].text == "target-exited")
        #expect(ended.json["exit"]["result"].integer == 21)
        #expect(try call(server, #"{"topic": "get"}"#).status == 404)
        // Callers have left nothing behind.
        #expect(try server.get("/v1/system").json["counts"]["processes"].integer == 0)
        #expect(try server.get("/v1/system").json["counts"]["timers"].integer == 0)
    }

    @Test func `keyed calls whose clients left hold no connection`() throws {
        let app = try Self.app()
        let server = try Self.server(app)
        let body = #"{"topic": "mute", "timeout_ms": 86400000}"#
        func head(_ key: Int) -> String {
            "POST /v1/processes/@counter/call HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/json\r\nIdempotency-Key: \(key)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n"
        }
        // More than may go on without a client.
        for key in 0..<300 {
            let connection = try RawConnection(server)
            try connection.send(head(key) + body)
            connection.close()
        }
        func count(_ name: String) throws -> Int64? {
            try server.get("/v1/system").json["counts"][name].integer
        }
        let isFree: Bool? = try waitFor(seconds: 10) {
            try count("connections") == 1 && count("timers") == 256 ? true : nil
        }
        #expect(isFree == true)
        // The oldest gave way, the others go on.
        let connection = try RawConnection(server)
        for (key, code) in [(0, "caller-terminated"), (299, "idempotency-in-progress")] {
            try connection.send(head(key) + body)
            #expect(try connection.answer().code == code)
        }
    }

    /// A curl that sends what is written to it.
    ///
    /// `-T .` is standard input, read without holding up what comes back; `-T -` would wait.
    private final class Curl {
        let process = Process()
        private let input = Pipe()
        private let lines: CapturedLog

        init(_ server: RunningServer, _ version: String) throws {
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            process.arguments = [
                "-sN", version, "-X", "POST", "-T", ".", "-H", "Content-Type: application/x-ndjson",
                server.base + "/v1/messages",
            ]
            process.standardInput = input
            process.standardOutput = output
            lines = CapturedLog(reading: output.fileHandleForReading)
            try process.runUnmasked()
            try output.fileHandleForWriting.close()
        }

        func send(_ text: String) throws {
            try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        }

        func end() throws { try input.fileHandleForWriting.close() }

        /// The result with that number, as soon as it is there.
        func result(_ number: Int) -> JSON? {
            waitFor(seconds: 10) { lines.lines.count > number ? lines.lines[number] : nil }
        }

        var hasEnded: Bool { waitFor(seconds: 10) { lines.hasEnded ? true : nil } ?? false }
        var count: Int { lines.lines.count }
    }

    @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
    func `curl has each result before it sends the next line`(_ version: String) throws {
        let app = try Self.app()
        let server = try Self.server(app)
        let curl = try Curl(server, version)
        for number in 0..<5 {
            try curl.send(#"{"to": "@counter", "topic": "add", "payload": 1}"# + "\n")
            #expect(curl.result(number)?["index"].integer == Int64(number))
            #expect(curl.result(number)?["ok"] == .bool(true))
        }
        try curl.send("nonsense\n" + #"{"to": "@counter", "topic": "add", "payload": 1}"#)
        #expect(curl.result(5)?["error"]["code"].text == "invalid-json")
        try curl.end()
        #expect(curl.result(6)?["ok"] == .bool(true))
        #expect(curl.hasEnded && curl.count == 7)
        #expect(try call(server, #"{"topic": "get"}"#).json["payload"].integer == 6)
    }

    @Test func `a body that ends before its length is told so`() throws {
        let app = try Self.app()
        let server = try Self.server(app)
        let connection = try RawConnection(server)
        let line = #"{"to":"@counter","topic":"add","payload":1}"#
        try connection.send(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n"
                + line + "\n" + line.prefix(20)
        )
        try connection.shutdownSending()
        let results = try connection.answer().text.split(separator: "\n").map {
            JSON(parsing: String($0))
        }
        #expect(results.count == 2 && results[0]["ok"] == .bool(true))
        #expect(results[1]["index"] == .missing)
        #expect(results[1]["error"]["code"].text == "invalid-request")
    }

    @Test func `a long batch goes through in little memory, and the connection goes on`() throws {
        let app = try Self.app()
        let server = try Self.server(app)
        let connection = try RawConnection(server)
        let line = #"{"to":"@counter","topic":"add","payload":1}"# + "\n"
        let (pieces, each) = (100, 1_000)
        let piece = String(repeating: line, count: each)
        let before = server.residentBytes
        try connection.send(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/x-ndjson\r\n"
                + "Content-Length: \(piece.utf8.count * pieces)\r\n\r\n"
        )
        let head = try connection.readHead()
        #expect(head.status == 200)
        var results = 0
        var failures = 0
        for _ in 0..<pieces {
            try connection.send(piece)
            var text: [UInt8] = []
            while text.count(where: { $0 == 10 }) < each {
                text += try #require(try connection.readChunk())
            }
            results += text.count { $0 == 10 }
            failures +=
                String(decoding: text, as: UTF8.self).components(separatedBy: "false").count - 1
        }
        #expect(try connection.readChunk() == nil)
        #expect(results == pieces * each && failures == 0)
        #expect(server.residentBytes - before < 64 << 20)
        try connection.send(
            "POST /v1/processes/@counter/call HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"topic\": \"get\"}"
        )
        #expect(try connection.answer().json["payload"].integer == Int64(results))
    }
}
