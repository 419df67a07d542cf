/// Which content codings a client takes.
package enum AcceptEncoding {
    /// Whether the Accept-Encoding fields let an answer be coded with gzip.
    ///
    /// Without such a field it is not coded: whoever does not ask may not know how to undo it. A `*`
    /// says nothing of gzip here, for the same reason.
    ///
    /// Source: RFC 9110, 12.5.3; `x-gzip` is gzip (8.4.1.3).
    package static func allowsGzip(_ headers: Headers) -> Bool {
        for value in headers.all("Accept-Encoding") {
            for member in value.utf8.split(separator: UInt8(ascii: ",")) {
                let parts = member.split(separator: UInt8(ascii: ";"))
                guard let coding = parts.first.map(text), coding == "gzip" || coding == "x-gzip"
                else { continue }
                return !parts.dropFirst().contains { isZeroWeight(text($0)) }
            }
        }
        return false
    }

    /// `q=0`, `q=0.0`, `q=0.000`: "not acceptable".
    private static func isZeroWeight(_ parameter: String) -> Bool {
        parameter.hasPrefix("q=0")
            && parameter.utf8.dropFirst(3).allSatisfy {
                $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".")
            }
    }

    /// In lower case, without the space around it.
    private static func text(_ part: Substring.UTF8View) -> String {
        String(decoding: FieldReader.trimmed(part).map(ByteClass.lowered), as: UTF8.self)
    }
}
