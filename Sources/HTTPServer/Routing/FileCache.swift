// What was read from a folder of files, kept as long as the file system says that it is still so.

import HTTP
import Posix
import Synchronization

/// Contents of files, by path and form; where there is no room, what was asked for longest ago goes.
///
/// A folder of web pages fits. One that does not costs a reading for each file that has gone, and
/// nothing of the others.
final class FileCache: Sendable {
    /// How a file's content is kept.
    enum Form: Hashable, Sendable {
        case plain
        case gzip
    }

    private struct Key: Hashable {
        let path: String
        let form: Form
    }

    private struct Entry {
        /// What the file system said of the file whose content this is.
        let status: FileStatus
        let content: [UInt8]
        /// The count of lookups when it was asked for last.
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var uses: UInt64 = 0

        mutating func remove(_ key: Key) {
            guard let old = entries.removeValue(forKey: key) else { return }
            bytes -= old.content.count
        }
    }

    /// Looking for the oldest asks each entry: with so many that takes some microseconds.
    private static let entriesMax = 1_024

    private let bytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// The content in that form, where the file is the one that `status` tells of.
    func content(_ path: String, _ form: Form, _ status: FileStatus) -> [UInt8]? {
        state.withLock { state in
            let key = Key(path: path, form: form)
            guard let entry = state.entries[key], entry.status == status else { return nil }
            state.uses += 1
            state.entries[key]?.lastUse = state.uses
            return entry.content
        }
    }

    /// What the file system said of the file at a path whose content is kept in some form.
    func status(of path: String) -> FileStatus? {
        state.withLock { state in
            (state.entries[Key(path: path, form: .plain)]
                ?? state.entries[Key(path: path, form: .gzip)])?.status
        }
    }

    /// Keeps a content that fits at all.
    func keep(_ content: [UInt8], _ form: Form, of status: FileStatus, at path: String) {
        guard content.count <= bytesMax else { return }
        state.withLock { state in
            let key = Key(path: path, form: form)
            state.remove(key)
            while state.entries.count >= Self.entriesMax
                || state.bytes + content.count > bytesMax
            {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
                else { break }
                state.remove(oldest.key)
            }
            state.uses += 1
            state.entries[key] = Entry(status: status, content: content, lastUse: state.uses)
            state.bytes += content.count
        }
    }
}
