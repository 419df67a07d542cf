import Foundation
import HTTP2TestSupport
import Testing

/// Hostile HTTP/2, frame by frame, over a real socket: one row after the other of the list of 38.
@Suite struct HostileHTTP2Tests {
    static let server = Result { try RunningServer("examples/worker-pool") }

    /// What becomes of it.
    enum Outcome {
        /// GOAWAY with one of these codes, and the connection ends.
        case ends([UInt32])
        /// RST_STREAM of stream 1 with that code; the connection goes on.
        case resets(UInt32)
        /// An answer on stream 1 with one of these statuses; the connection goes on.
        case answers([Int])
        /// Nothing; the connection goes on.
        case ignored
    }

    /// Frames after the preface and SETTINGS of both sides, and what becomes of them.
    struct FrameCase: CustomTestStringConvertible {
        var row: Int
        var name: String
        var frames: [Frame]
        var outcome: Outcome

        var testDescription: String { "\(row): \(name) -> \(outcome)" }
    }

    private static func ends(_ row: Int, _ name: String, _ codes: UInt32..., by: [Frame])
        -> FrameCase
    {
        FrameCase(row: row, name: name, frames: by, outcome: .ends(codes))
    }

    private static func resets(_ row: Int, _ name: String, _ fields: [(String, String)])
        -> FrameCase
    {
        FrameCase(row: row, name: name, frames: [.headers(1, fields)], outcome: .resets(1))
    }

    private static func other(_ row: Int, _ name: String, _ outcome: Outcome, _ by: Frame...)
        -> FrameCase
    {
        FrameCase(row: row, name: name, frames: by, outcome: outcome)
    }

    static let get = Frame.requestFields("GET", "/livez")

