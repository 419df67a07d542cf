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
        var path = path
        // SAFETY: the bytes are used inside the closure only.
        return path.withUTF8 { bytes in unsafe split(bytes) }
    }

    private static func split(_ path: UnsafeBufferPointer<UInt8>) -> [String]? {
        guard unsafe path.first == slash else { return nil }
        if path.count == 1 { return [] }
        var segments: [String] = []
        segments.reserveCapacity(8)
        var start = 1
        for index in 1...path.count {
            guard unsafe index == path.count || path[index] == slash else { continue }
            let part = unsafe UnsafeBufferPointer(rebasing: path[start..<index])
            guard let segment = unsafe PercentCoding.decode(part) else { return nil }
            segments.append(segment)
            start = index + 1
        }
        return segments
    }

    private static let slash = UInt8(ascii: "/")

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
