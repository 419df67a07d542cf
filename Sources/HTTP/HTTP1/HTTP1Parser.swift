/// What the parser found next.
package enum HTTP1Event: Sendable, Equatable {
    /// A request's head, complete and checked.
    case head(RequestHead)
    /// More of the body, never empty; how it is cut follows the reads, not the request.
    case body([UInt8])
    /// The request is complete.
    case end
}

/// A strict, incremental parser of HTTP/1.1 requests: bytes in, events out.
///
/// 1. `append` what was read. 2. Call `next` until it returns nil, which means: more bytes are
/// needed. Each request is `.head`, any number of `.body`, `.end`; the call after `.end` begins the
/// next pipelined request. 3. On a fault, answer it and close: the parser takes no more bytes and
/// repeats the fault.
///
/// - The events depend on the bytes alone: any cutting of a stream gives the same heads, the same
///   content before the same fault.
/// - After a request that does not keep the connection alive the parser is closed: "A server that
///   receives a 'close' connection option ... MUST NOT process any further requests" (RFC 9112,
///   9.6). Later bytes are dropped.
/// - Memory: when `next` has returned nil, at most `headBytesMax` bytes stay buffered (an
///   unfinished head; bodies are handed on as they come). Before that, what was appended. A caller
///   that stops calling `next` (pipelining, back-pressure) stops reading too.
/// - Time: linear in the bytes; a byte of a head is looked at a fixed number of times.
///
/// Not its business: which methods, hosts, media types are served; timeouts; writing.
///
/// Source: RFC 9112.
package struct HTTP1Parser: Sendable {
    private enum Phase: Equatable {
        /// Before a request: nothing of it seen but empty lines.
        case start
        /// The CR of an empty line before a request was read.
        case emptyLineFeed
        case head
        /// The head is out; the body's limit may still be set.
        case bodyStart(RequestHead.BodyKind)
        case length(remaining: Int)
        case chunked
        /// Everything is out but `.end`.
        case end
        case closed
    }

    private let limits: HTTP1Limits
    private var phase = Phase.start
    private(set) var buffer: [UInt8] = []
    /// The index of the first byte in `buffer` not consumed; a head is consumed as a whole.
    private var start = 0
    private var emptyLines = 0
    private var scanner = HeadScanner()
    private var chunks: ChunkedDecoder
    private var bodyBytesMax: Int
    private var keepsAlive = true
    private var fault: HTTP1Fault?

    /// A parser before its connection's first byte.
    package init(limits: HTTP1Limits = .init()) {
        self.limits = limits
        bodyBytesMax = limits.bodyBytesMax
        chunks = ChunkedDecoder(limits: limits, bodyBytesMax: limits.bodyBytesMax)
    }

    /// How many bytes were appended and not yet consumed.
    package var bufferedBytes: Int { buffer.count - start }

    /// Whether nothing of a request was seen: the connection may be closed without an answer.
    package var isIdle: Bool { phase == .start && bufferedBytes == 0 }

    /// Whether part of a request's head was seen, but not its end.
    package var isInHead: Bool {
        phase == .head || phase == .emptyLineFeed || (phase == .start && bufferedBytes > 0)
    }

    /// Adds bytes read from the connection; a closed parser drops them.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard phase != .closed else { return }
        compact()
        // SAFETY: the caller lends the bytes for the call; they are copied here.
        unsafe buffer.append(contentsOf: bytes)
    }

    /// Adds bytes read from the connection; a closed parser drops them.
    package mutating func append(_ bytes: Span<UInt8>) {
        // SAFETY: the pointer stays inside the closure, where the span is valid.
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Sets the content limit, in bytes, of the request whose `.head` came just now.
    ///
    /// Ignored at any other time. Limits return to the common one with the next request.
    package mutating func setBodyLimit(_ bytesMax: Int) {
        guard case .bodyStart = phase else { return }
        bodyBytesMax = max(0, bytesMax)
    }

    /// The next event, or nil when more bytes are needed.
    ///
    /// A body that says it is longer than its limit is a 413 on the call after `.head`, before any
    /// of it was read. Throws the same fault again once it has thrown one.
    package mutating func next() throws(HTTP1Fault) -> HTTP1Event? {
        if let fault { throw fault }
        do {
            return try step()
        } catch {
            close(error)
            throw error
        }
    }

    private mutating func step() throws(HTTP1Fault) -> HTTP1Event? {
        while true {
            switch phase {
            case .start, .emptyLineFeed:
                guard try skipEmptyLines() else { return nil }
                phase = .head
            case .head:
                return try readHead()
            case .bodyStart(let kind):
                try startBody(kind)
            case .length(let remaining):
                return readCounted(remaining)
            case .chunked:
                return try readChunks()
            case .end:
                finish()
                return .end
            case .closed:
                return nil
            }
        }
    }

    /// Skips the empty lines a sloppy client puts before a request (RFC 9112, 2.2).
    ///
    /// - Returns: whether a request's first byte is there.
    private mutating func skipEmptyLines() throws(HTTP1Fault) -> Bool {
        while start < buffer.count {
            let byte = buffer[start]
            if phase == .emptyLineFeed {
                guard byte == ByteClass.lineFeed else {
                    throw .invalid("CR without LF before the request")
                }
                phase = .start
            } else if byte == ByteClass.carriageReturn {
                emptyLines += 1
                guard emptyLines <= limits.leadingEmptyLinesMax else {
                    throw .invalid("too many empty lines before the request")
                }
                phase = .emptyLineFeed
            } else {
                return true
            }
            start += 1
        }
        return false
    }

    private mutating func readHead() throws(HTTP1Fault) -> HTTP1Event? {
        guard try scanner.scan(buffer, from: start, limits: limits) else { return nil }
        var headers = Headers()
        headers.reserveCapacity(scanner.lines.count)
        for line in scanner.lines {
            headers.append(
                text(line.nameStart..<line.nameEnd),
                text(line.valueStart..<line.valueEnd)
            )
        }
        let target = scanner.target
        let head = try HeadMeaning.resolve(
            method: text(0..<scanner.methodEnd),
            target: buffer[start + target.lowerBound..<start + target.upperBound],
            version: scanner.version,
            headers: headers
        )
        start += scanner.offset
        scanner.restart()
        keepsAlive = head.keepAlive
        bodyBytesMax = limits.bodyBytesMax
        phase = .bodyStart(head.bodyKind)
        return .head(head)
    }

    /// The text at offsets of the head being read; what is not UTF-8 becomes U+FFFD.
    private func text(_ range: Range<Int>) -> String {
        String(
            decoding: buffer[start + range.lowerBound..<start + range.upperBound],
            as: UTF8.self
        )
    }

    private mutating func startBody(_ kind: RequestHead.BodyKind) throws(HTTP1Fault) {
        switch kind {
        case .none, .length(0):
            phase = .end
        case .length(let length):
            guard length <= bodyBytesMax else { throw .payloadTooLarge(limit: bodyBytesMax) }
            phase = .length(remaining: length)
        case .chunked:
            chunks = ChunkedDecoder(limits: limits, bodyBytesMax: bodyBytesMax)
            phase = .chunked
        }
    }

    private mutating func readCounted(_ remaining: Int) -> HTTP1Event? {
        let count = min(remaining, bufferedBytes)
        guard count > 0 else { return nil }
        let content = Array(buffer[start..<start + count])
        start += count
        phase = count == remaining ? .end : .length(remaining: remaining - count)
        return .body(content)
    }

    /// Decodes all chunks at hand into one event, so that tiny chunks cost no event each.
    private mutating func readChunks() throws(HTTP1Fault) -> HTTP1Event? {
        var content: [UInt8] = []
        do {
            if try chunks.decode(buffer, from: &start, into: &content) { phase = .end }
        } catch {
            if content.isEmpty { throw error }
            // What came before the fault goes out first; the next call throws.
            close(error)
        }
        if !content.isEmpty { return .body(content) }
        return phase == .end ? try step() : nil
    }

    private mutating func finish() {
        emptyLines = 0
        phase = .start
        giveBack()
        if !keepsAlive { close(nil) }
    }

    private mutating func close(_ reason: HTTP1Fault?) {
        fault = reason
        phase = .closed
        buffer = []
        start = 0
    }

    /// Gives back a large buffer that is consumed: an idle connection holds none.
    private mutating func giveBack() {
        guard start == buffer.count, buffer.capacity > 4_096 else { return }
        buffer = []
        start = 0
    }

    /// Drops consumed bytes before new ones come.
    ///
    /// Bytes are moved only when at least as many were consumed, so moving stays linear in all.
    private mutating func compact() {
        if start == buffer.count {
            giveBack()
            buffer.removeAll(keepingCapacity: true)
            start = 0
        } else if start >= bufferedBytes {
            buffer.removeFirst(start)
            start = 0
        }
    }
}
