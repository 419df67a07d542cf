/// A host and perhaps a port, as in a Host field, `:authority` or an http URI.
///
/// Source: RFC 3986, 3.2.2 and 3.2.3, without userinfo, IPvFuture and IPv6 zones.
package struct Authority: Sendable, Equatable {
    /// The host in lower case, never empty; an IPv6 address keeps its brackets.
    package let host: String
    /// The port, 0...65535; nil when absent or empty.
    package let port: Int?

    /// Parses `host[:port]`; nil if it is not exactly that.
    package init?(_ text: String) {
        let bytes = text.utf8.map(ByteClass.lowered)
        let hostEnd: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
                Authority.isIPv6(bytes[1..<bracket])
            else { return nil }
            hostEnd = bracket + 1
        } else {
            hostEnd = bytes.firstIndex(of: ByteClass.colon) ?? bytes.count
            guard hostEnd > 0, Authority.isRegisteredName(bytes[..<hostEnd]) else { return nil }
        }
        guard let port = Authority.parsedPort(bytes[hostEnd...]) else { return nil }
        host = String(decoding: bytes[..<hostEnd], as: UTF8.self)
        self.port = port
    }

    /// Whether `text` is `host[:port]`: as `init`, and cheap for what nearly every request names.
    package static func isWellFormed(_ text: String) -> Bool {
        isPlain(text) || Authority(text) != nil
    }

    /// Whether `text` is a name of unreserved bytes, and perhaps a port of up to four digits.
    private static func isPlain(_ text: String) -> Bool {
        var text = text
        // SAFETY: the bytes are used inside the closure only.
        return text.withUTF8 { bytes in
            var index = 0
            while unsafe index < bytes.count && ByteClass.isUnreserved(bytes[index]) { index += 1 }
            guard index > 0, index < bytes.count else { return index > 0 }
            guard unsafe bytes[index] == ByteClass.colon, bytes.count - index <= 5 else {
                return false
            }
            return unsafe bytes[(index + 1)...].allSatisfy(ByteClass.isDigit)
        }
    }

    /// What follows the host: nothing, or `:` and digits; the outer nil means malformed.
    private static func parsedPort(_ rest: ArraySlice<UInt8>) -> Int?? {
        if rest.isEmpty { return .some(nil) }
        let digits = rest.dropFirst()
        guard rest.first == ByteClass.colon, digits.count <= 5,
            digits.allSatisfy(ByteClass.isDigit)
        else { return nil }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard port <= 65_535 else { return nil }
        return .some(digits.isEmpty ? nil : port)
    }

    private static func isRegisteredName(_ name: ArraySlice<UInt8>) -> Bool {
        PercentCoding.isWellFormed(name)
            && name.allSatisfy {
                ByteClass.isUnreserved($0) || ByteClass.isSubDelimiter($0)
                    || $0 == ByteClass.percent
            }
    }

    /// Eight groups of hexadecimal digits, one run of which may be `::`, the last two perhaps IPv4.
    private static func isIPv6(_ address: ArraySlice<UInt8>) -> Bool {
        var groups = address.split(separator: ByteClass.colon, omittingEmptySubsequences: false)
        guard groups.count >= 3 else { return false }
        // A `::` at an edge gives two empty groups there: make it one, as in the middle.
        if groups[0].isEmpty {
            guard groups[1].isEmpty else { return false }
            groups.removeFirst()
        }
        if let last = groups.last, last.isEmpty, groups.count > 1 {
            guard groups[groups.count - 2].isEmpty else { return false }
            groups.removeLast()
        }
        let gaps = groups.count { $0.isEmpty }
        var count = groups.count - gaps
        if let last = groups.last, isIPv4(last) {
            groups.removeLast()
            count += 1
        }
        let isHex = groups.allSatisfy { group in
            group.count <= 4 && group.allSatisfy { ByteClass.hexValue($0) != nil }
        }
        return isHex && (gaps == 0 ? count == 8 : gaps == 1 && count <= 7)
    }

    private static func isIPv4(_ address: ArraySlice<UInt8>) -> Bool {
        let octets = address.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return octets.count == 4
            && octets.allSatisfy { octet in
                (1...3).contains(octet.count) && octet.allSatisfy(ByteClass.isDigit)
                    && (octet.count == 1 || octet.first != UInt8(ascii: "0"))
                    && octet.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }
}
