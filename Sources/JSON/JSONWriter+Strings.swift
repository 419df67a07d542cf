extension JSONWriter {
    /// Writes UTF-8 bytes in quotes, as a value or as a member's name.
    ///
    /// Escaped is what must be: the quote, the backslash and the bytes below 0x20, with the short
    /// form where there is one. All else stands for itself, so no line break is ever written.
    /// Source: RFC 8259, 7.
    mutating func quote(_ text: UnsafeRawBufferPointer, asName: Bool) {
        if unsafe JSONWriter.mustEscape(anyOf: text) {
            separate()
            unsafe appendEscaped(text)
            if asName { bytes.append(UInt8(ascii: ":")) }
        } else {
            unsafe appendPlain(text, asName: asName)
        }
        followsValue = !asName
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func mustEscape(anyOf text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index + 8 <= text.count {
            let eight = unsafe text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if mustEscape(anyOf: eight) { return true }
            index += 8
        }
        while index < text.count {
            if mustEscape(unsafe text[index]) { return true }
            index += 1
        }
        return false
    }

    /// The same for eight bytes at once.
    ///
    /// Where a byte's high bit is clear, taking n from it sets the bit if the byte is below n. Borrows
    /// go only from a byte for which that was so to the one above it, so none is found in vain.
    private static func mustEscape(anyOf eight: UInt64) -> Bool {
        let each: UInt64 = 0x0101_0101_0101_0101
        let quoteIsZero = eight ^ (each * UInt64(UInt8(ascii: "\"")))
        let backslashIsZero = eight ^ (each * UInt64(UInt8(ascii: "\\")))
        let found =
            (eight &- each * 0x20) & ~eight
            | (quoteIsZero &- each) & ~quoteIsZero
            | (backslashIsZero &- each) & ~backslashIsZero
        return found & (each * 0x80) != 0
    }

    /// Appends a text with all that stands around it: nearly every one, so in one reservation.
    private mutating func appendPlain(_ text: UnsafeRawBufferPointer, asName: Bool) {
        let needsComma = followsValue
        let punctuationMax = 4
        bytes.append(addingCapacity: text.count + punctuationMax) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            // SAFETY: at most two bytes are written, so there is room for the text.
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                let rest = unsafe UnsafeMutableRawBufferPointer(buffer)[count...]
                unsafe UnsafeMutableRawBufferPointer(rebasing: rest).copyMemory(from: text)
                count += text.count
            }
            output.append(UInt8(ascii: "\""))
            if asName { output.append(UInt8(ascii: ":")) }
        }
    }

    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        var plainFrom = 0
        for index in 0..<text.count {
            let byte = unsafe text[index]
            guard JSONWriter.mustEscape(byte) else { continue }
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
