import HTTP2TestSupport

@testable import HTTP

/// A codec with a client at the other end of the wire.
struct WiredCodec {
    let codec: HTTP2Codec
    var client = HTTP2Transcript()
    var events: [HTTP2Event] = []
    var now: UInt64 = 1_000_000_000_000

    /// Begins as every connection does: SETTINGS from both sides, acknowledged.
    init(limits: HTTP2Limits = .init(), requests: HTTP1Limits = .init(), settings: Frame? = nil) {
        codec = HTTP2Codec(limits: limits, requests: requests, now: now)
        send([settings ?? .settings(), .settingsAck])
    }

    mutating func send(_ frames: [Frame]) { send(frames.bytes) }

    /// Brings bytes, in pieces of `cut` where that is given, and reads what comes back.
    mutating func send(_ bytes: [UInt8], cut: Int = .max) {
        var from = 0
        while from < bytes.count {
            let to = min(bytes.count, cut == .max ? bytes.count : from + cut)
            bytes[from..<to].withUnsafeBytes { codec.receive($0, now: now) }
            from = to
            exchange()
        }
    }

    /// Takes events and output, as a connection's turn does.
    mutating func exchange() {
        while let event = codec.nextEvent() { events.append(event) }
        var output: [UInt8] = []
        while codec.produce(into: &output, bytesMax: 65_536, now: now) {}
        client.receive(output)
        while let event = codec.nextEvent() { events.append(event) }
    }

    /// Answers a stream and sends what its window allows.
    @discardableResult
    mutating func answer(
        _ stream: Int32,
        _ content: HTTP2Codec.Content = .none,
        status: Int = 200,
        headers: Headers = Headers(),
        contentLength: Int? = nil
    ) -> HTTP2Outgoing? {
        let outgoing = codec.answer(
            stream,
            status: status,
            headers: headers,
            contentLength: contentLength,
            content: content,
            date: nil
        )
        exchange()
        return outgoing
    }

    /// The heads that came, in order.
    var heads: [HTTP2RequestHead] {
        events.compactMap { if case .request(let head) = $0 { head } else { nil } }
    }

    /// The statuses of heads that were refused.
    var refusals: [Int] {
        events.compactMap { if case .refused(_, let fault, _) = $0 { fault.status } else { nil } }
    }

    /// What happened, in words; pieces of a body are one.
    var story: [String] {
        var story: [String] = []
        for event in events {
            switch event {
            case .request(let head):
                story.append("\(head.stream) \(head.request) \(head.hasBody)")
            case .refused(let stream, let fault, let isHead):
                story.append("\(stream) refused \(fault) \(isHead)")
            case .body(let stream, let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                if let last = story.last, last.hasPrefix("\(stream) body ") {
                    story[story.count - 1] = last + text
                } else {
                    story.append("\(stream) body \(text)")
                }
            case .bodyEnded(let stream): story.append("\(stream) body ended")
            case .answeredEarly(let stream): story.append("\(stream) answered early")
            case .closed(let stream): story.append("\(stream) closed")
            case .pong: story.append("pong")
            }
        }
        return story
    }
}
