/// Base64 with the standard alphabet and padding (RFC 4648, 4).
enum Base64 {
    private static let alphabet = [UInt8](
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )
    private static let pad = UInt8(ascii: "=")

    /// Appends the code of `bytes`: four characters for each three bytes begun.
    static func encode(_ bytes: UnsafeRawBufferPointer, into text: inout [UInt8]) {
        text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let taken = min(3, bytes.count - index)
            var group = 0
            for offset in 0..<3 {
                let byte = unsafe offset < taken ? bytes[index + offset] : 0
                group = group << 8 | Int(byte)
            }
            for place in 0..<4 {
                let sextet = group >> (18 - 6 * place) & 0x3F
                text.append(place <= taken ? alphabet[sextet] : pad)
            }
            index += taken
        }
    }

    /// The bytes `text` stands for, or nil where it is no base64.
    ///
    /// Strict: whole groups of four, padding only at the end, and the bits the padding leaves over
    /// must be zero, so that each byte string has exactly one code (RFC 4648, 3.5).
    static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var digits = text.count
        while digits > 0, text.count - digits < 2, unsafe text[digits - 1] == pad { digits -= 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits * 3 / 4)
        var pending: UInt32 = 0
        var bits = 0
        for index in 0..<digits {
            guard let sextet = value(of: unsafe text[index]) else { return nil }
            pending = pending << 6 | sextet
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            pending &= (1 << UInt32(bits)) - 1
        }
        return pending == 0 ? bytes : nil
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
