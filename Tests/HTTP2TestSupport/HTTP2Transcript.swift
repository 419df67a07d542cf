/// What a server said on one connection, as a client understands it.
package struct HTTP2Transcript {
    /// One stream's answer, as far as it came.
    package struct Answer: Equatable, Sendable {
        package var status = 0
        package var fields: [String: String] = [:]
        package var body: [UInt8] = []
        package var isEnded = false
        /// The error code of a RST_STREAM.
        package var reset: UInt32?
        /// Heads before the final one.
        package var interim: [Int] = []

        package var text: String { String(decoding: body, as: UTF8.self) }
        /// Whether no more will come.
        package var isOver: Bool { isEnded || reset != nil }

        package init() {}
    }

    package private(set) var frames: [Frame] = []
    package private(set) var answers: [UInt32: Answer] = [:]
    package private(set) var settings: [UInt16: UInt32] = [:]
    package private(set) var settingsAcks = 0
    package private(set) var pingAcks = 0
    package private(set) var pings: [Frame] = []
    /// Each GOAWAY's last stream and error code.
    package private(set) var goAways: [(last: UInt32, code: UInt32)] = []
    package private(set) var malformed: String?
    private let reader = HeaderReader()
    private var unread: [UInt8] = []
    private var block: (stream: UInt32, bytes: [UInt8], isLast: Bool)?

    package init() {}

    /// Reads what came; says how many whole frames that were.
    @discardableResult
    package mutating func receive(_ bytes: [UInt8]) -> Int {
        unread += bytes
        var count = 0
        while let frame = Frame.take(from: &unread) {
            take(frame)
            count += 1
        }
        return count
    }

    package subscript(stream: UInt32) -> Answer { answers[stream] ?? Answer() }

    private mutating func take(_ frame: Frame) {
        frames.append(frame)
        if block != nil, frame.type != 9 { malformed = "a header block is interrupted" }
        switch frame.type {
        case 0:
            answers[frame.stream, default: Answer()].body += frame.payload
            if frame.flags & Frame.endStream != 0 { end(frame.stream) }
        case 1:
            let isLast = frame.flags & Frame.endStream != 0
            block = (frame.stream, frame.payload, isLast)
            if frame.flags & Frame.endHeaders != 0 { endBlock() }
        case 3: answers[frame.stream, default: Answer()].reset = frame.word(at: 0)
        case 4 where frame.flags & Frame.ack != 0: settingsAcks += 1
        case 4:
            for offset in stride(from: 0, to: frame.payload.count, by: 6) {
                let name = UInt16(frame.payload[offset]) << 8 | UInt16(frame.payload[offset + 1])
                settings[name] = frame.word(at: offset + 2)
            }
        case 6 where frame.flags & Frame.ack != 0: pingAcks += 1
        case 6: pings.append(frame)
        case 7: goAways.append((frame.word(at: 0), frame.word(at: 4)))
        case 9:
            block?.bytes += frame.payload
            if frame.flags & Frame.endHeaders != 0 { endBlock() }
        default: break
        }
    }

    private mutating func end(_ stream: UInt32) {
        if answers[stream]?.isEnded == true { malformed = "stream \(stream) ends twice" }
        answers[stream, default: Answer()].isEnded = true
    }

    private mutating func endBlock() {
        guard let ended = block else { return }
        block = nil
        guard let fields = reader.fields(ended.bytes) else {
            malformed = "a header block is malformed"
            return
        }
        var answer = answers[ended.stream] ?? Answer()
        for (name, value) in fields {
            if name == ":status" {
                answer.status = Int(value) ?? 0
            } else {
                answer.fields[name] = value
            }
            if name != name.lowercased() { malformed = "a field is named \(name)" }
        }
        if answer.status < 200 {
            answer.interim.append(answer.status)
            answer.status = 0
        }
        answers[ended.stream] = answer
        if ended.isLast { end(ended.stream) }
    }
}
