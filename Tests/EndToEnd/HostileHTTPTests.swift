import Foundation
import Glibc
import Testing

/// Hostile HTTP/1.1, byte by byte, over a real socket: one row after the other of the list of 66.
///
/// What is one answer to some bytes is a `WireCase`; what needs time, two connections or a server
/// of its own is in `HostileConnectionTests`; `elsewhere` says where, or why a row does not apply.
@Suite struct HostileHTTPTests {
    static let server = Result { try RunningServer("examples/worker-pool") }

    /// Bytes on a new connection, and the answer to them.
    struct WireCase: CustomTestStringConvertible {
        var row: Int
        var sent: [UInt8]
        var statuses: [Int]
        var closes: Bool

        var testDescription: String {
            let text = String(decoding: sent.prefix(70), as: UTF8.self).debugDescription
            return "\(row): \(text) -> \(statuses)"
        }
    }

    /// A fault of framing or syntax: after the answer nothing more is read.
    static func closing(_ row: Int, _ sent: String, _ statuses: Int...) -> WireCase {
        WireCase(row: row, sent: Array(sent.utf8), statuses: statuses, closes: true)
    }

    /// The same, with a byte that is no text in place of each `¤`.
    static func closing(_ row: Int, _ sent: String, byte: UInt8, _ status: Int) -> WireCase {
        let sent = sent.utf8.split(separator: "¤".utf8, omittingEmptySubsequences: false)
        return WireCase(
            row: row,
            sent: Array(sent.joined(separator: [byte])),
            statuses: [status],
            closes: true
        )
    }

    /// A refusal, or an answer, after which the connection goes on.
    static func open(_ row: Int, _ sent: String, _ statuses: Int...) -> WireCase {
        WireCase(row: row, sent: Array(sent.utf8), statuses: statuses, closes: false)
    }

    /// A GET of /livez with these field lines after the Host.
    static func get(_ fields: String) -> String {
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
    }

    /// A POST of an exec, with these field lines and body.
    static func post(_ fields: String, _ body: String = "", version: String = "1.1") -> String {
        "POST /v1/exec HTTP/\(version)\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "\(fields)\r\n\(body)"
    }

    static let chunked = "Transfer-Encoding: chunked\r\n"
    static let json = "Content-Type: application/json\r\n"

