import HTTP
import Testing

@Suite struct ResponseEncoderTests {
    private func head(
        _ status: Int = 200,
        _ fields: [(String, String)] = [],
        _ framing: ResponseEncoder.Framing = .none,
        version: ProtocolVersion = .http11,
        keepAlive: Bool = true,
        date: DateField? = nil
    ) -> String {
        var output: [UInt8] = []
        ResponseEncoder.appendHead(
            to: &output,
            status: status,
            headers: Headers(fields),
            framing: framing,
            version: version,
            keepAlive: keepAlive,
            date: date
        )
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `a head is status line, fields and an empty line`() {
        let text = head(
            201,
            [("Location", "/v1/processes/1"), ("X-Empty", "")],
            .length(12),
            date: DateField(unixSeconds: 784_111_777)
        )
        #expect(
            text == "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                + "Location: /v1/processes/1\r\nX-Empty: \r\nContent-Length: 12\r\n\r\n"
        )
    }

    @Test(
        arguments: [
            (.none, .http11, true, ""), (.none, .http11, false, "Connection: close\r\n"),
            (.none, .http10, true, "Connection: keep-alive\r\n"),
            (.none, .http10, false, "Connection: close\r\n"),
            (.length(0), .http11, true, "Content-Length: 0\r\n"),
            (.length(5), .http11, false, "Content-Length: 5\r\nConnection: close\r\n"),
            (.length(5), .http10, true, "Content-Length: 5\r\nConnection: keep-alive\r\n"),
            (.chunked, .http11, true, "Transfer-Encoding: chunked\r\n"),
            (.chunked, .http11, false, "Transfer-Encoding: chunked\r\nConnection: close\r\n"),
            (.untilClose, .http10, true, "Connection: close\r\n"),
            (.untilClose, .http11, true, "Connection: close\r\n"),
        ] as [(ResponseEncoder.Framing, ProtocolVersion, Bool, String)]
    )
    func `framing and persistence are told`(
        framing: ResponseEncoder.Framing,
        version: ProtocolVersion,
        keepAlive: Bool,
        fields: String
    ) {
        let text = head(200, [], framing, version: version, keepAlive: keepAlive)
        #expect(text == "HTTP/1.1 200 OK\r\n" + fields + "\r\n")
    }

    @Test func `a stream to HTTP/1.0 ends with the connection`() {
        #expect(ResponseEncoder.Framing.stream(to: .http10) == .untilClose)
        #expect(ResponseEncoder.Framing.stream(to: .http11) == .chunked)
    }

    @Test func `the connection's own fields are not a handler's to write`() {
        let fields = [
            "content-length", "TRANSFER-ENCODING", "Connection", "Keep-Alive", "Date", "Upgrade",
            "Trailer", "Proxy-Connection",
        ].map { ($0, "x") }
        #expect(head(200, fields + [("A", "b")]) == "HTTP/1.1 200 OK\r\nA: b\r\n\r\n")
    }

    @Test func `no byte of a value can end its line`() {
        for byte in UInt8(0)...255 {
            let value = "a" + String(UnicodeScalar(byte)) + "b"
            let lines = head(200, [("X", value)]).utf8.split(
                separator: 10,
                omittingEmptySubsequences: false
            )
            #expect(lines.count == 4)
            for line in lines.dropLast() {
                #expect(line.last == 13)
                #expect(line.dropLast().allSatisfy { ($0 >= 32 && $0 != 127) || $0 == 9 })
            }
        }
        let text = head(200, [("Location", "/a\r\nSet-Cookie: x\r\n\r\n\u{0}")])
        #expect(
            text == "HTTP/1.1 200 OK\r\nLocation: /a%0D%0ASet-Cookie: x%0D%0A%0D%0A%00\r\n\r\n"
        )
    }

    @Test func `a name that is no token is dropped with its value`() {
        for name in ["", "a b", "a:b", "a\r\nb", "é", "a\0", "(a)"] {
            #expect(head(200, [(name, "x")]) == "HTTP/1.1 200 OK\r\n\r\n")
        }
    }

    @Test func `statuses have phrases, and odd ones are 500`() {
        #expect(head(413).hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
        #expect(head(299).hasPrefix("HTTP/1.1 299 \r\n"))
        for status in [Int.min, -1, 0, 99, 600, 1_000, Int.max] {
            #expect(head(status).hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
        }
    }

    @Test func `every status the contract names has a phrase`() {
        let statuses = [
            100, 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415,
            417, 421, 422, 429, 431, 500, 501, 503, 504, 505,
        ]
        for status in statuses { #expect(!ReasonPhrase.of(status).isEmpty, "\(status)") }
    }

    @Test func `chunks of any size decode again`() throws {
        for size in [0, 1, 9, 10, 15, 16, 255, 256, 4_095, 4_096, 70_000] {
            let content = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            var encoded: [UInt8] = []
            ResponseEncoder.appendChunk(content, to: &encoded)
            if size == 0 { #expect(encoded.isEmpty) }
            encoded += ResponseEncoder.lastChunk + [1, 2, 3]
            var decoder = ChunkedDecoder(bodyBytesMax: size)
            var decoded: [UInt8] = []
            var index = 0
            #expect(try decoder.decode(encoded, from: &index, into: &decoded))
            #expect(decoded == content)
            #expect(index == encoded.count - 3)
        }
    }
}
