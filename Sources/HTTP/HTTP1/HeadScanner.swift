/// Reads the bytes of one request head, from the method to the empty line.
///
/// A byte-by-byte machine: whether a head is good or faulty, and which fault it is, depends on its
/// bytes only, never on how they were cut into reads. It checks characters and limits; what the
/// fields mean is `HeadMeaning`'s business. It keeps offsets from the head's first byte and no
/// bytes, so the caller may move its buffer between two calls.
///
/// Source: RFC 9112, 2 to 5. Where the RFC lets a server be lenient (bare LF, obs-fold, space
/// before the colon, space around the request line) this one is not: that is where two parsers
/// come to disagree.
struct HeadScanner {
    /// A field line as offsets from the head's first byte; the value without the space around it.
    struct Line {
        var nameStart: Int
        var nameEnd: Int
        var valueStart: Int
        var valueEnd: Int
    }

    private enum Place {
        case method
        case target
        case version
        case versionLineFeed
        case lineStart
        case name
        case value
        case valueLineFeed
        case lastLineFeed
    }

    private var place = Place.method
    /// How many bytes of the head were read: the next byte's offset.
    private(set) var offset = 0
    private(set) var methodEnd = 0
    private(set) var targetEnd = 0
    private(set) var version = ProtocolVersion.http11
    private(set) var lines: [Line] = []
    private var nameStart = 0
    private var nameEnd = 0

    /// Returns to before a head's first byte; keeps the room for lines.
    mutating func restart() {
        lines.removeAll(keepingCapacity: true)
        (place, offset) = (.method, 0)
    }

    var target: Range<Int> { methodEnd + 1..<targetEnd }

    /// Reads on to the end of the head or of the bytes.
    ///
    /// - Parameters:
    ///   - bytes: the buffer; the head begins at `start` and was there in earlier calls too.
    ///   - start: the index of the head's first byte.
    ///   - limits: the bounds in force.
    /// - Returns: whether the head is complete; then `offset` is its length.
    /// - Throws: 400, 414, 431, 501 or 505, at the first byte that is one too many or wrong.
    mutating func scan(
        _ bytes: [UInt8],
        from start: Int,
        limits: HTTP1Limits
    ) throws(HTTP1Fault) -> Bool {
        let end = min(bytes.count - start, limits.headBytesMax)
        while offset < end {
            let byte = bytes[start + offset]
            switch place {
            case .method: try readMethod(byte, limits)
            case .target:
                let runEnd = min(end, methodEnd + 1 + limits.targetBytesMax)
                while offset < runEnd, ByteClass.isTarget(bytes[start + offset]) { offset += 1 }
                if offset == end { continue }
                try readTarget(bytes[start + offset], limits)
            case .version: try readVersion(byte)
            case .versionLineFeed:
                try require(byte, ByteClass.lineFeed, "the request line")
                try checkRequestLine(bytes, start)
                place = .lineStart
            case .lineStart: try readLineStart(byte, limits)
            case .name:
                while offset < end, ByteClass.isToken(bytes[start + offset]) { offset += 1 }
                if offset == end { continue }
                try readName(bytes[start + offset])
            case .value:
                // As target and name: the bulk of a head is run over without the switch.
                var index = start + offset
                while index < start + end, ByteClass.isFieldValue(bytes[index]) { index += 1 }
                offset = index - start
                if offset == end { continue }
                try require(bytes[index], ByteClass.carriageReturn, "a field value")
                place = .valueLineFeed
            case .valueLineFeed:
                try require(byte, ByteClass.lineFeed, "a field value, after CR")
                lines.append(finishedLine(bytes, start))
                place = .lineStart
            case .lastLineFeed:
                try require(byte, ByteClass.lineFeed, "the line that ends the head")
                offset += 1
                return true
            }
            offset += 1
        }
        if bytes.count - start > limits.headBytesMax {
            throw .headersTooLarge(
                "request line and header fields are longer than \(limits.headBytesMax) bytes"
            )
        }
        return false
    }

