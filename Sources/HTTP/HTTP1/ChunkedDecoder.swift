/// Takes the chunked transfer coding off a body.
///
/// A byte-by-byte machine that keeps counters and no bytes: input is consumed as it comes, whatever
/// the cuts. Chunk extensions are bounded and ignored (their bytes are checked, their grammar is
/// not); the trailer section is bounded, checked as field lines, and dropped: trailers are never
/// merged into the head (RFC 9110, 6.5.1).
///
/// Source: RFC 9112, 7.1.
package struct ChunkedDecoder: Sendable {
    private enum Place {
        case size
        case spaceBeforeExtension
        case extensions
        case sizeLineFeed
        case data
        case dataCarriageReturn
        case dataLineFeed
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLineFeed
        case lastLineFeed
        case done
    }

    private let limits: HTTP1Limits
    private let bodyBytesMax: Int
    private var place = Place.size
    /// The current chunk's size while its line is read, then what is left of its data.
    private var remaining = 0
    private var digits = 0
    private var extensionBytes = 0
    private var extensionsTotalBytes = 0
    private var trailerBytes = 0
    /// How many bytes of content came out so far, the announced rest of this chunk included.
    private var contentBytes = 0
    /// Offset in the encoded body, for fault details.
    private var offset = 0

    /// Starts before a body's first byte.
    ///
    /// - Parameters:
    ///   - limits: for extensions and trailers.
    ///   - bodyBytesMax: the most content bytes; a chunk that would exceed it is 413, told when
    ///     its size line ends.
    package init(limits: HTTP1Limits = .init(), bodyBytesMax: Int) {
        self.limits = limits
        self.bodyBytesMax = bodyBytesMax
    }

    /// Consumes `bytes` from `index` on, to their end or the body's.
    ///
    /// What came before a fault is in `output` and counted in `index` when the fault is thrown.
    ///
    /// - Parameters:
    ///   - bytes: encoded input.
    ///   - index: where to begin; left after the last byte consumed.
    ///   - output: content is appended here.
    /// - Returns: whether the body is complete; bytes from `index` on belong to the next message.
    /// - Throws: 400 for bad framing, 413 for too much content, 431 for too long trailers.
    package mutating func decode(
        _ bytes: [UInt8],
        from index: inout Int,
        into output: inout [UInt8]
    ) throws(HTTP1Fault) -> Bool {
        while index < bytes.count, place != .done {
            if place == .data {
                let count = min(remaining, bytes.count - index)
                output.append(contentsOf: bytes[index..<index + count])
                index += count
                offset += count
                remaining -= count
                if remaining == 0 { place = .dataCarriageReturn }
                continue
            }
            try read(bytes[index])
            index += 1
            offset += 1
        }
        return place == .done
    }

    /// Reads one byte of framing.
    private mutating func read(_ byte: UInt8) throws(HTTP1Fault) {
        switch place {
        case .size: try readSize(byte)
        case .spaceBeforeExtension, .extensions: try readExtension(byte)
        case .sizeLineFeed:
            try require(byte, ByteClass.lineFeed, "a chunk's size line")
            try startChunk()
        case .dataCarriageReturn:
            try require(byte, ByteClass.carriageReturn, "what follows a chunk's data")
            place = .dataLineFeed
        case .dataLineFeed:
            try require(byte, ByteClass.lineFeed, "what follows a chunk's data")
            (place, digits, extensionBytes) = (.size, 0, 0)
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed:
            try readTrailer(byte)
        case .lastLineFeed:
            try require(byte, ByteClass.lineFeed, "the line that ends the body")
            place = .done
        case .data, .done:
            break
        }
    }

    private mutating func readSize(_ byte: UInt8) throws(HTTP1Fault) {
        if let digit = ByteClass.hexValue(byte) {
            // "recipients MUST anticipate potentially large hexadecimal numerals" (7.1).
            guard digits < 16, remaining <= Int.max >> 4 else {
                throw .invalid("a chunk size is out of range, byte \(offset) of the body")
            }
            remaining = remaining << 4 | Int(digit)
            digits += 1
            return
        }
        guard digits > 0 else { throw unexpected(byte, "a chunk size") }
        switch byte {
        case ByteClass.carriageReturn: place = .sizeLineFeed
        case UInt8(ascii: ";"): place = .extensions
        case ByteClass.space, ByteClass.tab: place = .spaceBeforeExtension
        default: throw unexpected(byte, "a chunk size")
        }
        if byte != ByteClass.carriageReturn { try countExtension() }
    }

    private mutating func readExtension(_ byte: UInt8) throws(HTTP1Fault) {
        if place == .spaceBeforeExtension {
            // White space may stand before `;` only (RFC 9112, 7.1.1).
            if byte == UInt8(ascii: ";") {
                place = .extensions
            } else if byte != ByteClass.space, byte != ByteClass.tab {
                throw unexpected(byte, "a chunk size")
            }
        } else if byte == ByteClass.carriageReturn {
            place = .sizeLineFeed
            return
        } else if !ByteClass.isFieldValue(byte) {
            throw unexpected(byte, "a chunk extension")
        }
        try countExtension()
    }

    private mutating func countExtension() throws(HTTP1Fault) {
        extensionBytes += 1
        extensionsTotalBytes += 1
        guard extensionBytes <= limits.chunkExtensionBytesMax,
            extensionsTotalBytes <= limits.chunkExtensionsTotalBytesMax
        else {
            throw .invalid("chunk extensions are too long, byte \(offset) of the body")
        }
    }

    private mutating func startChunk() throws(HTTP1Fault) {
        if remaining == 0 {
            place = .trailerStart
            return
        }
        guard remaining <= bodyBytesMax - contentBytes else {
            throw .payloadTooLarge(limit: bodyBytesMax)
        }
        contentBytes += remaining
        place = .data
    }

    private mutating func readTrailer(_ byte: UInt8) throws(HTTP1Fault) {
        if place == .trailerStart, byte == ByteClass.carriageReturn {
            place = .lastLineFeed
            return
        }
        trailerBytes += 1
        guard trailerBytes <= limits.trailerBytesMax else {
            throw .headersTooLarge("trailers are longer than \(limits.trailerBytesMax) bytes")
        }
        switch place {
        case .trailerStart:
            guard ByteClass.isToken(byte) else { throw unexpected(byte, "a trailer's name") }
            place = .trailerName
        case .trailerName:
            if byte == ByteClass.colon {
                place = .trailerValue
            } else if !ByteClass.isToken(byte) {
                throw unexpected(byte, "a trailer's name")
            }
        case .trailerValue:
            if byte == ByteClass.carriageReturn {
                place = .trailerLineFeed
            } else if !ByteClass.isFieldValue(byte) {
                throw unexpected(byte, "a trailer's value")
            }
        default:
            try require(byte, ByteClass.lineFeed, "a trailer's value, after CR")
            place = .trailerStart
        }
    }

    private func require(
        _ byte: UInt8,
        _ wanted: UInt8,
        _ place: String
    ) throws(HTTP1Fault) {
        guard byte == wanted else { throw unexpected(byte, place) }
    }

    private func unexpected(_ byte: UInt8, _ place: String) -> HTTP1Fault {
        .unexpected(byte, in: place, at: offset, of: "body")
    }
}
