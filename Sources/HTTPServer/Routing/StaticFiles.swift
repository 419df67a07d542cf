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
    private let cache = FileCache(bytesMax: 32 << 20)

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
    /// value: when it names the file's present tag the answer is 304. With `takesGzip` a text comes
    /// coded, under a tag of its own (RFC 9110, 8.8.3.3).
    package func response(
        path: String,
        ifNoneMatch: String? = nil,
        takesGzip: Bool = false
    ) -> Response? {
        guard let file = file(path) else { return nil }
        let coded = takesGzip ? file.gzip : nil
        let tag = "\"" + file.tag + (coded == nil ? "\"" : "-gzip\"")
        var headers = Headers([
            ("ETag", tag), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
        ])
        if file.gzip != nil { headers.append("Vary", "Accept-Encoding") }
        if let ifNoneMatch, Self.matches(ifNoneMatch, tag) {
            return Response(status: 304, headers: headers)
        }
        headers.append("Content-Type", file.mediaType)
        if coded != nil { headers.append("Content-Encoding", "gzip") }
        return Response(status: 200, headers: headers, body: .bytes(coded ?? file.content))
    }

    /// The file at `path` as it is now: opened each time, read when it has changed.
    private func file(_ path: String) -> CachedFile? {
        guard var names = PathSegments.fileNames(path) else { return nil }
        if path.hasSuffix("/") { names.append("index.html") }
        guard let name = names.last else { return nil }
        let place = names.joined(separator: "/")
        do throws(Errno) {
            let opened = try directory.open(beneath: place)
            let status = try opened.status()
            guard status.isRegular, status.sizeBytes <= fileBytesMax else { return nil }
            if let known = cache.file(place, status) { return known }
            let content = try opened.readToEnd(bytesMax: fileBytesMax)
            let file = CachedFile(status, name: name, content: content)
            // One that was changed while it was read is not kept under the status it had before.
            if try opened.status() == status { cache.keep(file, at: place) }
            return file
        } catch {
            return nil
        }
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
}
