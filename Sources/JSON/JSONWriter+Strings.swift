extension JSONWriter {
    /// Appends `text` in quotes, escaped.
    mutating func quote(_ text: String) {
        var text = text
        text.withUTF8 { unsafe quote(UnsafeRawBufferPointer($0)) }
    }

    /// Appends UTF-8 bytes in quotes, escaped.
    ///
    /// Escaped is what must be: the quote, the backslash and the bytes below 0x20, with the short
    /// form where there is one. All else stands for itself, so no line break is ever written.
    /// Source: RFC 8259, 7.
    mutating func quote(_ text: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        var plainFrom = 0
        for index in 0..<text.count {
            let byte = unsafe text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            unsafe bytes.append(contentsOf: text[plainFrom..<index])
            escape(byte)
            plainFrom = index + 1
        }
        unsafe bytes.append(contentsOf: text[plainFrom..<text.count])
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(JSONWriter.hexDigit(byte >> 4))
            bytes.append(JSONWriter.hexDigit(byte & 0xF))
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }

    /// Whether `text` is well-formed UTF-8.
    static func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
        // SAFETY: the span lives no longer than this call, and `text` outlives the call.
        let span = unsafe Span<UInt8>(_unsafeBytes: text)
        return (try? UTF8Span(validating: span)) != nil
    }
}
