/// Percent-encoding, strict both ways.
///
/// Source: RFC 3986, 2.1.
package enum PercentCoding {
    /// Decodes one path segment or one query name or value.
    ///
    /// - Parameters:
    ///   - text: encoded text.
    ///   - plusIsSpace: whether `+` means a space, as it does in a query.
    /// - Returns: the decoded text, or nil if a `%` is not followed by two hexadecimal digits or
    ///   the decoded bytes are not UTF-8.
    package static func decode(
        _ text: some StringProtocol,
        plusIsSpace: Bool = false
    ) -> String? {
        var text = String(text)
        // SAFETY: the bytes are used inside the closure only.
        return text.withUTF8 { bytes in unsafe decode(bytes, plusIsSpace: plusIsSpace) }
    }

    /// Decodes bytes lent for the call.
    static func decode(
        _ text: UnsafeBufferPointer<UInt8>,
        plusIsSpace: Bool = false
    ) -> String? {
        // Most have nothing to decode, and are ASCII: nothing to validate either.
        let isPlain = unsafe text.allSatisfy {
            $0 < 0x80 && $0 != ByteClass.percent && !($0 == UInt8(ascii: "+") && plusIsSpace)
        }
        if isPlain { return unsafe String(decoding: text, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        guard unsafe decode(text, plusIsSpace: plusIsSpace, into: &decoded) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    /// Encodes everything but unreserved characters, so that the result is one path segment, or
    /// one query name or value, whatever the text.
    package static func encode(_ text: some StringProtocol) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if ByteClass.isUnreserved(byte) {
                encoded.append(byte)
            } else {
                append(byte, to: &encoded)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Appends `%` and the two digits of a byte.
    static func append(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(ByteClass.percent)
        output.append(hexDigit(byte >> 4))
        output.append(hexDigit(byte & 0xF))
    }

    /// Whether each `%` is followed by two hexadecimal digits.
    static func isWellFormed(_ text: ArraySlice<UInt8>) -> Bool {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == ByteClass.percent {
                guard index + 2 < text.endIndex, ByteClass.hexValue(text[index + 1]) != nil,
                    ByteClass.hexValue(text[index + 2]) != nil
                else { return false }
                index += 2
            }
            index += 1
        }
        return true
    }

    /// Whether a path decodes to UTF-8 without NUL.
    static func isWellFormedPath(_ path: ArraySlice<UInt8>) -> Bool {
        guard path.contains(ByteClass.percent) else { return true }
        var decoded: [UInt8] = []
        return decode(path, plusIsSpace: false, into: &decoded) && !decoded.contains(0)
            && String(validating: decoded, as: UTF8.self) != nil
    }

    private static func decode(
        _ text: some Sequence<UInt8>,
        plusIsSpace: Bool,
        into output: inout [UInt8]
    ) -> Bool {
        var bytes = text.makeIterator()
        while let byte = bytes.next() {
            switch byte {
            case ByteClass.percent:
                guard let high = bytes.next().flatMap(ByteClass.hexValue),
                    let low = bytes.next().flatMap(ByteClass.hexValue)
                else { return false }
                output.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: output.append(ByteClass.space)
            default: output.append(byte)
            }
        }
        return true
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
