// A client of HTTP/2 that says exactly what it is told, and remembers what it hears.

import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

/// One blocking connection; it opens windows only when told to.
final class HTTP2Client {
    let client: TestClient
    private(set) var transcript = HTTP2Transcript()
    private(set) var isEnded = false

    /// Connects, with the preface and SETTINGS of both sides.
    init(_ server: HTTPServer, settings: [(UInt16, UInt32)] = []) throws {
        client = try TestClient(server)
        try client.send(preface + [Frame.settings(settings), .settingsAck].bytes)
    }

    func send(_ frames: Frame...) throws { try client.send(frames.bytes) }
    func send(_ frames: [Frame]) throws { try client.send(frames.bytes) }

    /// Reads until `condition` holds; false if the server closed its side before.
    @discardableResult
    func read(until condition: (HTTP2Transcript) -> Bool) throws -> Bool {
        while !condition(transcript) {
            do {
                transcript.receive(try client.readSome())
            } catch ClientFailure.ended {
                isEnded = true
                return condition(transcript)
            }
        }
        return true
    }

    /// The whole answer on a stream.
    func answer(_ stream: UInt32) throws -> HTTP2Transcript.Answer {
        try #require(try read { $0[stream].isOver })
        #expect(transcript.malformed == nil)
        return transcript[stream]
    }

    /// The answer on a stream as soon as its body is `text`.
    func body(_ stream: UInt32, is text: String) throws {
        #expect(try read { $0[stream].text == text || $0[stream].isOver })
        #expect(transcript[stream].text == text)
    }

    func head(_ stream: UInt32) throws -> HTTP2Transcript.Answer {
        try #require(try read { $0[stream].status != 0 || $0[stream].isOver })
        return transcript[stream]
    }

    func get(_ stream: UInt32, _ path: String = "/") throws -> HTTP2Transcript.Answer {
        try send(.get(stream, path))
        return try answer(stream)
    }

    /// Reads to the end; the error codes of the GOAWAYs that came.
    func goAways() throws -> [UInt32] {
        try read { _ in false }
        return transcript.goAways.map(\.code)
    }
}
