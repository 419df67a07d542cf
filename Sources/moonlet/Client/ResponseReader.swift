// One HTTP/1.1 response, bytes in, head and body out.
//
// States: head -> body (by length, by chunks, or until the server closes) -> done. It holds no
// socket and no clock; whoever feeds it decides what an early end means. Interim (1xx) responses
// are skipped. It trusts no byte: a malformed response is an error value, never a trap.

/// What a response says before its body.
struct ResponseHead: Sendable, Equatable {
    var status: Int
    /// Field lines in the order they came, names in lower case.
    var fields: [(name: String, value: String)]

    /// The first value of the field `name` (lower case), or nil.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    static func == (left: ResponseHead, right: ResponseHead) -> Bool {
        left.status == right.status && left.fields.elementsEqual(right.fields, by: ==)
    }
}

/// Why bytes are not an HTTP response.
enum ResponseError: Error, Equatable {
    /// The status line or a field line has no such form (RFC 9112, 4 and 5).
    case malformedHead
    /// Head or chunk line over 64 KiB.
    case tooLong
    /// A chunk's size or end is wrong (RFC 9112, 7.1).
    case malformedChunk
    /// The server closed before the response was whole.
    case cutShort
}

/// Reads one response from bytes as they come.
struct ResponseReader {
    /// Where the response's end lies (RFC 9112, 6.3).
    private enum State {
        case head
        case length(Int)
        case untilClose
        case chunkSize
        case chunkData(Int)
        case chunkEnd
        case trailer
        case done
    }

    private static let lineMax = 65_536

    private var state = State.head
    private var pending: [UInt8] = []
    /// Set once the head is complete.
    private(set) var head: ResponseHead?

    /// Whether the whole response has been read.
    var isDone: Bool {
        if case .done = state { return true }
        return false
    }

    /// Takes the next bytes and appends what they hold of the body to `body`.
    mutating func feed(_ bytes: some Sequence<UInt8>, into body: inout [UInt8])
        throws(ResponseError)
    {
        pending.append(contentsOf: bytes)
        var taken = 0
        while try step(&taken, &body) {}
        pending.removeFirst(taken)
    }

    /// Says that the server closed the connection.
    mutating func close() throws(ResponseError) {
        switch state {
        case .untilClose: state = .done
        case .done: break
        default: throw .cutShort
        }
    }

    /// Takes one piece from `pending` at `taken`; false where more bytes are needed.
    private mutating func step(_ taken: inout Int, _ body: inout [UInt8]) throws(ResponseError)
        -> Bool
    {
        switch state {
        case .head:
            guard let end = try headEnd(from: taken) else { return false }
            let parsed = try Self.parseHead(pending[taken..<end])
            taken = end
            if parsed.status >= 200 {
                head = parsed
                state = try Self.framing(of: parsed)
            }
            return true
        case .length(let left):
            let count = takeBody(atMost: left, &taken, &body)
            state = count == left ? .done : .length(left - count)
            return count == left && left > 0
        case .untilClose:
            _ = takeBody(atMost: .max, &taken, &body)
            return false
        case .chunkSize:
            guard let line = try takeLine(&taken) else { return false }
            let size = try Self.chunkSize(line)
            state = size == 0 ? .trailer : .chunkData(size)
            return true
        case .chunkData(let left):
            let count = takeBody(atMost: left, &taken, &body)
            state = count == left ? .chunkEnd : .chunkData(left - count)
            return count == left
        case .chunkEnd:
            guard let line = try takeLine(&taken) else { return false }
            guard line.isEmpty else { throw .malformedChunk }
            state = .chunkSize
            return true
        case .trailer:
            guard let line = try takeLine(&taken) else { return false }
            if line.isEmpty { state = .done }
            return true
        case .done:
            return false
        }
    }

    private func takeBody(atMost left: Int, _ taken: inout Int, _ body: inout [UInt8]) -> Int {
        let count = min(left, pending.count - taken)
        body.append(contentsOf: pending[taken..<taken + count])
        taken += count
        return count
    }

    /// The line at `taken` without its CR LF; nil where its end has not come yet.
    private func takeLine(_ taken: inout Int) throws(ResponseError) -> ArraySlice<UInt8>? {
        let rest = pending[taken...]
        guard let end = rest.firstIndex(of: 0x0A) else {
            guard rest.count <= Self.lineMax else { throw .tooLong }
            return nil
        }
        guard end > taken, pending[end - 1] == 0x0D else { throw .malformedChunk }
        taken = end + 1
        return rest[..<(end - 1)]
    }

    /// The index after the empty line that ends the head; nil where it has not come yet.
    private func headEnd(from start: Int) throws(ResponseError) -> Int? {
        var index = start
        while index + 3 < pending.count {
            if pending[index] == 0x0D, pending[index + 1] == 0x0A, pending[index + 2] == 0x0D,
                pending[index + 3] == 0x0A
            {
                return index + 4
            }
            index += 1
        }
        guard pending.count - start <= Self.lineMax else { throw .tooLong }
        return nil
    }
}

// Pure parsing of the head and of chunk lines.
extension ResponseReader {
    private static func parseHead(_ bytes: ArraySlice<UInt8>) throws(ResponseError) -> ResponseHead
    {
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")[...]
        guard let statusLine = lines.popFirst() else { throw .malformedHead }
        let words = statusLine.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { throw .malformedHead }
        var fields: [(name: String, value: String)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
                throw .malformedHead
            }
            let value = line[line.index(after: colon)...].split(separator: " ")
                .joined(separator: " ")
            fields.append((line[..<colon].lowercased(), value))
        }
        return ResponseHead(status: status, fields: fields)
    }

    private static func framing(of head: ResponseHead) throws(ResponseError) -> State {
        if head.status == 204 || head.status == 304 { return .done }
        if let coding = head["transfer-encoding"] {
            guard coding.lowercased() == "chunked" else { throw .malformedHead }
            return .chunkSize
        }
        guard let text = head["content-length"] else { return .untilClose }
        guard let length = Int(text), length >= 0 else { throw .malformedHead }
        return length == 0 ? .done : .length(length)
    }

    /// The size in front of a chunk; extensions after `;` mean nothing to us.
    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(ResponseError) -> Int {
        let digits = line.prefix { $0 != 0x3B && $0 != 0x20 }
        guard !digits.isEmpty, digits.count <= 8,
            let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0
        else { throw .malformedChunk }
        return size
    }
}
