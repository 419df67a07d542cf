import TestCertificates
import Testing

@testable import TLS

/// One end of a connection in memory.
final class End {
    let session: TLSSession
    /// Sealed bytes for the other end.
    var out: [UInt8] = []
    /// Plain bytes that came.
    var got: [UInt8] = []
    var last = TLSSession.Received.needsMore
    private var room = [UInt8](repeating: 0, count: 16_384)

    init(_ session: TLSSession?) throws { self.session = try #require(session) }

    func take(_ sealed: some Collection<UInt8>) {
        let sealed = Array(sealed)
        sealed.withUnsafeBytes { bytes in
            room.withUnsafeMutableBytes { room in
                last = session.receive(bytes, replies: &out, room: room) { got += $0 }
            }
        }
    }

    func send(_ plain: [UInt8]) throws {
        try plain.withUnsafeBytes { try session.send($0, into: &out) }
    }

    /// What waits for the other end, out of here.
    func takeOut() -> [UInt8] {
        defer { out = [] }
        return out
    }
}

/// A client and a server over no network.
final class Pair {
    let client: End
    let server: End

    init(_ files: TestCertificates, host: String = "localhost", trusting: String = "ca.pem") throws
    {
        let rules = try TLSContext(
            certificateFile: files.path("cert.pem"),
            keyFile: files.path("key.pem"),
            protocols: ["h2", "http/1.1"]
        )
        server = try End(TLSSession(rules))
        client = try End(
            TLSSession(try TLSContext(trusting: files.path(trusting)), host: host)
        )
        client.session.begin(into: &client.out)
    }

    /// Moves bytes both ways, in pieces of so many, until there are none.
    func settle(pieces: Int = .max) {
        while !client.out.isEmpty || !server.out.isEmpty {
            for (from, to) in [(client, server), (server, client)] {
                var rest = from.takeOut()[...]
                while !rest.isEmpty {
                    to.take(rest.prefix(pieces))
                    rest = rest.dropFirst(pieces)
                }
            }
        }
    }
}

@Suite struct `A TLS session` {
    let files: TestCertificates

    init() throws { files = try TestCertificates() }

    @Test(arguments: [1, 2, 5, 4_096, Int.max])
    func `carries bytes both ways, however they are cut`(pieces: Int) throws {
        let pair = try Pair(files)
        #expect(pair.server.session.isHandshaking)
        pair.settle(pieces: pieces)
        #expect(!pair.server.session.isHandshaking)
        #expect(!pair.client.session.isHandshaking)
        try pair.client.send(Array("question".utf8))
        try pair.server.send(Array("answer".utf8))
        pair.settle(pieces: pieces)
        #expect(pair.server.got == Array("question".utf8))
        #expect(pair.client.got == Array("answer".utf8))
        #expect(pair.server.last == .needsMore)
    }

    @Test func `puts much into records of at most 16 KiB`() throws {
        let pair = try Pair(files)
        pair.settle()
        let much = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try pair.server.send(much)
        var rest = pair.server.out[...]
        var records = 0
        while rest.count >= 5 {
            let header = Array(rest.prefix(5))
            let length = Int(header[3]) << 8 | Int(header[4])
            // Content, its type, and the tag.
            #expect(header[0] == 23 && length <= 16_384 + 17)
            rest = rest.dropFirst(5 + length)
            records += 1
        }
        #expect(rest.isEmpty && records == 62)
        pair.settle(pieces: 65_536)
        #expect(pair.client.got == much)
    }

    @Test func `sends nothing for nothing`() throws {
        let pair = try Pair(files)
        pair.settle()
        try pair.server.send([])
        #expect(pair.server.out.isEmpty)
    }

    @Test func `tells its end once, and hears of the other's`() throws {
        let pair = try Pair(files)
        pair.settle()
        try pair.client.send([1, 2, 3])
        pair.client.session.close(into: &pair.client.out)
        let end = pair.client.out
        pair.client.session.close(into: &pair.client.out)
        #expect(pair.client.out == end)
        pair.settle()
        #expect(pair.server.got == [1, 2, 3])
        #expect(pair.server.last == .ended)
        // The other direction stays open: RFC 8446, 6.1.
        try pair.server.send([4])
        pair.settle()
        #expect(pair.client.got == [4])
    }

    @Test func `has no end to tell before there are keys`() throws {
        let pair = try Pair(files)
        pair.server.session.close(into: &pair.server.out)
        #expect(pair.server.out.isEmpty)
        pair.settle()
        #expect(!pair.server.session.isHandshaking)
    }

    @Test func `answers what is no TLS with an alert`() throws {
        let pair = try Pair(files)
        pair.server.take([UInt8](repeating: 0x80, count: 64))
        guard case .failed = pair.server.last else {
            Issue.record("\(pair.server.last)")
            return
        }
        #expect(pair.server.out.isEmpty || pair.server.out.first == 21)
    }

    @Test func `notices a byte changed on the way`() throws {
        let pair = try Pair(files)
        pair.settle()
        try pair.client.send(Array("question".utf8))
        var sealed = pair.client.takeOut()
        sealed[sealed.count - 1] ^= 1
        pair.server.take(sealed)
        #expect(pair.server.got.isEmpty)
        guard case .failed = pair.server.last else {
            Issue.record("\(pair.server.last)")
            return
        }
        // An alert goes out, and nothing of ours does any more.
        #expect(pair.server.out.first == 23 || pair.server.out.first == 21)
        #expect(throws: TLSFault.self) { try pair.server.send([1]) }
    }

    @Test func `of a client checks who answers`() throws {
        for host in ["localhost", "127.0.0.1"] {
            let pair = try Pair(files, host: host)
            pair.settle()
            #expect(!pair.client.session.isHandshaking)
        }
        for (host, reason) in [("example.org", "hostname"), ("127.0.0.2", "IP address")] {
            let pair = try Pair(files, host: host)
            pair.settle()
            guard case .failed(let fault) = pair.client.last else {
                Issue.record("\(host): \(pair.client.last)")
                continue
            }
            #expect(fault.description.contains(reason))
        }
        try files.openssl([
            "req", "-x509", "-subj", "/CN=Stranger", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "s.key", "-out", "s.pem",
        ])
        let pair = try Pair(files, trusting: "s.pem")
        pair.settle()
        guard case .failed(let fault) = pair.client.last else {
            Issue.record("\(pair.client.last)")
            return
        }
        #expect(fault.description.contains("issuer certificate"))
    }
}
