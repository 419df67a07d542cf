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
        var segments: [String] = []
        let isGood = forEach(path) { segment in
            guard let text = decoded(segment) else { return false }
            segments.append(text)
            return true
        }
        return isGood ? segments : nil
    }

    /// Calls `body` with each segment of a path, as it was sent, for as long as it returns true.
    ///
    /// - Returns: whether the path begins with `/`, and `body` has returned true for every segment.
    package static func forEach(_ path: String, _ body: (Span<UInt8>) -> Bool) -> Bool {
        let bytes = path.utf8Span.span
        guard bytes.count > 0, bytes[0] == slash else { return false }
        if bytes.count == 1 { return true }
        var start = 1
        for index in 1...bytes.count where index == bytes.count || bytes[index] == slash {
            guard body(bytes.extracting(start..<index)) else { return false }
            start = index + 1
        }
        return true
    }

    /// A segment's text; nil if it is badly encoded or does not decode to UTF-8.
    package static func decoded(_ segment: Span<UInt8>) -> String? {
        // SAFETY: the bytes are used inside the closure only.
        unsafe segment.withUnsafeBufferPointer { unsafe PercentCoding.decode($0) }
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
