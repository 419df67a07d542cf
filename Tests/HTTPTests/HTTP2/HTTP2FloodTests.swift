import HTTP2TestSupport
import Testing

@testable import HTTP

/// Frames that cost the server more than the client, far more often than any client sends them.
@Suite struct HTTP2FloodTests {
    struct Flood: CustomTestStringConvertible {
        let name: String
        /// How many are let through at once.
        let burst: Int
        let perSecond: Int
        /// Sent before, on a connection of its own.
        var before: [Frame] = []
        /// The n-th frame, or frames.
        let frames: @Sendable (UInt32) -> [Frame]

        var testDescription: String { name }
    }

    static let floods = [
        // The connection's own SETTINGS was the first.
        Flood(name: "SETTINGS", burst: 98, perSecond: 10) { _ in [.settings()] },
        Flood(name: "PING", burst: 100, perSecond: 20) { _ in [.ping()] },
        Flood(name: "PRIORITY", burst: 200, perSecond: 20) {
            [Frame(2, stream: 2 * $0 + 1, [0, 0, 0, 0, 0])]
        },
        Flood(name: "PRIORITY_UPDATE", burst: 200, perSecond: 20) { _ in
            [Frame(0x10, [0, 0, 0, 1] + Array("u=1".utf8))]
        },
        Flood(name: "resets", burst: 100, perSecond: 20) {
            [.get(2 * $0 + 1), .reset(2 * $0 + 1)]
        },
        Flood(name: "empty DATA", burst: 100, perSecond: 10, before: [.post(1)]) { _ in
            [.data(1, "", end: false)]
        },
        Flood(name: "DATA of padding", burst: 100, perSecond: 10, before: [.post(1)]) { _ in
            [Frame(0, flags: Frame.padded, stream: 1, [3, 0, 0, 0])]
        },
        Flood(name: "WINDOW_UPDATE", burst: 400, perSecond: 50) { _ in [.windowUpdate(0, 1)] },
        Flood(name: "unknown frames", burst: 100, perSecond: 20) { _ in [Frame(0xFA, [1])] },
        // Streams that we are made to reset, in three ways.
        Flood(name: "malformed heads", burst: 100, perSecond: 20) {
            [.headers(2 * $0 + 1, [("x", "y")])]
        },
        Flood(name: "windows over their limit", burst: 100, perSecond: 20) {
            [.get(2 * $0 + 1), .windowUpdate(2 * $0 + 1, 0x7FFF_FFFF)]
        },
        Flood(name: "bodies of another length", burst: 100, perSecond: 20) {
            [.post(2 * $0 + 1, "/", [("content-length", "1")]), .data(2 * $0 + 1, "22")]
        },
    ]

    @Test(arguments: floods)
    func `are answered so far and no further`(_ flood: Flood) {
        var wire = WiredCodec()
        wire.send(flood.before)
        for number in 0..<UInt32(flood.burst) { wire.send(flood.frames(number)) }
        #expect(wire.client.goAways.isEmpty)
        wire.send(flood.frames(UInt32(flood.burst)))
        wire.send(flood.frames(UInt32(flood.burst) + 1))
        #expect(wire.client.goAways.map(\.code) == [0xB])
        #expect(wire.codec.hasFailed)
    }

    @Test(arguments: floods)
    func `at an honest rate go on for ever`(_ flood: Flood) {
        var wire = WiredCodec()
        wire.send(flood.before)
        for number in 0..<2_000 as Range<UInt32> {
            wire.now += 1_000_000_000 / UInt64(flood.perSecond)
            wire.send(flood.frames(number))
        }
        #expect(wire.client.goAways.isEmpty)
    }

    @Test func `all in one read are as many`() {
        for flood in Self.floods {
            var wire = WiredCodec()
            let frames = (0..<UInt32(flood.burst) + 4).flatMap(flood.frames)
            wire.send(flood.before + frames)
            #expect(!wire.client.goAways.isEmpty, "\(flood.name)")
        }
    }

    @Test func `a head in more pieces than allowed ends the connection`() {
        let head = HPACK.literals(Frame.requestFields("GET", "/"))
        for count in [8, 9] {
            var wire = WiredCodec()
            let empty = [[UInt8]](repeating: [], count: count - 1)
            wire.send(Frame.headers(1, pieces: [head] + empty + [[]]))
            #expect(wire.heads.count == (count == 8 ? 1 : 0))
            #expect(wire.client.goAways.map(\.code) == (count == 8 ? [] : [0xB]))
        }
    }

    @Test func `WINDOW_UPDATEs that our own answers call for are no flood`() throws {
        var wire = WiredCodec(settings: .settings([(4, 100)]))
        wire.send([.get(1)])
        wire.answer(1, .bytes([UInt8](repeating: 1, count: 1_000_000)))
        for _ in 0..<3_000 { wire.send([.windowUpdate(1, 100), .windowUpdate(0, 100)]) }
        #expect(wire.client.goAways.isEmpty)
        #expect(wire.client[1].body.count == 300_100)
    }

    @Test func `acknowledgements that are not read are bounded`() {
        let codec = HTTP2Codec(now: 0)
        var limits = HTTP2Limits()
        limits.pings = HTTP2Limits.Rate(burst: 10_000, perSecond: 1)
        let generous = HTTP2Codec(limits: limits, now: 0)
        for codec in [codec, generous] {
            let bytes =
                [Frame.settings()].bytes + [UInt8]((0..<2_000).flatMap { _ in Frame.ping().bytes })
            bytes.withUnsafeBytes { codec.receive($0, now: 0) }
            #expect(codec.hasFailed)
        }
    }
}
