/// A path's segments: split first, decoded afterwards, so that `%2F` never separates.
package enum PathSegments {
    /// The decoded segments of `/a/b`: `["a", "b"]`.
    ///
    /// `/` has none; a trailing or doubled slash gives an empty one, as it is another path.
    ///
    /// - Parameter path: percent-encoded, as in `Request.path`.
    /// - Returns: the segments, or nil if the path does not begin with `/`, is badly encoded, or
    ///   does not decode to UTF-8.
    package static func split(_ path: String) -> [String]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let rest = path.utf8.dropFirst()
        if rest.isEmpty { return [] }
        var segments: [String] = []
        for part in rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = PercentCoding.decode(Substring(part)) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// The segments as names of files below a folder.
    ///
    /// A first line of defence only: opening must still be confined to the folder (symbolic links).
    ///
    /// - Parameter path: percent-encoded, as in `Request.path`.
    /// - Returns: as `split`, without the empty segment of a trailing slash; nil also if a segment
    ///   is empty elsewhere, `.` or `..`, or holds `/`, `\` or a control character once decoded.
    package static func fileNames(_ path: String) -> [String]? {
        guard var segments = split(path) else { return nil }
        if segments.last == "" { segments.removeLast() }
        return segments.allSatisfy(isFileName) ? segments : nil
    }

    private static func isFileName(_ segment: String) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".."
            && segment.utf8.allSatisfy {
                $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\")
            }
    }
}
