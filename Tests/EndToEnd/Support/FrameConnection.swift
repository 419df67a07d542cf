// A client of HTTP/2 that says exactly what it is told, frame by frame, and remembers what it hears.

import HTTP2TestSupport
import Testing

/// One blocking connection to a server under test; it opens windows only when told to.
final class FrameConnection {
    let raw: RawConnection
    private(set) var heard = HTTP2Transcript()

    /// Connects, with the preface and SETTINGS of both sides.
    init(_ server: RunningServer, settings: [(UInt16, UInt32)] = []) throws {
        raw = try RawConnection(server)
        try raw.send(preface + [Frame.settings(settings), .settingsAck].bytes)
    }

    func send(_ frames: Frame...) throws { try raw.send(frames.bytes) }

    /// Reads until `condition` holds, or the server closes its side; says whether it holds.
    @discardableResult
    func read(until condition: (HTTP2Transcript) -> Bool) throws -> Bool {
        while !condition(heard) {
            do {
                heard.receive(try raw.readSome())
            } catch WireFailure.ended {
                return condition(heard)
            }
        }
        return true
    }

    /// The whole answer on a stream.
    func answer(_ stream: UInt32) throws -> HTTP2Transcript.Answer {
        try #require(try read { $0[stream].isOver })
        #expect(heard.malformed == nil)
        return heard[stream]
    }

    /// Reads to the end; the error codes of the GOAWAYs that came.
    func goAways() throws -> [UInt32] {
        try read { _ in false }
        return heard.goAways.map(\.code)
    }
}
