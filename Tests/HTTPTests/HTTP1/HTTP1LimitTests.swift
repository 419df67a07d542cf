import HTTP
import Testing

/// Each limit holds exactly: at the limit all is well, one more is refused.
@Suite struct HTTP1LimitTests {
    private let post = "POST / HTTP/1.1⏎Host: a⏎"

    @Test func `a target of 8,000 bytes works, one more does not`() {
        for (length, status) in [(8_000, nil), (8_001, 414)] as [(Int, Int?)] {
            let target = "/" + repeated("a", length - 1)
            let transcript = Transcript(wire("GET \(target) HTTP/1.1⏎Host: a⏎⏎"))
            #expect(transcript.fault?.status == status)
            #expect(transcript.heads.map(\.request.path) == (status == nil ? [target] : []))
        }
    }

    @Test func `a method of 32 bytes works, one more does not`() {
        for (length, status) in [(32, nil), (33, 501)] as [(Int, Int?)] {
            let bytes = wire(repeated("M", length) + " / HTTP/1.1⏎Host: a⏎⏎")
            #expect(Transcript(bytes).fault?.status == status)
        }
    }

    @Test func `a head of 16,384 bytes works, one more does not`() {
        for (length, status) in [(16_384, nil), (16_385, 431)] as [(Int, Int?)] {
            let frame = wire("GET / HTTP/1.1⏎Host: a⏎X: ⏎⏎").count
            let bytes = wire(
                "GET / HTTP/1.1⏎Host: a⏎X: " + repeated("a", length - frame) + "⏎⏎"
            )
            #expect(bytes.count == length)
            #expect(Transcript(bytes).fault?.status == status)
            #expect(Transcript([bytes[..<16_384], bytes[16_384...]]).fault?.status == status)
        }
    }

