/// Reads the pieces structured field values are made of.
///
/// Source: RFC 9110, 5.6.
struct FieldReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: some StringProtocol) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }

    /// Skips SP and HTAB.
    mutating func skipBlanks() {
        while index < bytes.count, FieldReader.isBlank(bytes[index]) { index += 1 }
    }

    /// Takes that byte if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// Takes a token of one character at least, or nothing.
    mutating func takeToken() -> String? {
        let start = index
        while index < bytes.count, ByteClass.isToken(bytes[index]) { index += 1 }
        return start == index ? nil : String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Takes a token, or a quoted string without its quotes and backslashes; nil if neither is next.
    mutating func takeValue() -> String? {
        guard take(UInt8(ascii: "\"")) else { return takeToken() }
        var content: [UInt8] = []
        while index < bytes.count {
            if take(UInt8(ascii: "\"")) { return String(decoding: content, as: UTF8.self) }
            if take(UInt8(ascii: "\\")), isAtEnd { return nil }
            content.append(bytes[index])
            index += 1
        }
        return nil
    }

    /// Skips to after the next comma outside quotes: past a list member that cannot be read.
    mutating func skipMember() {
        var quoted = false
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if quoted, byte == UInt8(ascii: "\\") {
                index = min(index + 1, bytes.count)
            } else if byte == UInt8(ascii: "\"") {
                quoted.toggle()
            } else if byte == UInt8(ascii: ","), !quoted {
                return
            }
        }
    }

    /// Strips SP and HTAB from both ends.
    static func trimmed<Bytes: BidirectionalCollection<UInt8>>(
        _ bytes: Bytes
    ) -> Bytes.SubSequence {
        var rest = bytes[...]
        while let first = rest.first, isBlank(first) { rest.removeFirst() }
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ByteClass.space || byte == ByteClass.tab
    }
}
