/// A request target, resolved into path, query and authority.
///
/// Source: RFC 9112, 3.2: origin-form, absolute-form, and asterisk-form for OPTIONS;
/// authority-form belongs to CONNECT, which never gets here.
struct RequestTarget {
    let path: String
    let query: String?
    /// The absolute-form's authority; nil for the other forms.
    let authority: String?

    /// Resolves a target; 400 if it has none of the forms.
    init(_ target: ArraySlice<UInt8>, method: String) throws(HTTP1Fault) {
        if target.first == UInt8(ascii: "/") {
            (path, query) = try RequestTarget.split(target)
            authority = nil
        } else if target.elementsEqual("*".utf8) {
            guard method == "OPTIONS" else { throw .invalid("the target * is for OPTIONS only") }
            (path, query, authority) = ("*", nil, nil)
        } else {
            let rest = try RequestTarget.afterScheme(target)
            let isPathOrQuery = { (byte: UInt8) in
                byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?")
            }
            let end = rest.firstIndex(where: isPathOrQuery) ?? rest.endIndex
            let name = String(decoding: rest[..<end], as: UTF8.self)
            // An http URI with an empty host "MUST reject as invalid" (RFC 9110, 4.2.1); userinfo
            // is refused by Authority (4.2.4).
            guard Authority.isWellFormed(name) else {
                throw .invalid("the request target's authority is malformed")
            }
            (path, query) = try RequestTarget.split(rest[end...])
            authority = name
        }
    }

    private static func afterScheme(
        _ target: ArraySlice<UInt8>
    ) throws(HTTP1Fault) -> ArraySlice<UInt8> {
        for scheme in ["http://", "https://"] {
            let length = scheme.utf8.count
            let prefix = target.prefix(length).lazy.map(ByteClass.lowered)
            if prefix.elementsEqual(scheme.utf8) { return target.dropFirst(length) }
        }
        throw .invalid("the request target is neither a path nor an http URI")
    }

    /// Splits at the first `?`; an empty path is `/` (RFC 9112, 3.2.1).
    private static func split(
        _ target: ArraySlice<UInt8>
    ) throws(HTTP1Fault) -> (String, String?) {
        let mark = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        let path = target[..<mark]
        guard PercentCoding.isWellFormedPath(path) else {
            throw .invalid("the path's percent-encoding is malformed")
        }
        let query = target[mark...].dropFirst()
        return (
            path.isEmpty ? "/" : String(decoding: path, as: UTF8.self),
            mark == target.endIndex ? nil : String(decoding: query, as: UTF8.self)
        )
    }
}
