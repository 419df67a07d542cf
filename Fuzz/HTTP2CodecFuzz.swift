// fuzz: http2 Sources/HTTP with CNghttp2
//
// Any bytes after the preface, as a connection would bring them, with a server that answers. The
// oracles:
// 1. what the requests were does not depend on how the bytes are cut (whole, in two, one by one);
// 2. the output is whole frames of lengths that a client takes, and after a GOAWAY of a fault nothing;
// 3. events come in their order: a stream's request, its body, its end, its close;
// 4. what was accepted is what HTTP/1 would have accepted, and what is held is bounded.

private struct Session {
    private let codec: HTTP2Codec
    private var streams: [Int32: Bool] = [:]
    private var bodies: [Int32: Int] = [:]
    private var open: [(stream: Int32, content: HTTP2Outgoing)] = []
    private var output: [UInt8] = []
    /// Requests and whole bodies; when a stream is closed follows what was sent meanwhile.
    var story: [String] = []

    init(_ pieces: [ArraySlice<UInt8>]) {
        var limits = HTTP2Limits()
        limits.streamsMax = 8
        limits.streamWindowBytes = 256
        limits.connectionWindowBytes = 65_535
        var requests = HTTP1Limits()
        requests.targetBytesMax = 64
        requests.headBytesMax = 512
        requests.fieldsMax = 8
        codec = HTTP2Codec(limits: limits, requests: requests, now: 0)
        for piece in pieces {
            Array(piece).withUnsafeBytes { codec.receive($0, now: 1) }
            // Answers wait until all is read, so that they do not depend on the cut.
            while let event = codec.nextEvent() { take(event) }
        }
        answer()
        check()
    }

    private mutating func take(_ event: HTTP2Event) {
        switch event {
        case .request(let head):
            precondition(streams[head.stream] == nil, "a stream begins twice")
            checkHead(head)
            streams[head.stream] = head.hasBody
            story.append("\(head)")
        case .refused(let stream, let fault, _):
            precondition(streams[stream] == nil, "a stream begins twice")
            streams[stream] = false
            story.append("\(stream) \(fault)")
        case .body(let stream, let bytes):
            guard let hasBody = streams[stream] else { return }
            precondition(!bytes.isEmpty, "an empty body event")
            // A refused head's body is told too, for the owner to drop.
            if hasBody { bodies[stream, default: 0] += bytes.count }
            codec.release(bytes.count, of: stream)
        case .bodyEnded(let stream):
            if streams[stream] == true { story.append("\(stream) \(bodies[stream] ?? 0)") }
        case .closed(let stream): streams[stream] = nil
        case .answeredEarly, .pong: break
        }
        precondition(streams.count <= 8 || codec.hasFailed, "more streams than allowed")
    }

    private func checkHead(_ head: HTTP2RequestHead) {
        let request = head.request
        precondition(head.stream % 2 == 1 && head.stream > 0)
        precondition(request.path.utf8.count <= 64 && request.headers.fields.count <= 9)
        precondition(request.path == "*" || PathSegments.split(request.path) != nil)
        precondition(Authority(request.authority) != nil)
        for field in request.headers.fields {
            precondition(!field.name.isEmpty && field.name.utf8.allSatisfy(ByteClass.isToken))
            precondition(field.value.utf8.allSatisfy(ByteClass.isFieldValue))
        }
    }

    /// Answers what is open in each way there is, and lets all of it out.
    private mutating func answer() {
        for stream in streams.keys.sorted() {
            let content: HTTP2Codec.Content =
                switch stream / 2 % 4 {
                case 0: .bytes([UInt8](repeating: 1, count: 5_000))
                case 1: .open
                case 2: .none
                default: .bytes([])
                }
            let outgoing = codec.answer(
                stream,
                status: 200,
                headers: Headers([("X-A", "b\r\n")]),
                contentLength: nil,
                content: content,
                date: nil
            )
            if let outgoing, case .open = content { open.append((stream, outgoing)) }
        }
        produce()
        for (_, outgoing) in open {
            codec.append([1, 2, 3], to: outgoing)
            produce()
            codec.complete(outgoing)
        }
        produce()
        codec.beginShutdown()
        produce()
        codec.finishShutdown()
        produce()
        while let event = codec.nextEvent() { take(event) }
        precondition(codec.waitingBytes >= 0 && codec.waitingBytes <= 8 * 5_000)
    }

    private mutating func produce() {
        while true {
            let before = output.count
            let hasMore = codec.produce(into: &output, bytesMax: 1_000, now: 2)
            precondition(output.count - before <= 1_000 + 16_384 + 9, "the bound is far exceeded")
            if !hasMore { return }
        }
    }

    /// The output is frames, none after a GOAWAY that tells a fault.
    private func check() {
        var from = 0
        while from < output.count {
            precondition(output.count - from >= 9, "half a frame's head")
            let count = output[from..<from + 3].reduce(0) { $0 << 8 | Int($1) }
            precondition(count <= 16_384 && output.count - from - 9 >= count, "half a frame")
            let isFault =
                output[from + 3] == 7 && output[(from + 13)..<(from + 17)] != [0, 0, 0, 0]
            from += 9 + count
            precondition(!isFault || !codec.hasFailed || from == output.count, "more after the end")
        }
    }
}

private func hasGoAway(_ bytes: [UInt8]) -> Bool {
    var from = 0
    while from + 9 <= bytes.count {
        if bytes[from + 3] == 7 { return true }
        from += 9 + bytes[from..<from + 3].reduce(0) { $0 << 8 | Int($1) }
    }
    return false
}

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 2 else { return 0 }
    // Every connection begins with SETTINGS; the first two bytes of the input choose the cut.
    let bytes = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0] + input[2...]
    let cut = (Int(input[0]) << 8 | Int(input[1])) % (bytes.count + 1)
    let whole = Session([bytes[...]]).story
    // A client that has said that it goes, with no stream open, is read no further than that read.
    guard !hasGoAway(bytes) else { return 0 }
    precondition(Session([bytes[..<cut], bytes[cut...]]).story == whole, "cut in two")
    precondition(Session(bytes.indices.map { bytes[$0...$0] }).story == whole, "one by one")
    return 0
}
