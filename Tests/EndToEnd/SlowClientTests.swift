import Foundation
import HTTP2TestSupport
import TestCertificates
import Testing

/// Clients that are many, slow or silent: what they may hold, when each is cut, and that the others
/// are served meanwhile.
///
/// `make soak` runs it on the release build with ten times as many.
@Suite(.serialized) struct SlowClientTests {
    private static let app = "examples/worker-pool"
    private static let scale =
        ProcessInfo.processInfo.environment["MOONLET_SOAK_SECONDS"] == nil ? 1 : 10

    /// What others wait for `/livez` while a crowd is there, in milliseconds.
    private struct Others {
        let server: RunningServer
        var waits: [Double] = []

        init(_ server: RunningServer) { self.server = server }

        mutating func ask() throws { waits.append(try server.liveMilliseconds()) }

        /// Prints the figure and holds it against the bound: 50 ms, three times that in debug builds.
        func hold(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let most = PromiseTests.ninetieth(waits)
            let worst = waits.max() ?? 0
            print("figure: /livez beside \(name): \(most) ms (90 %), worst \(worst)")
            #expect(most < 50 * PromiseTests.slack, sourceLocation: sourceLocation)
        }
    }

    /// Connections that the server has, the one that asks left out.
    private static func connections(_ server: RunningServer) throws -> Int {
        Int(try server.get("/v1/system").json["counts"]["connections"].integer ?? 0) - 1
    }

    /// Waits until the server has let go of a crowd; its descriptors then.
    private static func openFilesAfter(_ server: RunningServer, _ before: Int) -> Int {
        // A request just answered may still be closing.
        waitFor(seconds: 15) { server.openFiles <= before + 2 ? server.openFiles : nil }
            ?? server.openFiles
    }

    // MARK: Many

    @Test func `ten thousand idle connections are held, and let go of in time`() throws {
        let count = Crowd.size(10_000)
        let server = try RunningServer(
            Self.app,
            ["--max-connections-per-peer", "16384", "--head-timeout", "4s"]
        )
        let crowd = try Crowd(server)
        var others = Others(server)
        try others.ask()
        let (files, bytes) = (server.openFiles, server.residentBytes)
        let watch = Stopwatch()
        try crowd.join(count)
        #expect(try Self.connections(server) == count + 1)
        for _ in 0..<50 { try others.ask() }
        let each = (server.residentBytes - bytes) / count
        print("figure: \(count) connections in \(watch.milliseconds) ms, \(each) bytes each")
        #expect(each < 2_048)
        others.hold("\(count) idle connections")
        crowd.read()
        #expect(crowd.openCount == count)

        let gone = try waitFor(seconds: 20) { try Self.connections(server) == 1 ? true : nil }
        #expect(gone == true)
        #expect(watch.milliseconds >= 4_000)
        crowd.read()
        #expect(crowd.openCount == 0)
        #expect(crowd.members.allSatisfy { $0.heardCount == 0 })
        #expect(Self.openFilesAfter(server, files) <= files + 2)
    }

