// What was read from a folder of files, kept as long as the file system says that it is still so.

import HTTP
import Posix
import Synchronization

/// A file as it is served: its tag, type and content, coded if that makes it smaller.
struct CachedFile: Sendable {
    let status: FileStatus
    /// A strong tag: a changed file has another size, time or inode.
    let tag: String
    let mediaType: String
    let content: [UInt8]
    /// The content in gzip's form; nil where that is not smaller, or not worth it.
    let gzip: [UInt8]?

    /// Less than this fits into one packet anyway.
    private static let codedBytesMin = 1_400

    init(_ status: FileStatus, name: String, content: [UInt8]) {
        self.status = status
        self.content = content
        tag = Self.tag(of: status)
        mediaType = FileType.of(name)
        guard content.count >= Self.codedBytesMin, FileType.isText(mediaType),
            let coded = Gzip.encoded(content), coded.count < content.count
        else {
            gzip = nil
            return
        }
        gzip = coded
    }

    var bytes: Int { content.count + (gzip?.count ?? 0) }

    private static func tag(of status: FileStatus) -> String {
        let parts = [
            UInt64(bitPattern: status.modifiedNanoseconds), UInt64(status.sizeBytes), status.inode,
        ]
        return parts.map { String($0, radix: 16) }.joined(separator: "-")
    }
}

/// Files by their path; when it is full, it begins anew.
///
/// A folder of web pages fits; for a larger one, starting over is simpler than keeping order, and
/// costs one more reading a file.
final class FileCache: Sendable {
    private struct State {
        var files: [String: CachedFile] = [:]
        var bytes = 0
    }

    private let bytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// The file at `path`, where it is the one that `status` tells of.
    func file(_ path: String, _ status: FileStatus) -> CachedFile? {
        state.withLock { $0.files[path] }.flatMap { $0.status == status ? $0 : nil }
    }

    func keep(_ file: CachedFile, at path: String) {
        guard file.bytes <= bytesMax else { return }
        state.withLock { state in
            if let old = state.files.removeValue(forKey: path) { state.bytes -= old.bytes }
            if state.bytes + file.bytes > bytesMax { state = State() }
            state.files[path] = file
            state.bytes += file.bytes
        }
    }
}