    /// Without a pseudo-field, or with another in its place.
    static func get(_ name: String, _ value: String?) -> [(String, String)] {
        get.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 }
    }

    /// So many of something; the n-th for n from 0.
    static func many(_ count: UInt32, _ frame: (UInt32) -> [Frame]) -> [Frame] {
        (0..<count).flatMap(frame)
    }

    static let head = HPACK.literals(get)
    static let protocolError: UInt32 = 1
    static let flowControl: UInt32 = 3
    static let closed: UInt32 = 5
    static let frameSize: UInt32 = 6
    static let compression: UInt32 = 9
    static let calm: UInt32 = 0xB

    static let cases: [FrameCase] = framing + headers + floods

    static let framing: [FrameCase] = [
        ends(
            3,
            "a frame of 16,385 bytes",
            frameSize,
            by: [
                .post(1), Frame(0, stream: 1, [UInt8](repeating: 0, count: 16_385)),
            ]
        ),
        ends(4, "HEADERS on stream 2", protocolError, by: [.get(2)]),
        // The RFC asks for an error; the library ignores it.
        other(5, "HEADERS on 5, then on 3", .ignored, .get(5, "/livez"), .get(3, "/livez")),
        ends(
            6,
            "HEADERS after END_STREAM",
            closed,
            by: [
                .get(1, "/v1/events"), .get(1, "/v1/events"),
            ]
        ),
        ends(6, "DATA after END_STREAM", closed, by: [.get(1, "/v1/events"), .data(1, "x")]),
        ends(7, "RST_STREAM on an idle stream", protocolError, by: [.reset(1)]),
        ends(8, "CONTINUATION alone", protocolError, by: [Frame(9, flags: 4, stream: 1, head)]),
        ends(
            8,
            "a head interrupted",
            protocolError,
            by: [
                Frame(1, flags: 1, stream: 1, head), .ping(),
            ]
        ),
        ends(
            9,
            "HEADERS and 20 CONTINUATION",
            calm,
            by:
                Frame.headers(1, pieces: [head] + [[UInt8]](repeating: [], count: 20))
        ),
        ends(10, "HPACK index 0", compression, by: [Frame(1, flags: 5, stream: 1, [0x80])]),
        ends(10, "HPACK index 70", compression, by: [Frame(1, flags: 5, stream: 1, [0xC6])]),
        ends(
            11,
            "a table larger than ours",
            compression,
            by: [
                Frame(
                    1,
                    flags: 5,
                    stream: 1,
                    HPACK.integer(4_097, prefixBits: 5, first: 0x20) + head
                )
            ]
        ),
        ends(
            13,
            "SETTINGS ack with content",
            frameSize,
            by: [
                Frame(4, flags: 1, [0, 1, 0, 0, 0, 0])
            ]
        ),
        ends(13, "SETTINGS on stream 1", protocolError, by: [Frame(4, stream: 1)]),
        ends(13, "ENABLE_PUSH 2", protocolError, by: [.settings([(2, 2)])]),
        ends(13, "MAX_FRAME_SIZE 1", protocolError, by: [.settings([(5, 1)])]),
        ends(13, "a window of 2^31", flowControl, by: [.settings([(4, 1 << 31)])]),
        ends(
            14,
            "SETTINGS of 40 entries",
            calm,
            by: [
                .settings([(UInt16, UInt32)](repeating: (3, 1), count: 40))
            ]
        ),
        ends(
            24,
            "a stream's WINDOW_UPDATE of 0",
            protocolError,
            by: [
                .get(1, "/v1/events"), .windowUpdate(1, 0),
            ]
        ),
        ends(
            25,
            "the connection's window over its limit",
            flowControl,
            by: [
                .windowUpdate(0, 0x7FFF_FFFF)
            ]
        ),
        ends(
            33,
            "PUSH_PROMISE",
            protocolError,
            by: [
                .get(1, "/v1/events"), Frame(5, flags: 4, stream: 1, [0, 0, 0, 2] + head),
            ]
        ),
        ends(33, "PING of 7 bytes", frameSize, by: [Frame(6, [UInt8](repeating: 0, count: 7))]),
        other(
            34,
            "a frame of type 0xfa",
            .ignored,
            Frame(0xFA, flags: 0xFF, stream: 9, [1, 2, 3])
        ),
        ends(35, "PRIORITY of 4 bytes", frameSize, by: [Frame(2, stream: 1, [0, 0, 0, 0])]),
        ends(
            36,
            "frames after a fault",
            protocolError,
            calm,
            by: [.get(2)] + many(2_000) { [.get(2 * $0 + 3), Frame(8, [1])] }
        ),
    ]

    static let headers: [FrameCase] = [
        resets(29, "an upper-case name", get + [("X-A", "b")]),
        resets(29, "connection", get + [("connection", "close")]),
        resets(29, "te: gzip", get + [("te", "gzip")]),
        resets(29, "transfer-encoding", get + [("transfer-encoding", "chunked")]),
        resets(30, "no :path", get(":path", nil)),
        resets(30, "no :scheme", get(":scheme", nil)),
        resets(30, ":path twice", get + [(":path", "/")]),
        resets(30, "a late pseudo-field", [("a", "b")] + get),
        resets(30, ":path with line ends", get(":path", "/a\r\nb: c")),
        resets(30, ":path with a space", get(":path", "/a b")),
        resets(30, ":path without a slash", get(":path", "livez")),
        resets(30, "a value with NUL", get + [("a", "b\0c")]),
        resets(30, "a value that begins with a space", get + [("a", " b")]),
        resets(30, "an unknown pseudo-field", get + [(":status", "200")]),
        other(
            31,
            "host and :authority differ",
            .answers([400]),
            .headers(1, get + [("host", "a")])
        ),
        other(
            31,
            "another site's name",
            .answers([421]),
            .headers(1, get(":authority", "evil.example"))
        ),
        other(
            32,
            "CONNECT",
            .answers([405, 501]),
            .headers(1, [(":method", "CONNECT"), (":authority", "a:1")])
        ),
        other(
            37,
            "a body over the limit",
            .answers([413]),
            .post(
                1,
                "/v1/exec",
                [
                    ("content-type", "application/json"), ("content-length", "1048577"),
                ]
            )
        ),
    ]

    static let floods: [FrameCase] = [
        ends(
            12,
            "one byte that means 4,000, too often",
            calm,
            by: many(200) {
                [
                    Frame(
                        1,
                        flags: 5,
                        stream: 2 * $0 + 1,
                        head + HPACK.kept("x", String(repeating: "a", count: 3_800))
                            + [UInt8](repeating: 0xBE, count: 10_000)
                    )
                ]
            }
        ),
        ends(15, "5,000 SETTINGS", calm, by: many(5_000) { _ in [.settings()] }),
        ends(16, "5,000 PING", calm, by: many(5_000) { _ in [.ping()] }),
        ends(
            18,
            "20,000 empty DATA",
            calm,
            by: [.post(1)] + many(20_000) { _ in [.data(1, "", end: false)] }
        ),
        ends(
            19,
            "20,000 PRIORITY",
            calm,
            by: many(20_000) {
                [Frame(2, stream: 2 * $0 + 1, [0, 0, 0, 0, 0])]
            }
        ),
        ends(
            20,
            "2,000 streams reset",
            calm,
            protocolError,
            by: many(2_000) {
                [.get(2 * $0 + 1, "/livez"), .reset(2 * $0 + 1)]
            }
        ),
        ends(
            21,
            "2,000 windows over their limit",
            calm,
            protocolError,
            by: many(2_000) {
                [.get(2 * $0 + 1, "/livez"), .windowUpdate(2 * $0 + 1, 0x7FFF_FFFF)]
            }
        ),
        ends(
            22,
            "2,000 malformed fields",
            calm,
            protocolError,
            by: many(2_000) {
                [.headers(2 * $0 + 1, get + [("A", "b")])]
            }
        ),
        ends(
            23,
            "2,000 bodies of another length",
            calm,
            protocolError,
            by: many(2_000) {
                [.post(2 * $0 + 1, "/v1/exec", [("content-length", "1")]), .data(2 * $0 + 1, "22")]
            }
        ),
        ends(
            28,
            "2,000 HEADERS in one write",
            calm,
            protocolError,
            by: many(2_000) {
                [.get(2 * $0 + 1, "/v1/events")]
            }
        ),
    ]

    /// Rows that are no `FrameCase`: where they are tested, or why they cannot be.
    static let elsewhere: [Int: String] = [
        1: "ProtocolDetectionTests: a connection that differs from the preface is HTTP/1's",
        2: "a first frame that is no SETTINGS",
        17: "PING without end, and nothing read",
        26: "a window that stays closed",
        27: "SlowClientTests: a window opened by a byte at a time",
        38: "SecureServerTests; SlowClientTests: half handshakes",
    ]

    @Test func `every row of the list is here or accounted for`() {
        let rows = Set(Self.cases.map(\.row))
        for row in 1...38 {
            #expect(rows.contains(row) != (Self.elsewhere[row] != nil), "row \(row)")
        }
    }

    @Test(arguments: cases)
    func `the frames have the outcome of their row`(_ row: FrameCase) throws {
        let server = try Self.server.get()
        let connection = try FrameConnection(server)
        connection.raw.sendAsFarAsItGoes(row.frames.bytes)
        switch row.outcome {
        case .ends(let codes):
            let heard = try connection.goAways()
            #expect(heard.count == 1 && codes.contains(heard[0]), "\(heard)")
        case .resets(let code):
            try connection.read { $0[1].isOver }
            #expect(connection.heard[1].reset == code)
            try goesOn(connection)
        case .answers(let statuses):
            let answer = try connection.answer(1)
            #expect(statuses.contains(answer.status), "\(answer.status) \(answer.text)")
            #expect(answer.fields["content-type"] == "application/problem+json")
            try goesOn(connection)
        case .ignored: try goesOn(connection)
        }
        #expect(try server.get("/livez").status == 200)
    }

    private func goesOn(_ connection: FrameConnection) throws {
        try connection.send(.get(99, "/livez"))
        #expect(try connection.answer(99).status == 200)
        #expect(connection.heard.goAways.isEmpty)
    }

    @Test func `a first frame that is no SETTINGS ends the connection`() throws {
        let connection = try RawConnection(try Self.server.get())
        try connection.send(preface + [.ping(), .settings()].bytes)
        var heard = HTTP2Transcript()
        heard.receive(try connection.readToEnd())
        #expect(heard.goAways.map(\.code) == [Self.protocolError])
    }

    @Test func `PING without end, and nothing read, is bounded`() throws {
        let server = try RunningServer("examples/worker-pool")
        let connection = try FrameConnection(server)
        let before = server.residentBytes
        let pings = Self.many(10_000) { _ in [.ping()] }.bytes
        for _ in 0..<20 { connection.raw.sendAsFarAsItGoes(pings) }
        #expect(server.residentBytes - before < 8 << 20)
        #expect(try server.get("/livez").status == 200)
    }

    @Test func `a window that stays closed is cut, the others are served`() throws {
        let server = try RunningServer("examples/worker-pool", ["--write-timeout", "500ms"])
        let connection = try FrameConnection(server, settings: [(4, 0)])
        try connection.send(.get(1, "/openapi.yaml"), .get(3, "/v1/events"))
        try connection.send(.get(5, "/livez"), .windowUpdate(5, 1_000))
        #expect(try connection.answer(5).status == 200)
        for stream in [1, 3] as [UInt32] {
            #expect(try connection.answer(stream).reset == 8)
            #expect(connection.heard[stream].status == 200)
            #expect(connection.heard[stream].body.isEmpty)
        }
        try connection.send(.get(7, "/livez"), .windowUpdate(7, 1_000))
        #expect(try connection.answer(7).status == 200)
    }
}
