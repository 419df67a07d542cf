import HTTP
import Testing

@Suite struct HTTP1ParserTests {
    @Test(arguments: HostileRequests.all)
    func `a hostile request is refused with its status`(_ specimen: Specimen) {
        let transcript = Transcript(specimen.bytes)
        #expect(transcript.fault?.status == specimen.status)
        #expect(transcript.isIdle == false)
    }

    @Test(arguments: GoodRequests.all)
    func `a good request is read to its end`(_ specimen: Specimen) {
        let transcript = Transcript(specimen.bytes)
        #expect(transcript.fault == nil)
        #expect(transcript.ends == transcript.heads.count)
        #expect(transcript.ends > 0)
        #expect(!transcript.isInHead)
    }

    /// Row 65.
    ///
    /// Long messages are cut near their ends and at a stride in between.
    @Test(arguments: HostileRequests.all + GoodRequests.all)
    func `how the bytes are cut changes nothing`(_ specimen: Specimen) {
        let bytes = specimen.bytes
        let whole = Transcript(bytes)
        let stride = bytes.count > 4_000 ? 997 : 1
        for cut in 1..<bytes.count where cut < 300 || cut % stride == 0 {
            #expect(Transcript([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
        #expect(Transcript(bytes.indices.map { bytes[$0...$0] }) == whole, "byte by byte")
    }

    /// Every prefix of a good request asks for more, and no prefix of any request is faulty before
    /// the fault's own byte: the verdict on a prefix never changes when more bytes come.
    @Test(arguments: HostileRequests.all + GoodRequests.all)
    func `a verdict on a prefix stands`(_ specimen: Specimen) {
        let whole = Transcript(specimen.bytes)
        for length in 0..<min(specimen.bytes.count, 1_500) {
            let part = Transcript(Array(specimen.bytes[..<length]))
            if part.fault != nil { #expect(part.fault == whole.fault) }
            #expect(part.heads == Array(whole.heads.prefix(part.heads.count)))
            #expect(part.ends <= whole.ends)
        }
    }

    @Test func `a request is resolved into its parts`() throws {
        let head = try #require(
            Transcript(wire("POST /a%20b/c?x=1?2 HTTP/1.1⏎Host:  h:1 ⏎X-A:\tv v ⏎x-a: w⏎⏎")).heads
                .first
        )
        #expect(head.request.method == "POST")
        #expect(head.request.path == "/a%20b/c")
        #expect(head.request.query == "x=1?2")
        #expect(head.request.authority == "h:1")
        #expect(head.request.version == .http11)
        #expect(head.request.headers == Headers([("Host", "h:1"), ("X-A", "v v"), ("x-a", "w")]))
        #expect(head.request.headers.all("X-a") == ["v v", "w"])
        #expect(head.bodyKind == .none)
        #expect(head.keepAlive)
        #expect(!head.expectsContinue)
    }

    @Test(arguments: [
        ("http://evil/", "evil", "/", nil), ("http://evil:8080/p?q", "evil:8080", "/p", "q"),
        ("HTTP://Evil", "Evil", "/", nil), ("https://evil?q", "evil", "/", "q"),
        ("http://[::1]:1/", "[::1]:1", "/", nil), ("/p?", "localhost", "/p", ""),
        ("//evil/p", "localhost", "//evil/p", nil),
        ("/http://evil/", "localhost", "/http://evil/", nil),
    ])
    func `an http URI's authority wins over Host`(
        target: String,
        authority: String,
        path: String,
        query: String?
    ) throws {
        let bytes = wire("GET \(target) HTTP/1.1⏎Host: localhost⏎⏎")
        let head = try #require(Transcript(bytes).heads.first)
        #expect(head.request.authority == authority)
        #expect(head.request.path == path)
        #expect(head.request.query == query)
    }

    @Test func `OPTIONS * has the path *`() {
        let transcript = Transcript(wire("OPTIONS * HTTP/1.1⏎Host: a⏎⏎"))
        #expect(transcript.heads.map(\.request.path) == ["*"])
    }

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "close", false), ("1.1", "x, CLOSE", false),
        ("1.1", "keep-alive", true), ("1.1", "closed", true), ("1.0", "", false),
        ("1.0", "keep-alive", true), ("1.0", "x ,\tKeep-Alive", true),
        ("1.0", "keep-alive, close", false), ("1.0", "upgrade", false), ("1.9", "", true),
    ])
    func `persistence follows version and Connection`(
        version: String,
        connection: String,
        keepAlive: Bool
    ) throws {
        let bytes = wire("GET / HTTP/\(version)⏎Host: a⏎Connection: \(connection)⏎⏎")
        let head = try #require(Transcript(bytes).heads.first)
        #expect(head.keepAlive == keepAlive)
    }

    @Test func `close on a second Connection line counts`() {
        let bytes = wire("GET / HTTP/1.1⏎Host: a⏎Connection: x⏎Connection: close⏎⏎GET / HTTP/1.1⏎⏎")
        let transcript = Transcript(bytes)
        #expect(transcript.heads.map(\.keepAlive) == [false])
        #expect(transcript.fault == nil)
    }

    @Test(arguments: [
        ("1.1", "Content-Length: 5", true), ("1.1", "Content-Length: 0", false),
        ("1.1", "X: y", false), ("1.1", "Transfer-Encoding: chunked", true),
        ("1.0", "Content-Length: 5", false),
    ])
    func `100 is expected by 1.1 with content only`(
        version: String,
        field: String,
        expected: Bool
    ) throws {
        let bytes = wire("POST / HTTP/\(version)⏎Host: a⏎Expect: 100-continue⏎\(field)⏎⏎")
        let head = try #require(Transcript(bytes).heads.first)
        #expect(head.expectsContinue == expected)
    }

    @Test func `bodies come out as sent`() {
        let expected: [(String, [String])] = [
            ("counted body", ["hello\r\n\r\n\u{0}\n"]), ("chunks", ["hello 0123456789"]),
            ("empty counted body", []), ("no chunks", []), ("chunk extensions", ["hello!"]),
            ("28: trailers", []), ("CR LF in chunk data", ["\r\n0\r\n\u{0}"]),
            ("51: GET with a body", ["hello"]), ("pipeline of three", ["abc"]),
        ]
        for (name, bodies) in expected {
            for specimen in GoodRequests.all where specimen.name == name {
                #expect(Transcript(specimen.bytes).bodies == bodies, "\(name)")
            }
            #expect(GoodRequests.all.contains { $0.name == name })
        }
    }

    @Test func `trailers are not merged into the head`() throws {
        let specimen = try #require(GoodRequests.all.first { $0.name == "28: trailers" })
        let head = try #require(Transcript(specimen.bytes).heads.first)
        #expect(head.request.headers["Content-Length"] == nil)
        #expect(head.request.headers.all("Host") == ["a"])
    }

    @Test func `pipelined requests come out in order`() throws {
        let many = (0..<1_000).map { "GET /\($0) HTTP/1.1⏎Host: a⏎⏎" }.joined()
        let transcript = Transcript(wire(many))
        #expect(transcript.heads.map(\.request.path) == (0..<1_000).map { "/\($0)" })
        #expect(transcript.ends == 1_000)
        #expect(transcript.isIdle)
    }

    @Test func `content before a fault comes out before it`() {
        let head = "POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎"
        let transcript = Transcript(wire(head + "5⏎hello⏎1⏎!⏎zz"))
        #expect(transcript.bodies == ["hello!"])
        #expect(transcript.fault?.status == 400)
        #expect(transcript.ends == 0)
    }

    @Test func `a fault is repeated and no byte is taken after it`() throws {
        var parser = HTTP1Parser()
        parser.append(wire("GET / HTTP/3.0⏎GET").span)
        let first = #expect(throws: HTTP1Fault.self) { try parser.next() }
        parser.append(wire("GET / HTTP/1.1⏎Host: a⏎⏎").span)
        let second = #expect(throws: HTTP1Fault.self) { try parser.next() }
        #expect(first == second)
        #expect(parser.bufferedBytes == 0)
    }

    @Test func `faults carry the codes of the contract`() {
        let codes = [
            400: "invalid-request", 413: "payload-too-large", 414: "uri-too-long",
            417: "expectation-failed", 431: "headers-too-large", 501: "not-implemented",
            505: "http-version-not-supported",
        ]
        for specimen in HostileRequests.all {
            let fault = Transcript(specimen.bytes).fault
            #expect(fault.map { $0.code == codes[$0.status] } == true, "\(specimen.name)")
            let isPrintable = fault?.detail.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            #expect(isPrintable == true, "\(specimen.name)")
        }
        #expect(Set(HostileRequests.all.compactMap(\.status)) == Set(codes.keys))
    }

    @Test func `a fault names the byte and its place`() {
        let transcript = Transcript(wire("GET / HTTP/1.1⏎Ho\u{0}st: a⏎⏎"))
        #expect(transcript.fault?.detail == "unexpected 0x00 in a field name, byte 18 of the head")
    }

    @Test func `the parser tells where it stands`() throws {
        var parser = HTTP1Parser()
        func stand() -> [Bool] { [parser.isIdle, parser.isInHead] }
        #expect(stand() == [true, false])
        parser.append(wire("⏎").span)
        #expect(try parser.next() == nil)
        #expect(stand() == [true, false])
        parser.append(wire("P").span)
        #expect(stand() == [false, true])
        #expect(try parser.next() == nil)
        #expect(stand() == [false, true])
        parser.append(wire("OST / HTTP/1.1⏎Host: a⏎Content-Length: 2⏎⏎").span)
        _ = try parser.next()
        #expect(stand() == [false, false])
        #expect(try parser.next() == nil)
        parser.append(wire("hi").span)
        #expect(try parser.next() == .body(Array("hi".utf8)))
        #expect(stand() == [false, false])
        #expect(try parser.next() == .end)
        #expect(stand() == [true, false])
    }
}