    @Test func `an address that takes more than its share takes nothing from another`() throws {
        let (share, count) = (500, 2_000)
        let server = try RunningServer(Self.app, ["--max-connections-per-peer", "\(share)"])
        let crowd = try Crowd(server)
        let files = server.openFiles
        try crowd.join(count)
        // The one that watches has a place, too.
        let refused = waitFor(seconds: 5) {
            crowd.read()
            return crowd.openCount == share - 1 ? true : nil
        }
        #expect(refused == true, "\(crowd.openCount)")
        let told = crowd.members.filter { $0.heardCount > 0 }
        #expect(!told.isEmpty)
        #expect(told.allSatisfy { $0.isOver && $0.text.contains(#""connection-limit""#) })
        // No room for refusals without end either.
        #expect(server.openFiles <= files + share + 66)

        let get = Array("GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8)
        for _ in 0..<50 { try crowd.join(1, saying: get, source: 2) }
        let served = waitFor(seconds: 5) {
            crowd.read()
            return crowd.members.count { $0.text.hasPrefix("HTTP/1.1 200 ") } == 50 ? true : nil
        }
        #expect(served == true)
        crowd.leave()
        #expect(Self.openFilesAfter(server, files) <= files + 2)
    }

    static let floods: [(name: String, opening: [UInt8])] = [
        ("nothing", []),
        ("half a head", Array("GET / HTTP/1.1\r\nHos".utf8)),
        ("a request", Array("GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)),
        ("a stream", Array("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)),
        ("a request over HTTP/2", preface + [.settings(), .get(1, "/openapi.yaml")].bytes),
    ]

    @Test(arguments: floods)
    func `connections reset at once leave nothing, the others are served`(
        _ flood: (name: String, opening: [UInt8])
    ) throws {
        let server = try RunningServer(Self.app)
        let crowd = try Crowd(server)
        var others = Others(server)
        // The first pay for what is made once.
        for _ in 0..<2 { try crowd.flood(250, saying: flood.opening) {} }
        _ = try waitFor(seconds: 10) { try Self.connections(server) == 1 ? true : nil }
        let (files, bytes) = (server.openFiles, server.residentBytes)
        for _ in 0..<10 * Self.scale {
            try crowd.flood(250, saying: flood.opening) { try others.ask() }
        }
        others.hold("a flood of \(flood.name)")
        let gone = try waitFor(seconds: 10) { try Self.connections(server) == 1 ? true : nil }
        #expect(gone == true)
        #expect(Self.openFilesAfter(server, files) <= files + 2)
        #expect(server.residentBytes - bytes < 4 << 20)
    }

    // MARK: Slow

    /// A way to be slow, and how it ends.
    struct Slowness: Sendable, CustomTestStringConvertible {
        enum Ending: Sendable {
            /// Answered 408, and closed.
            case isAnswered
            /// GOAWAY with PROTOCOL_ERROR, and closed.
            case isSentAway
            /// 408 on stream 1; the connection may go on.
            case streamIsAnswered
            /// RST_STREAM with CANCEL on stream 1; the connection may go on.
            case streamIsReset
            /// Closed, whatever was not read.
            case isCut
        }

        var name: String
        var opening: [UInt8]
        /// What follows again and again, one at a time.
        var drips: [[UInt8]] = []
        /// The most that each reads at a time.
        var reads = 65_536
        var ending: Ending
        /// What each may make the server hold, in bytes.
        var bytesMax = 24 << 10

        var testDescription: String { name }
    }

    private static func http1(_ name: String, _ text: String, _ drips: [String]) -> Slowness {
        Slowness(
            name: name,
            opening: Array(text.utf8),
            drips: drips.map { Array($0.utf8) },
            ending: .isAnswered
        )
    }

    private static func http2(
        _ name: String,
        settings: [(UInt16, UInt32)] = [],
        _ opening: [UInt8],
        _ drip: [UInt8]?,
        _ ending: Slowness.Ending
    ) -> Slowness {
        Slowness(
            name: name,
            opening: preface + [Frame.settings(settings), .settingsAck].bytes + opening,
            drips: drip.map { [$0] } ?? [],
            ending: ending,
            bytesMax: 48 << 10
        )
    }

    private static let post =
        "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    private static let large = "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"

    static let slownesses: [Slowness] = [
        http1(
            "a head, a byte at a time",
            "GET / HTTP/1.1\r\n",
            ["X", "-", "a", ":", " ", "b", "\r", "\n"]
        ),
        http1("a body, a byte at a time", post + "Content-Length: 1000\r\n\r\n", [" "]),
        http1(
            "a body, a chunk of a byte at a time",
            post + "Transfer-Encoding: chunked\r\n\r\n",
            ["1\r\n \r\n"]
        ),
        http2(
            "a HEADERS frame, a byte at a time",
            Array(Frame(1, flags: 5, stream: 1, [UInt8](repeating: 0, count: 16_000)).bytes[..<9]),
            [0],
            .isSentAway
        ),
        http2(
            "a head whose CONTINUATION comes a byte at a time",
            [
                Frame(1, flags: 1, stream: 1, HPACK.literals(Frame.requestFields("GET", "/"))),
                Frame(9, flags: 4, stream: 1, [UInt8](repeating: 0, count: 16_000)),
            ].bytes.dropLast(16_000),
            [0],
            .isSentAway
        ),
        http2(
            "a body, a DATA frame of a byte at a time",
            Frame.post(1, "/v1/exec", [("content-type", "application/json")]).bytes,
            Frame.data(1, " ", end: false).bytes,
            .streamIsAnswered
        ),
        http2(
            "a window that stays closed",
            settings: [(4, 0)],
            Frame.get(1, "/openapi.yaml").bytes,
            nil,
            .streamIsReset
        ),
        http2(
            "a window opened by a byte at a time",
            settings: [(4, 1)],
            Frame.get(1, "/openapi.yaml").bytes,
            Frame.windowUpdate(1, 1).bytes,
            .streamIsReset
        ),
        Slowness(
            name: "a hundred large answers, and none read",
            opening: Array(String(repeating: large, count: 100).utf8),
            reads: 0,
            ending: .isCut,
            bytesMax: 2 << 20
        ),
        Slowness(
            name: "a hundred large answers, read by a byte at a time",
            opening: Array(String(repeating: large, count: 100).utf8),
            reads: 1,
            ending: .isCut,
            bytesMax: 2 << 20
        ),
        Slowness(
            name: "a hundred large answers over HTTP/2, and none read",
            opening: preface
                + [Frame.settings([(4, 0x7FFF_FFFF)]), .settingsAck, .windowUpdate(0, 1 << 30)]
                .bytes + (0..<100).flatMap { Frame.get(2 * $0 + 1, "/openapi.yaml").bytes },
            reads: 0,
            ending: .isCut,
            bytesMax: 8 << 20
        ),
    ]

    @Test(arguments: slownesses)
    func `who is slow is cut at its deadline, the others are served`(_ way: Slowness) throws {
        let holdsMuch = way.bytesMax > 1 << 20
        let count = (holdsMuch ? 20 : 200) * Self.scale
        let server = try RunningServer(
            Self.app,
            ["--head-timeout", "500ms", "--body-timeout", "500ms", "--write-timeout", "500ms"]
        )
        let crowd = try Crowd(server)
        var others = Others(server)
        try others.ask()
        let (files, bytes) = (server.openFiles, server.residentBytes)
        let watch = Stopwatch()
        try crowd.join(count, saying: way.opening, receiveBytes: holdsMuch ? 4_096 : nil)
        var round = 0
        let ended = try waitFor(seconds: 15) {
            if !way.drips.isEmpty { crowd.send(way.drips[round % way.drips.count]) }
            round += 1
            if way.reads > 0 { crowd.read(atMost: way.reads) }
            try others.ask()
            return try isOver(way, crowd, server) ? true : nil
        }
        #expect(ended == true, "\(crowd.members.prefix(2))")
        let milliseconds = watch.milliseconds
        let each = (server.peakBytes - bytes) / count
        print("figure: \(way.name): over after \(milliseconds) ms, \(each) bytes each at most")
        #expect(milliseconds >= 500)
        #expect(each <= way.bytesMax)
        others.hold(way.name)
        crowd.leave()
        #expect(Self.openFilesAfter(server, files) <= files + 2)
    }

    /// Whether that is how it ended, for every one of them.
    private func isOver(_ way: Slowness, _ crowd: Crowd, _ server: RunningServer) throws -> Bool {
        switch way.ending {
        case .isAnswered:
            crowd.members.allSatisfy { $0.isOver && $0.text.hasPrefix("HTTP/1.1 408 ") }
        case .isSentAway: crowd.members.allSatisfy { $0.isOver && $0.goAways == [1] }
        case .streamIsAnswered: crowd.members.allSatisfy { $0.firstStream.status == 408 }
        case .streamIsReset: crowd.members.allSatisfy { $0.firstStream.reset == 8 }
        case .isCut: try Self.connections(server) == 1
        }
    }

    // MARK: Streams

    static let subscriptions: [(name: String, opening: [UInt8])] = [
        ("HTTP/1", Array("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)),
        (
            "HTTP/2, with a closed window",
            preface + [.settings([(4, 0)]), .settingsAck, .get(1, "/v1/events")].bytes
        ),
        (
            "HTTP/2, with an open window",
            preface
                + [
                    .settings([(4, 0x7FFF_FFFF)]), .settingsAck, .windowUpdate(0, 1 << 30),
                    .get(1, "/v1/events"),
                ].bytes
        ),
    ]

    @Test(arguments: subscriptions)
    func `streams that are never read are cut, who reads loses nothing`(
        _ way: (name: String, opening: [UInt8])
    ) throws {
        let app = try PromiseTests.app()
        let server = try RunningServer(
            app.path,
            ["--write-timeout", "500ms", "--max-events", "16384"]
        )
        let reader = try EventReader(server)
        let hello = try #require(try reader.next())
        let crowd = try Crowd(server)
        let count = 60
        try crowd.join(count, saying: way.opening, receiveBytes: 4_096)
        func streams() throws -> Int {
            Int(try server.get("/v1/system").json["counts"]["streams"].integer ?? 0)
        }
        let all = try waitFor(seconds: 5) { try streams() == count + 1 ? true : nil }
        #expect(all == true)
        let bytes = server.residentBytes

        // 4,000 events at a time, as fast as the one who reads takes them, until the others are gone.
        let order = #"{"entry": "app.test:spawner", "args": [1000, 20], "name": "s"}"#
        let spawner = try server.spawn(order)
        var (seen, exits) = (0, 0)
        var last = try #require(hello.sequence)
        var left = count + 1
        try PromiseTests.go(server, spawner)
        while left > 1, exits < 100_000, let event = try reader.next() {
            seen += 1
            guard event.sequence == last + 1 else {
                Issue.record("\(event.kind) \(event.data) after \(last)")
                return
            }
            last += 1
            guard event.kind == "EXIT" else { continue }
            exits += 1
            if exits % 2_000 == 0 {
                left = try streams()
                if left > 1 { try PromiseTests.go(server, spawner) }
            }
        }
        #expect(left == 1)
        let each = (server.peakBytes - bytes) / count
        print("figure: over \(way.name) cut after \(seen) events, \(each) bytes each at most")
        #expect(each < 1 << 20)
    }

    // MARK: TLS

    /// Handshakes that stop: at once, in the middle of a record, after the server's answer.
    static let handshakes: [(name: String, opening: [UInt8])] = [
        ("nothing", []), ("half a record", [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
        ("a ClientHello", clientHello),
    ]

    /// A ClientHello of TLS 1.2, alone in its record.
    ///
    /// Source: RFC 5246, 7.4.1.2; RFC 8422, 5.1.
    private static let clientHello: [UInt8] = {
        let groups: [UInt8] = [0, 10, 0, 4, 0, 2, 0, 23]
        let signatures: [UInt8] = [0, 13, 0, 4, 0, 2, 4, 3]
        let extensions = [0, UInt8(groups.count + signatures.count)] + groups + signatures
        // ECDHE with ECDSA and AES, no session, no compression.
        let body =
            [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xC0, 0x2B, 1, 0] + extensions
        let hello = [1, 0, 0, UInt8(body.count)] + body
        return [22, 3, 1, 0, UInt8(hello.count)] + hello
    }()

    @Test(arguments: handshakes)
    func `half handshakes are cut, the others are served`(
        _ way: (name: String, opening: [UInt8])
    ) throws {
        let files = try TestCertificates()
        let tls = ["--tls-cert", files.path("cert.pem"), "--tls-key", files.path("key.pem")]
        let server = try RunningServer(nil, tls + ["--head-timeout", "500ms"])
        let count = 200 * Self.scale
        let (open, bytes) = (server.openFiles, server.residentBytes)
        let crowd = Crowd(port: server.port)
        let watch = Stopwatch()
        try crowd.join(count, saying: way.opening)
        let served = try CommandRun.of(
            [
                "-sS", "--max-time", "10", "--cacert", files.path("ca.pem"),
                "https://localhost:\(server.port)/livez",
            ],
            program: "/usr/bin/curl"
        )
        #expect(served.code == 0, "\(served.said)")
        let gone = waitFor(seconds: 15) {
            crowd.read()
            return crowd.openCount == 0 ? true : nil
        }
        #expect(gone == true, "\(crowd.openCount)")
        #expect(watch.milliseconds >= 500)
        let hasAnswer = crowd.members.allSatisfy {
            ($0.heardCount > 0) == (way.name == "a ClientHello")
        }
        #expect(hasAnswer)
        let each = (server.peakBytes - bytes) / count
        print("figure: \(count) handshakes that stop after \(way.name): \(each) bytes each at most")
        #expect(each < 96 << 10)
        #expect(Self.openFilesAfter(server, open) <= open + 2)
    }
}

extension Crowd.Member {
    private var transcript: HTTP2Transcript {
        var transcript = HTTP2Transcript()
        transcript.receive(heard)
        return transcript
    }

    /// The codes of the GOAWAYs that came.
    fileprivate var goAways: [UInt32] { transcript.goAways.map(\.code) }
    fileprivate var firstStream: HTTP2Transcript.Answer { transcript[1] }
}
