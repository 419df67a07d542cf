// A folder of files served as they are: the dashboard.

package import HTTP
package import Posix

/// Serves the regular files beneath one folder.
///
/// `/` and a folder's path with a trailing slash mean `index.html` there. Nothing outside the folder
/// is reached whatever the path or the links in it say: names are checked, then resolved by the
/// kernel beneath the folder. Nor is what is hidden, by a name with a dot before it. Ranges are not
/// offered: the whole file is a correct answer to a Range request (RFC 9110, 14.2).
package final class StaticFiles: Sendable {
    /// How a file beneath the folder is opened: a seam for tests, where no descriptor may be left.
    typealias Opening = @Sendable (borrowing Directory, String) throws(Errno) -> FileDescriptor

    private let directory: Directory
    private let fileBytesMax: Int
    private let opening: Opening
    private let cache = FileCache(bytesMax: 32 << 20)

    /// Less than this fits into one packet anyway.
    private static let codedBytesMin = 1_400
    /// A loop thread codes: 1 MiB of program text takes it 18 ms, and all others wait.
    private static let codedBytesMax = 1 << 20

    /// Opens the folder; throws `noSuchFile`, `notDirectory`, `accessDenied`.
    ///
    /// Files over `fileBytesMax` bytes are not served.
    package convenience init(folder: String, fileBytesMax: Int = 8 << 20) throws(Errno) {
        try self.init(folder: folder, fileBytesMax: fileBytesMax) {
            (directory, path) throws(Errno) in
            try directory.open(beneath: path)
        }
    }

    init(folder: String, fileBytesMax: Int, opening: @escaping Opening) throws(Errno) {
        directory = try Directory(path: folder)
        self.fileBytesMax = fileBytesMax
        self.opening = opening
    }

    /// The answer to a GET or HEAD of `path`, which is still percent-encoded.
    ///
    /// Nil where there is no such file, or none that may be served; throws where the system cannot
    /// tell now (no descriptor is left, the disk fails) and no copy is at hand. `ifNoneMatch` is that
    /// field's value: when it names the file's present tag the answer is 304. With `takesGzip` a text
    /// of up to 1 MiB comes coded, under a tag of its own (RFC 9110, 8.8.3.3). The file is read and
    /// coded only for an answer that needs it: for a 304 never, for a HEAD to tell a coded length.
    package func response(
        path: String,
        isHead: Bool = false,
        ifNoneMatch: String? = nil,
        takesGzip: Bool = false
    ) throws(Errno) -> Response? {
        guard let place = FilePlace(path) else { return nil }
        do throws(Errno) {
            let file = try find(place)
            guard file.status.isRegular, file.status.sizeBytes <= fileBytesMax else { return nil }
            return try response(file, isHead: isHead, ifNoneMatch, takesGzip: takesGzip)
        } catch {
            guard Self.absences.contains(error) else { throw error }
            return nil
        }
    }

    /// What the system says of paths that lead to nothing that may be served.
    ///
    /// Everything else says that it could not look. `noSuchDevice` is a socket's or an unplugged
    /// device's, `isDirectory` that of a folder where the path is walked by name, `fileTooLarge` a
    /// file's that grew while it was read. Source: open(2), openat2(2).
    private static let absences: [Errno] = [
        .noSuchFile, .notDirectory, .accessDenied, .symbolicLinkLoop, .crossDevice, .nameTooLong,
        .isDirectory, .noSuchDevice, .fileTooLarge,
    ]

    /// Opens a file; where there is no descriptor for it, it may be one whose content is kept.
    private func find(_ place: FilePlace) throws(Errno) -> FoundFile {
        do throws(Errno) {
            return try FoundFile(place, opened: try opening(directory, place.path))
        } catch {
            guard error.isExhaustion, let status = cache.status(of: place.path) else { throw error }
            return FoundFile(place, known: status, error)
        }
    }

    private func response(
        _ file: borrowing FoundFile,
        isHead: Bool,
        _ ifNoneMatch: String?,
        takesGzip: Bool
    ) throws(Errno) -> Response {
        let mediaType = FileType.of(file.place.name)
        let isCodable =
            FileType.isText(mediaType)
            && (Self.codedBytesMin...Self.codedBytesMax).contains(file.status.sizeBytes)
        let form: FileCache.Form = isCodable && takesGzip ? .gzip : .plain
        let tag = Self.tag(of: file.status, form)
        var headers = Headers([
            ("ETag", tag), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
        ])
        if isCodable { headers.append("Vary", "Accept-Encoding") }
        if let ifNoneMatch, Self.matches(ifNoneMatch, tag) {
            return Response(status: 304, headers: headers)
        }
        headers.append("Content-Type", mediaType)
        if form == .gzip { headers.append("Content-Encoding", "gzip") }
        var response = Response(status: 200, headers: headers)
        switch (form, isHead) {
        case (.plain, true): response.omittedBytes = file.status.sizeBytes
        case (.gzip, true): response.omittedBytes = try content(file, .gzip).count
        case (_, false): response.body = .bytes(try content(file, form))
        }
        return response
    }

    /// A file's content as it is kept, or else as it is now, which is then kept.
    private func content(
        _ file: borrowing FoundFile,
        _ form: FileCache.Form
    ) throws(Errno) -> [UInt8] {
        if let known = cache.content(file.place.path, form, file.status) { return known }
        let content: [UInt8]
        switch form {
        case .plain: content = try file.read(bytesMax: fileBytesMax)
        case .gzip:
            let plain: [UInt8]
            if let known = cache.content(file.place.path, .plain, file.status) {
                plain = known
            } else {
                plain = try file.read(bytesMax: fileBytesMax)
            }
            guard let coded = Gzip.encoded(plain) else { throw .noMemory }
            content = coded
        }
        // One that was changed while it was read is not kept under the status it had before.
        if try file.isUnchanged() {
            cache.keep(content, form, of: file.status, at: file.place.path)
        }
        return content
    }

    /// A strong tag: a changed file has another size, time or inode.
    private static func tag(of status: FileStatus, _ form: FileCache.Form) -> String {
        let parts = [
            UInt64(bitPattern: status.modifiedNanoseconds), UInt64(status.sizeBytes), status.inode,
        ]
        let text = parts.map { String($0, radix: 16) }.joined(separator: "-")
        return form == .gzip ? "\"\(text)-gzip\"" : "\"\(text)\""
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

/// Where a request's path leads beneath the folder.
private struct FilePlace {
    /// The last part of the path.
    let name: String
    /// The path, decoded, without a leading slash.
    let path: String

    /// Nil where the path names no file, or one that is hidden (`.git/config`).
    ///
    /// `/.well-known/` is for all to see (RFC 8615), but not what is hidden in there.
    init?(_ requested: String) {
        guard var names = PathSegments.fileNames(requested) else { return nil }
        let visible = names.first == ".well-known" ? names.dropFirst() : names[...]
        guard !visible.contains(where: { $0.hasPrefix(".") }) else { return nil }
        if requested.hasSuffix("/") { names.append("index.html") }
        guard let last = names.last else { return nil }
        name = last
        path = names.joined(separator: "/")
    }
}

/// A file that was found and not read yet.
private struct FoundFile: ~Copyable {
    let place: FilePlace
    let status: FileStatus
    private let descriptor: FileDescriptor?
    /// Why it could not be opened, where it was not.
    private let hindrance: Errno

    init(_ place: FilePlace, opened descriptor: consuming FileDescriptor) throws(Errno) {
        self.place = place
        status = try descriptor.status()
        hindrance = .badDescriptor
        self.descriptor = consume descriptor
    }

    /// One that was open before; its content must be at hand.
    init(_ place: FilePlace, known status: FileStatus, _ hindrance: Errno) {
        self.place = place
        self.status = status
        self.hindrance = hindrance
        descriptor = nil
    }

    func read(bytesMax: Int) throws(Errno) -> [UInt8] {
        switch descriptor {
        case .some(let descriptor): try descriptor.readToEnd(bytesMax: bytesMax)
        case .none: throw hindrance
        }
    }

    func isUnchanged() throws(Errno) -> Bool {
        switch descriptor {
        case .some(let descriptor): try descriptor.status() == status
        case .none: true
        }
    }
}