    @Test func `100 fields work, one more does not`() {
        for (count, status) in [(100, nil), (101, 431)] as [(Int, Int?)] {
            let bytes = wire("GET / HTTP/1.1⏎Host: a⏎" + repeated("X: a⏎", count - 1) + "⏎")
            let transcript = Transcript(bytes)
            #expect(transcript.fault?.status == status)
            #expect(
                transcript.heads.first?.request.headers.fields.count
                    == (status == nil ? count : nil)
            )
        }
    }

    @Test func `leading empty lines are counted for each request`() {
        var limits = HTTP1Limits()
        for allowed in 0...3 {
            limits.leadingEmptyLinesMax = allowed
            let request = repeated("⏎", allowed) + "GET / HTTP/1.1⏎Host: a⏎⏎"
            let two = Transcript(wire(request + request), limits: limits)
            #expect(two.fault == nil)
            #expect(two.ends == 2)
            let tooMany = Transcript(wire(request + "⏎" + request), limits: limits)
            #expect(tooMany.fault?.status == 400)
            #expect(tooMany.ends == 1)
        }
    }

    @Test func `a counted body is judged before any of it is read`() {
        var limits = HTTP1Limits()
        limits.bodyBytesMax = 10
        for (length, status) in [(10, nil), (11, 413)] as [(Int, Int?)] {
            let transcript = Transcript(wire(post + "Content-Length: \(length)⏎⏎"), limits: limits)
            #expect(transcript.fault?.status == status)
            #expect(transcript.heads.count == 1)
        }
    }

    @Test func `a chunked body is judged by the sum of its chunks`() {
        var limits = HTTP1Limits()
        limits.bodyBytesMax = 10
        let head = post + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎"
        let good = Transcript(wire(head + "5⏎world⏎0⏎⏎"), limits: limits)
        #expect(good.fault == nil)
        #expect(good.bodies == ["helloworld"])
        let bad = Transcript(wire(head + "6⏎"), limits: limits)
        #expect(bad.fault?.status == 413)
        #expect(bad.bodies == ["hello"])
        let later = Transcript(wire(head + "5⏎world⏎1⏎"), limits: limits)
        #expect(later.fault?.status == 413)
        let huge = Transcript(wire(head + "7FFFFFFFFFFFFFFF⏎"), limits: limits)
        #expect(huge.fault?.status == 413)
    }

    @Test func `the body limit can be set for one request`() throws {
        var limits = HTTP1Limits()
        limits.bodyBytesMax = 3
        for body in ["Content-Length: 5⏎⏎hello", "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎"] {
            let bytes = wire(post + body)
            #expect(Transcript(bytes, limits: limits).fault?.status == 413)
            #expect(Transcript(bytes, limits: limits, bodyLimit: 4).fault?.status == 413)
            #expect(Transcript(bytes, limits: limits, bodyLimit: -1).fault?.status == 413)
            #expect(Transcript(bytes, limits: limits, bodyLimit: 5).bodies == ["hello"])
        }
        var parser = HTTP1Parser(limits: limits)
        parser.append(wire(post + "Content-Length: 5⏎⏎hello" + post + "Content-Length: 5⏎⏎").span)
        _ = try parser.next()
        parser.setBodyLimit(5)
        #expect(try parser.next() == .body(Array("hello".utf8)))
        parser.setBodyLimit(100)
        #expect(try parser.next() == .end)
        parser.setBodyLimit(100)
        _ = try parser.next()
        #expect(throws: HTTP1Fault.self) { try parser.next() }
    }

    @Test func `extensions of 256 bytes work, one more does not`() {
        for (length, status) in [(256, nil), (257, 400)] as [(Int, Int?)] {
            let line = "1;" + repeated("a", length - 1)
            let bytes = wire(post + "Transfer-Encoding: chunked⏎⏎\(line)⏎!⏎0⏎⏎")
            #expect(Transcript(bytes).fault?.status == status)
        }
    }

    @Test func `extensions are bounded over a whole body too`() {
        var limits = HTTP1Limits()
        limits.chunkExtensionsTotalBytesMax = 8
        let head = post + "Transfer-Encoding: chunked⏎⏎"
        #expect(Transcript(wire(head + "1;abc⏎!⏎1;abc⏎!⏎0⏎⏎"), limits: limits).fault == nil)
        #expect(
            Transcript(wire(head + "1;abc⏎!⏎1;abc⏎!⏎0;⏎⏎"), limits: limits).fault?.status == 400
        )
    }

    @Test func `trailers of 4,096 bytes work, one more does not`() {
        for (length, status) in [(4_096, nil), (4_097, 431)] as [(Int, Int?)] {
            let trailer = "X: " + repeated("a", length - 5) + "⏎"
            let bytes = wire(post + "Transfer-Encoding: chunked⏎⏎0⏎\(trailer)⏎")
            #expect(Transcript(bytes).fault?.status == status)
        }
    }

    @Test func `an unfinished head is all that stays buffered`() throws {
        var parser = HTTP1Parser()
        let bytes = wire(
            post + "Transfer-Encoding: chunked⏎⏎" + repeated("4;ext⏎abcd⏎", 1_000) + "0⏎T: x⏎⏎"
                + "GET /half"
        )
        for byte in bytes {
            parser.append([byte].span)
            while try parser.next() != nil {}
            #expect(parser.bufferedBytes <= wire(post + "Transfer-Encoding: chunked⏎⏎").count)
        }
        #expect(parser.bufferedBytes == "GET /half".utf8.count)
    }

    @Test func `consumed bytes are given back though a request is always unfinished`() throws {
        let request = wire(post + "Content-Length: 10⏎⏎0123456789")
        let half = request.count / 2
        let (front, back) = (Array(request[..<half]), Array(request[half...]))
        let rest = back + front
        var parser = HTTP1Parser()
        parser.append(front.span)
        for _ in 0..<100 {
            #expect(try parser.next() == nil)
            parser.append(rest.span)
            for _ in 0..<3 { #expect(try parser.next() != nil) }
            #expect(parser.bufferedBytes == half)
            #expect(parser.heldBytes <= 2 * half + request.count)
        }
    }

    /// Row 27.
    ///
    /// The bound is loose enough for a debug build; a quadratic parser misses it by far.
    @Test func `65,536 one-byte chunks take linear time`() {
        let head = post + "Transfer-Encoding: chunked⏎⏎"
        func cost(_ chunks: Int) -> (Transcript, Duration) {
            let bytes =
                wire(head) + Array(repeatElement(wire("1⏎a⏎"), count: chunks).joined())
                + wire("0⏎⏎")
            var transcript = Transcript([UInt8]())
            let time = ContinuousClock().measure { transcript = Transcript(bytes) }
            return (transcript, time)
        }
        let (few, fewTime) = cost(8_192)
        let (many, manyTime) = cost(65_536)
        #expect(few.bodies.first?.utf8.count == 8_192)
        #expect(many.bodies.first?.utf8.count == 65_536)
        #expect(manyTime < fewTime * 40)
    }
}