    private mutating func readMethod(_ byte: UInt8, _ limits: HTTP1Limits) throws(HTTP1Fault) {
        if byte == ByteClass.space, offset > 0 {
            methodEnd = offset
            place = .target
        } else if !ByteClass.isToken(byte) {
            throw unexpected(byte, in: "the method")
        } else if offset == limits.methodBytesMax {
            throw .notImplemented("the method is longer than \(limits.methodBytesMax) bytes")
        }
    }

    private mutating func readTarget(_ byte: UInt8, _ limits: HTTP1Limits) throws(HTTP1Fault) {
        let length = offset - methodEnd - 1
        if byte == ByteClass.space, length > 0 {
            targetEnd = offset
            place = .version
        } else if !ByteClass.isTarget(byte) {
            throw unexpected(byte, in: "the request target")
        } else if length == limits.targetBytesMax {
            throw .targetTooLong(limit: limits.targetBytesMax)
        }
    }

    /// Reads `HTTP/` DIGIT `.` DIGIT and the CR (RFC 9112, 2.3: the name is case-sensitive).
    private mutating func readVersion(_ byte: UInt8) throws(HTTP1Fault) {
        let fits =
            switch offset - targetEnd - 1 {
            case 0: byte == UInt8(ascii: "H")
            case 1, 2: byte == UInt8(ascii: "T")
            case 3: byte == UInt8(ascii: "P")
            case 4: byte == UInt8(ascii: "/")
            case 5, 7: ByteClass.isDigit(byte)
            case 6: byte == UInt8(ascii: ".")
            default: byte == ByteClass.carriageReturn
            }
        guard fits else { throw unexpected(byte, in: "the HTTP version") }
        if byte == ByteClass.carriageReturn { place = .versionLineFeed }
    }

    /// Judges the request line as soon as it is whole, so that a stranger's protocol is told early.
    private mutating func checkRequestLine(
        _ bytes: [UInt8],
        _ start: Int
    ) throws(HTTP1Fault) {
        let major = bytes[start + targetEnd + 6]
        let minor = bytes[start + targetEnd + 8]
        guard major == UInt8(ascii: "1") else { throw .versionNotSupported() }
        // A later 1.x is read as 1.1 (RFC 9110, 6.2: "as if it were in the highest minor version
        // within that major version to which the recipient is conformant").
        version = minor == UInt8(ascii: "0") ? .http10 : .http11
    }

    private mutating func readLineStart(_ byte: UInt8, _ limits: HTTP1Limits) throws(HTTP1Fault) {
        switch byte {
        case ByteClass.carriageReturn:
            place = .lastLineFeed
        case ByteClass.space, ByteClass.tab:
            throw .invalid("a line begins with white space, byte \(offset) of the head")
        case ByteClass.colon:
            throw .invalid("a field without a name, byte \(offset) of the head")
        default:
            guard lines.count < limits.fieldsMax else {
                throw .headersTooLarge("more than \(limits.fieldsMax) header fields")
            }
            nameStart = offset
            place = .name
            try readName(byte)
        }
    }

    private mutating func readName(_ byte: UInt8) throws(HTTP1Fault) {
        if byte == ByteClass.colon {
            nameEnd = offset
            place = .value
        } else if !ByteClass.isToken(byte) {
            throw unexpected(byte, in: "a field name")
        }
    }

    /// The line that ends with the line feed at `offset`; strips the optional white space.
    private func finishedLine(_ bytes: [UInt8], _ start: Int) -> Line {
        var from = nameEnd + 1
        var to = offset - 1
        while from < to, HeadScanner.isBlank(bytes[start + from]) { from += 1 }
        while to > from, HeadScanner.isBlank(bytes[start + to - 1]) { to -= 1 }
        return Line(nameStart: nameStart, nameEnd: nameEnd, valueStart: from, valueEnd: to)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ByteClass.space || byte == ByteClass.tab
    }

    private func require(
        _ byte: UInt8,
        _ wanted: UInt8,
        _ place: String
    ) throws(HTTP1Fault) {
        guard byte == wanted else { throw unexpected(byte, in: place) }
    }

    private func unexpected(_ byte: UInt8, in place: String) -> HTTP1Fault {
        .unexpected(byte, in: place, at: offset, of: "head")
    }
}
