import Testing

@testable import moonlet

/// The pure parts of the client: responses, event streams, addresses, durations.
@Suite struct ClientCommandParsingTests {
    static let responses: [(bytes: String, body: String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:  2 \r\n\r\nok", "ok"),
        (
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n"
                + "0\r\nTrailer: x\r\n\r\n",
            "abc0123456789"
        ),
    ]

    @Test(arguments: responses.indices)
    func `a response reads the same however its bytes are split`(_ index: Int) throws {
        let (text, expected) = Self.responses[index]
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var reader = ResponseReader()
            var body: [UInt8] = []
            try reader.feed(bytes[..<cut], into: &body)
            #expect(reader.isDone == (cut == bytes.count))
            try reader.feed(bytes[cut...], into: &body)
            #expect(reader.isDone)
            #expect(String(decoding: body, as: UTF8.self) == expected)
        }
    }

    @Test func `a response without a length lasts until the server closes`() throws {
        var reader = ResponseReader()
        var body: [UInt8] = []
        try reader.feed("HTTP/1.1 200 OK\r\n\r\nall of it".utf8, into: &body)
        #expect(!reader.isDone)
        try reader.close()
        #expect(reader.isDone)
        #expect(body == Array("all of it".utf8))
    }

    @Test(arguments: responses.indices)
    func `a response that ends early at any byte is cut short`(_ index: Int) throws {
        let bytes = Array(Self.responses[index].bytes.utf8)
        for cut in 0..<bytes.count {
            var reader = ResponseReader()
            var body: [UInt8] = []
            try reader.feed(bytes[..<cut], into: &body)
            #expect(throws: ResponseError.cutShort) { try reader.close() }
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx",
    ])
    func `a malformed response is an error`(_ text: String) {
        var reader = ResponseReader()
        var body: [UInt8] = []
        #expect(throws: ResponseError.self) { try reader.feed(text.utf8, into: &body) }
    }

    @Test func `a head without an end is not kept for ever`() {
        var reader = ResponseReader()
        var body: [UInt8] = []
        #expect(throws: ResponseError.tooLong) {
            for _ in 0..<100 {
                try reader.feed([UInt8](repeating: 0x61, count: 1_000), into: &body)
            }
        }
    }

    @Test func `an event stream reads the same however its bytes are split`() {
        let text =
            ": hb\r\n\r\nevent: EXIT\rid: e-1\rdata: {\"a\":1}\r\rdata:two\ndata:  lines\nid\n\n"
            + "retry: 17\nretry: 1x\nevent: none\n\nignored: x\nid: e-2\ndata\n\nid: e\0-3\ndata: é\n\n"
        let expected = [
            ServerSentEvent(kind: "EXIT", data: "{\"a\":1}", lastEventID: "e-1"),
            ServerSentEvent(kind: "", data: "two\n lines", lastEventID: ""),
            ServerSentEvent(kind: "", data: "", lastEventID: "e-2"),
            ServerSentEvent(kind: "", data: "é", lastEventID: "e-2"),
        ]
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var parser = EventStreamParser()
            let events = parser.feed(bytes[..<cut]) + parser.feed(bytes[cut...])
            #expect(events == expected)
            #expect(parser.retryMilliseconds == 17)
            #expect(parser.commentCount == 1)
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:7070", "127.0.0.1", 7070), ("HTTP://host/", "host", 80),
        ("host:81", "host", 81), ("http://[::1]:90", "::1", 90), ("[::1]", "::1", 80),
        ("https://host", "host", 443), ("https://host:90/", "host", 90),
    ])
    func `a server address is taken apart`(_ text: String, host: String, port: Int) throws {
        let address = try ServerAddress(parsing: text)
        #expect(address.host == host)
        #expect(Int(address.port) == port)
    }

    @Test(arguments: [
        "", "http://", "https://", "unix:", "ftp://x", "host:0", "host:65536", "host:x", "[::1]x",
        "a b",
        "http://user@host", "http://host/path",
    ])
    func `what is no server address is refused`(_ text: String) {
        #expect(throws: CommandFailure.self) { try ServerAddress(parsing: text) }
    }

    @Test(arguments: [
        ("30s", 30_000), ("100ms", 100), ("1h30m", 5_400_000), ("1.5s", 1_500), ("0s", 0),
    ])
    func `durations have units`(_ text: String, milliseconds: Int) {
        #expect(CommandDuration(argument: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["", "30", "s", "1d", "-1s", "1..5s", "1s2", "99999999999999999999h"])
    func `what is no duration is refused`(_ text: String) {
        #expect(CommandDuration(argument: text) == nil)
    }

    @Test func `sizes are readable`() {
        let sizes = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12_800, "12.5 KiB")]
        for (bytes, text) in sizes + [(1_048_576, "1.0 MiB"), (5 << 40, "5.0 TiB")] {
            #expect(readableBytes(bytes) == text)
        }
    }
}
