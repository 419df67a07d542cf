// A folder of files served as they are: the dashboard.

package import HTTP
package import Posix

/// Serves the regular files beneath one folder.
///
/// `/` and a folder's path with a trailing slash mean `index.html` there. Nothing outside the folder
/// is reached whatever the path or the links in it say: names are checked, then resolved by the
/// kernel beneath the folder. Ranges are not offered: the whole file is a correct answer to a Range
/// request (RFC 9110, 14.2).
package final class StaticFiles: Sendable {
    private let directory: Directory
    private let fileBytesMax: Int

    /// Opens the folder; throws `noSuchFile`, `notDirectory`, `accessDenied`.
    ///
    /// Files over `fileBytesMax` bytes are not served.
    package init(folder: String, fileBytesMax: Int = 8 << 20) throws(Errno) {
        directory = try Directory(path: folder)
        self.fileBytesMax = fileBytesMax
    }

    /// The answer to a GET or HEAD of `path`, which is still percent-encoded.
    ///
    /// Nil where there is no such file, or none that may be served. `ifNoneMatch` is that field's
    /// value: when it names the file's present tag the answer is 304.
    package func response(path: String, ifNoneMatch: String? = nil) -> Response? {
        guard var names = PathSegments.fileNames(path) else { return nil }
        if path.hasSuffix("/") { names.append("index.html") }
        guard let name = names.last else { return nil }
        do throws(Errno) {
            let file = try directory.open(beneath: names.joined(separator: "/"))
            let status = try file.status()
            guard status.isRegular, status.sizeBytes <= fileBytesMax else { return nil }
            let tag = Self.tag(of: status)
            var headers = Headers([
                ("ETag", tag), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
            ])
            if let ifNoneMatch, Self.matches(ifNoneMatch, tag) {
                return Response(status: 304, headers: headers)
            }
            headers.append("Content-Type", Self.mediaType(of: name))
            let content = try file.readToEnd(bytesMax: fileBytesMax)
            return Response(status: 200, headers: headers, body: .bytes(content))
        } catch {
            return nil
        }
    }

    /// A strong tag: a changed file has another size, time or inode.
    private static func tag(of status: FileStatus) -> String {
        let parts = [
            UInt64(bitPattern: status.modifiedNanoseconds), UInt64(status.sizeBytes), status.inode,
        ]
        return "\"" + parts.map { String($0, radix: 16) }.joined(separator: "-") + "\""
    }

    /// Weak comparison against a list of tags or `*`: RFC 9110, 13.1.2.
    private static func matches(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { entry in
            var entry = entry
            while entry.first == " " || entry.first == "\t" { entry.removeFirst() }
            while entry.last == " " || entry.last == "\t" { entry.removeLast() }
            if entry.hasPrefix("W/") { entry.removeFirst(2) }
            return entry == "*" || entry == tag
        }
    }

    private static let mediaTypes = [
        "css": "text/css; charset=utf-8",
        "csv": "text/csv; charset=utf-8",
        "gif": "image/gif",
        "htm": "text/html; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "ico": "image/x-icon",
        "jpeg": "image/jpeg",
        "jpg": "image/jpeg",
        "js": "text/javascript; charset=utf-8",
        "json": "application/json",
        "map": "application/json",
        "md": "text/markdown; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8",
        "pdf": "application/pdf",
        "png": "image/png",
        "svg": "image/svg+xml",
        "txt": "text/plain; charset=utf-8",
        "wasm": "application/wasm",
        "webmanifest": "application/manifest+json",
        "webp": "image/webp",
        "woff": "font/woff",
        "woff2": "font/woff2",
        "xml": "application/xml",
        "yaml": "application/yaml",
        "yml": "application/yaml",
    ]

    private static func mediaType(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        let suffix = name[name.index(after: dot)...].lowercased()
        return mediaTypes[suffix] ?? "application/octet-stream"
    }
}