    static let cases: [WireCase] =
        [
            closing(1, "GET / HTTP/1.1\r\n\r\n", 400),
            closing(2, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ]
        + ["a b", "a@b", "[::1", "localhost/path", "localhost:port", "a:1:2"].map {
            closing(3, "GET / HTTP/1.1\r\nHost: \($0)\r\n\r\n", 400)
        } + [
            open(4, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
            open(4, "GET /v1/system HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 421),
            // A page may not read what it has no leave for, and may change nothing.
            open(
                5,
                "DELETE /v1/names/a HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
                403
            ),
            open(5, "DELETE /v1/names/a HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403),
            open(
                5,
                "DELETE /v1/names/a HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n",
                403
            ),
            open(
                5,
                "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
                403
            ),
            closing(6, "GET / HTTP/1.1\nHost: a\n\n", 400),
            closing(6, "GET / HTTP/1.1\r\nHost: localhost\n\r\n", 400),
            closing(7, get("X: a\rSmuggled: b\r\n"), 400),
        ]
        + (UInt8(0)...0x1F).filter { ![9, 10, 13].contains($0) }.map {
            closing(8, get("X: a¤b\r\n"), byte: $0, 400)
        } + [closing(8, get("X: a¤b\r\n"), byte: 0x7F, 400)] + [
            closing(9, get("X: a\r\n b\r\n"), 400),
            closing(9, get("X: a\r\n\tb\r\n"), 400),
            closing(10, post("Content-Length : 5\r\n", "12345"), 400),
            closing(11, "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
            closing(12, get(": x\r\n"), 400),
            closing(13, get("¤foo: x\r\n"), byte: 0xEF, 400),
            closing(13, get("a(b): x\r\n"), 400),
            closing(13, post("Content-Length¤: 5\r\n", "12345"), byte: 0x85, 400),
            closing(14, post("Content-Length: 5\r\n" + chunked, "0\r\n\r\n"), 400),
            closing(14, post(chunked + "Content-Length: 5\r\n", "0\r\n\r\n"), 400),
            closing(15, post(chunked + chunked, "0\r\n\r\n"), 400),
            closing(15, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
            closing(16, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
            closing(17, post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400),
            closing(17, post("Transfer-Encoding: identity\r\n", "0\r\n\r\n"), 400),
            closing(18, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400, 501),
            closing(18, post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), 400, 501),
            closing(18, post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400, 501),
            closing(18, post("Transfer-Encoding: ¤chunked\r\n", "0\r\n\r\n"), byte: 0xA0, 400),
            closing(18, post("Transfer-Encoding: ¤chunked\r\n", "0\r\n\r\n"), byte: 0x0B, 400),
            closing(19, post(chunked, "0\r\n\r\n", version: "1.0"), 400),
        ]
        + ["+5", "-1", "0x5", "5_0", "5 5", "", "５", "5,"].map {
            closing(20, post("Content-Length: \($0)\r\n", "12345"), 400)
        } + [
            closing(21, post("Content-Length: 5\r\nContent-Length: 6\r\n", "123456"), 400),
            closing(21, post("Content-Length: 5, 6\r\n", "123456"), 400),
            closing(22, post("Content-Length: 99999999999999999999\r\n"), 400, 413),
            closing(22, post("Content-Length: 9223372036854775807\r\n"), 413),
            closing(22, post("Content-Length: 1048577\r\n"), 413),
        ]
        + ["0x5", "+5", "-1", "5_0", " 5", ""].map {
            closing(23, post(chunked, "\($0)\r\nhello\r\n0\r\n\r\n"), 400)
        } + [
            closing(24, post(chunked, "FFFFFFFFFFFFFFFF1\r\nhello"), 400, 413),
            closing(24, post(chunked, "7FFFFFFFFFFFFFFF\r\nhello"), 400, 413),
            closing(25, post(chunked, "5;" + String(repeating: "x", count: 1 << 20)), 400),
            closing(26, post(chunked, "5\r\nhelloX\r\n0\r\n\r\n"), 400),
            closing(26, post(chunked, "5\nhello\r\n0\r\n\r\n"), 400),
            closing(26, post(chunked, "5\r\nhello\n0\r\n\r\n"), 400),
            // Trailers are read, bounded, and mean nothing: two bytes are the whole body.
            open(28, post(chunked, "2\r\n{}\r\n0\r\nContent-Length: 5\r\nHost: x\r\n\r\n"), 422),
            closing(
                28,
                post(chunked, "2\r\n{}\r\n0\r\nX: " + String(repeating: "x", count: 5_000)),
                431
            ),
            closing(
                29,
                "GET /" + String(repeating: "a", count: 9_000)
                    + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
                414
            ),
            open(
                29,
                "GET /" + String(repeating: "a", count: 7_999)
                    + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
                404
            ),
            closing(
                30,
                String(repeating: "G", count: 300) + " / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                501
            ),
            closing(30, "G=\":<>(e) / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            open(31, "BREW /v1/processes HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
            open(31, "PUT /v1/processes HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            closing(32, "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            closing(32, "GET /  HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            closing(32, "GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            closing(32, "GET /\nHTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            closing(32, "GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n", 400),
            closing(33, "GET / HTTP/1.32\r\nHost: localhost\r\n\r\n", 400),
            closing(33, "GET / http/1.1\r\nHost: localhost\r\n\r\n", 400),
            closing(33, "GET / HTTP/4294967295.255\r\nHost: localhost\r\n\r\n", 400),
            closing(33, "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
            closing(34, "GET /\r\n", 400),
            open(35, "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
            open(35, "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
            closing(36, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501, 405),
            open(36, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204),
            closing(36, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ]
        + [
            "/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd",
            "//etc/passwd", "/./index.html/../../etc/passwd", "/%5c..%5cetc", "/...", "/.",
        ].map { open(37, "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n", 404) }
        + [
            (37, "/%00"), (37, "/index.html%00.js"), (38, "/%zz"), (38, "/v1/names/%zz"),
            (38, "/v1/names/%"), (38, "/%c0%ae%c0%ae/"), (38, "/v1/names/%c0%ae"),
        ].map { closing($0.0, "GET \($0.1) HTTP/1.1\r\nHost: localhost\r\n\r\n", 400) } + [
            closing(39, get("X: " + String(repeating: "x", count: 33 << 10) + "\r\n"), 431),
            closing(39, get(String(repeating: "X: y\r\n", count: 100)), 431),
            open(39, get(String(repeating: "X: y\r\n", count: 99)), 200),
            open(40, "\r\n" + get(""), 200),
            closing(40, String(repeating: "\r\n", count: 1_000) + get(""), 400),
            closing(41, post("Expect: 100-continue\r\nContent-Length: 10000000000\r\n"), 413),
            closing(41, post("Expect: x\r\nContent-Length: 2\r\n", "{}"), 417),
            open(51, get("Content-Length: 5\r\n") + "hello", 200),
            open(
                52,
                get(
                    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
                ),
                200
            ),
            open(
                52,
                get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
                200
            ),
            // All of the preface but its last byte; with it, HTTP/2 begins.
            closing(53, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", 505),
            closing(
                54,
                "¤\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}\u{01}\u{FC}\u{03}\u{03}",
                byte: 0x16,
                400
            ),
            closing(
                56,
                "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
                415
            ),
            closing(
                56,
                "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n{}",
                415
            ),
            closing(
                56,
                "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
                415
            ),
            closing(59, post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}"), 415),
            open(
                60,
                "GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes="
                    + Array(repeating: "0-", count: 1_000).joined(separator: ",") + "\r\n\r\n",
                200
            ),
        ]

    /// Rows that are no `WireCase`: where they are tested, or why they cannot be.
    static let elsewhere: [Int: String] = [
        27: "a body of 65,536 one-byte chunks",
        42: "SlowClientTests: a head, a byte at a time",
        43: "SlowClientTests: a body, a byte at a time",
        44: "SlowClientTests: ten thousand idle connections",
        45: "SlowClientTests: an address that takes more than its share",
        46: "a thousand requests in one write",
        47: "SlowClientTests: a hundred large answers, and none read",
        48: "a client that half-closes",
        49: "clients that abort in mid-answer",
        50: "HEAD on each route",
        55: "a name with line ends",
        57: "BadInputTests: nested 10,000 deep, 300,000 containers",
        58: "BadInputTests: a key twice, a byte order mark, and the others",
        61: "ids that nobody gave out",
        62: "PromiseTests: a reader that stops; SlowClientTests: streams that are never read",
        63: "a payload that looks like an event",
        64: "streams over the limit",
        65: "a request split at every byte",
        66: "no descriptors left",
    ]

    @Test func `every row of the list is here or accounted for`() {
        let rows = Set(Self.cases.map(\.row))
        for row in 1...66 {
            #expect(rows.contains(row) != (Self.elsewhere[row] != nil), "row \(row)")
        }
    }

    @Test(arguments: cases)
    func `the bytes get the answer of their row`(_ wire: WireCase) throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        connection.sendAsFarAsItGoes(wire.sent)
        let answer = try connection.answer()
        #expect(wire.statuses.contains(answer.status), "\(answer.status) \(answer.text)")
        if answer.status >= 400 {
            #expect(answer["Content-Type"] == "application/problem+json")
            #expect(answer.json["status"].integer == Int64(answer.status))
            #expect(answer.code != "")
        }
        #expect(answer["X-Request-Id"] != nil)
        #expect(!answer.text.contains("root:"))
        if wire.closes {
            #expect(answer["Connection"] == "close")
            #expect(connection.isClosedByServer())
        } else {
            #expect(try connection.request("GET", "/livez").status == 200, "out of step")
        }
    }

    @Test func `a wrong method is told the right ones`() throws {
        let server = try Self.server.get()
        for (method, path, allow) in [
            ("PUT", "/v1/processes", ["GET", "HEAD", "OPTIONS", "POST"]),
            ("POST", "/v1/names", ["GET", "HEAD", "OPTIONS"]),
            ("GET", "/v1/exec", ["OPTIONS", "POST"]),
            ("PATCH", "/v1/processes/@a", ["DELETE", "GET", "HEAD", "OPTIONS"]),
        ] {
            let answer = try server.request(method, path)
            #expect(answer.status == 405, "\(method) \(path): \(answer.text)")
            #expect(answer["Allow"]?.components(separatedBy: ", ").sorted() == allow)
            let options = try server.request("OPTIONS", path)
            #expect(options.status == 204)
            #expect(options["Allow"]?.components(separatedBy: ", ").sorted() == allow)
        }
    }

    @Test func `a link that leaves the public folder is not followed`() throws {
        let files = try TemporaryApp(files: [("index.html", "<p>home</p>"), ("a/b.txt", "b")])
        for (name, target) in [
            ("passwd", "/etc/passwd"), ("up", ".."), ("a/in.txt", "b.txt"), ("dir", "a"),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: files.path + "/" + name,
                withDestinationPath: target
            )
        }
        let server = try RunningServer(nil, ["--public", files.path])
        #expect(try server.get("/").text == "<p>home</p>")
        #expect(try server.get("/a/b.txt").text == "b")
        for path in ["/passwd", "/up/index.html", "/up/etc/passwd", "/a", "/a/"] {
            #expect(try server.get(path).status == 404, "\(path)")
        }
    }

    @Test func `HEAD on each route is GET without the body`() throws {
        let server = try Self.server.get()
        let pid = try server.spawn(#"{"entry": "app.demo:greeter"}"#)
        let connection = try RawConnection(server)
        for path in [
            "/v1/processes", "/v1/processes/\(pid)", "/v1/processes/nobody", "/v1/names",
            "/v1/names/nobody", "/v1/entries", "/v1/hosts", "/v1/system", "/livez", "/readyz",
            "/openapi.yaml", "/", "/app.js", "/nothing",
        ] {
            let head = try connection.request("HEAD", path)
            let get = try connection.request("GET", path)
            #expect(head.status == get.status, "\(path)")
            #expect(head["Content-Type"] == get["Content-Type"], "\(path)")
            #expect(head["Content-Length"] != nil, "\(path)")
            #expect(Set(head.fields.keys) == Set(get.fields.keys), "\(path)")
        }
        let stream = try connection.request("HEAD", "/v1/events")
        #expect(stream.status == 200)
        #expect(stream["Content-Type"] == "text/event-stream")
        #expect(try connection.request("GET", "/livez").status == 200)
    }
}
