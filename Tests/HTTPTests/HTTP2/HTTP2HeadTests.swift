import HTTP2TestSupport
import Testing

@testable import HTTP

/// What is asked of a request's head beyond what the library asks.
@Suite struct HTTP2HeadTests {
    private func refusal(
        _ fields: [(String, String)],
        _ limits: HTTP1Limits = .init()
    ) -> Int? {
        var wire = WiredCodec(requests: limits)
        let block = HPACK.literals(fields)
        let pieces = stride(from: 0, to: block.count, by: 16_384).map {
            Array(block[$0..<min($0 + 16_384, block.count)])
        }
        wire.send(Frame.headers(1, pieces: pieces))
        #expect(wire.heads.count + wire.refusals.count == 1, "\(fields)")
        return wire.refusals.first
    }

    private func request(
        path: String = "/",
        authority: String? = "localhost",
        method: String = "GET",
        scheme: String = "http",
        _ more: [(String, String)] = []
    ) -> [(String, String)] {
        [(":method", method), (":scheme", scheme), (":path", path)]
            + (authority.map { [(":authority", $0)] } ?? []) + more
    }

    @Test func `the target and the host have to be what HTTP 1 takes`() {
        #expect(refusal(request()) == nil)
        #expect(refusal(request(scheme: "https")) == nil)
        #expect(refusal(request(scheme: "ftp")) == 400)
        #expect(refusal(request(path: "/%zz")) == 400)
        #expect(refusal(request(path: "/a\"b")) == 400)
        #expect(refusal(request(path: "*", method: "OPTIONS")) == nil)
        #expect(refusal(request(authority: "a@b")) == 400)
        #expect(refusal(request(authority: "a", [("host", "b")])) == 400)
        #expect(refusal(request(authority: "a", [("host", "A")])) == nil)
        #expect(refusal(request(authority: nil, [("host", "b")])) == nil)
        #expect(refusal(request(method: String(repeating: "A", count: 33))) == 501)
        #expect(refusal([(":method", "CONNECT"), (":authority", "a:1")]) == 501)
        #expect(refusal(request([("expect", "x")])) == 417)
    }

    @Test func `sizes and counts are bounded, each with its own status`() {
        let target = { (count: Int) in "/" + String(repeating: "a", count: count - 1) }
        #expect(refusal(request(path: target(8_000))) == nil)
        #expect(refusal(request(path: target(8_001))) == 414)
        #expect(refusal(request(path: target(17_000))) == 414)
        let fields = (0..<101).map { ("x-\($0)", "") }
        #expect(refusal(request(Array(fields.prefix(100)))) == nil)
        #expect(refusal(request(fields)) == 431)
        #expect(refusal(request([("x", String(repeating: "a", count: 16_000))])) == nil)
        #expect(refusal(request([("x", String(repeating: "a", count: 16_384))])) == 431)
    }

    @Test func `pieces of a cookie are one field`() {
        var wire = WiredCodec()
        wire.send([.headers(1, request([("cookie", "a=b"), ("x", "y"), ("cookie", "c=d")]))])
        #expect(wire.heads[0].request.headers.all("Cookie") == ["a=b; c=d"])
    }

    @Test func `a field repeated by a byte is not kept beyond the limit, and soon not read`() {
        var wire = WiredCodec()
        // One field of 3,800 bytes is put into the table; each byte after it repeats it.
        let field = HPACK.kept("x", String(repeating: "a", count: 3_800))
        let head = HPACK.literals(request())
        wire.send([.headers(1, request()), .reset(1)])
        for (stream, count, isReset) in [(3, 2, false), (5, 12, false), (7, 10_000, true)] {
            let repeated = [UInt8](repeating: 0x80 | 62, count: count)
            let block = head + field + repeated
            wire.send([Frame(1, flags: 0x5, stream: UInt32(stream), block)])
            #expect((wire.client[UInt32(stream)].reset != nil) == isReset, "\(count)")
        }
        #expect(wire.refusals == [431])
        #expect(wire.heads.map(\.stream) == [1, 3])
        // The table is as it should be: the next request is read.
        wire.send([.get(9)])
        #expect(wire.heads.last?.stream == 9)
        #expect(wire.client.goAways.isEmpty)
    }
}
