// Frames of HTTP/2, written and read by hand: what no client library would send, too.

/// One frame, whatever it says.
package struct Frame: Equatable, Sendable {
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    package var payload: [UInt8]

    package init(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    package static let dataType: UInt8 = 0
    package static let headersType: UInt8 = 1
    package static let resetType: UInt8 = 3
    package static let settingsType: UInt8 = 4
    package static let pingType: UInt8 = 6
    package static let goAwayType: UInt8 = 7

    package static let endStream: UInt8 = 0x1
    package static let ack: UInt8 = 0x1
    package static let endHeaders: UInt8 = 0x4
    package static let padded: UInt8 = 0x8

    /// The frame as it goes over the wire.
    package var bytes: [UInt8] {
        let count = UInt32(payload.count)
        return Array(Frame.bigEndian(count)[1...]) + [type, flags] + Frame.bigEndian(stream)
            + payload
    }

    package static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The four bytes at `offset` of the payload; 0 where they are missing.
    package func word(at offset: Int) -> UInt32 {
        guard payload.count >= offset + 4 else { return 0 }
        return payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Takes one whole frame off the front of what was read; nil where there is none yet.
    package static func take(from bytes: inout [UInt8]) -> Frame? {
        guard bytes.count >= 9 else { return nil }
        let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        guard bytes.count >= 9 + count else { return nil }
        let stream = bytes[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let frame = Frame(bytes[3], flags: bytes[4], stream: stream, Array(bytes[9..<9 + count]))
        bytes.removeFirst(9 + count)
        return frame
    }
}

extension Frame {
    package static func settings(_ entries: [(UInt16, UInt32)] = []) -> Frame {
        let payload = entries.flatMap { name, value in
            [UInt8(name >> 8), UInt8(truncatingIfNeeded: name)] + bigEndian(value)
        }
        return Frame(settingsType, payload)
    }

    package static let settingsAck = Frame(settingsType, flags: ack)

    package static func headers(
        _ stream: UInt32,
        _ fields: [(String, String)],
        end: Bool = true
    ) -> Frame {
        let flags = endHeaders | (end ? endStream : 0)
        return Frame(headersType, flags: flags, stream: stream, HPACK.literals(fields))
    }

    package static func get(_ stream: UInt32, _ path: String = "/") -> Frame {
        headers(stream, requestFields("GET", path))
    }

    package static func post(
        _ stream: UInt32,
        _ path: String = "/",
        _ more: [(String, String)] = []
    ) -> Frame {
        headers(stream, requestFields("POST", path) + more, end: false)
    }

    package static func requestFields(_ method: String, _ path: String) -> [(String, String)] {
        [
            (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ]
    }

    package static func data(_ stream: UInt32, _ content: [UInt8], end: Bool = true) -> Frame {
        Frame(dataType, flags: end ? endStream : 0, stream: stream, content)
    }

    package static func data(_ stream: UInt32, _ content: String, end: Bool = true) -> Frame {
        data(stream, Array(content.utf8), end: end)
    }

    package static func reset(_ stream: UInt32, code: UInt32 = 8) -> Frame {
        Frame(resetType, stream: stream, bigEndian(code))
    }

    package static func ping(_ value: UInt8 = 0) -> Frame {
        Frame(pingType, [UInt8](repeating: value, count: 8))
    }

    package static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
        Frame(8, stream: stream, bigEndian(increment))
    }

    /// A header block in as many frames as it is cut into.
    package static func headers(_ stream: UInt32, pieces: [[UInt8]], end: Bool = true) -> [Frame] {
        pieces.indices.map { index in
            let isLast = index == pieces.count - 1
            let flags = (isLast ? endHeaders : 0) | (end && index == 0 ? endStream : 0)
            return Frame(index == 0 ? headersType : 9, flags: flags, stream: stream, pieces[index])
        }
    }
}

/// The 24 bytes that come before a client's first frame.
package let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

extension Sequence<Frame> {
    /// All frames as they go over the wire.
    package var bytes: [UInt8] { flatMap(\.bytes) }
}
