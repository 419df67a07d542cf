internal import Foundation

/// The app's folder, and the promise that nothing is read from outside it.
struct AppFiles {
    /// The folder's real path: absolute, without symbolic links.
    let root: String

    /// The name of the files that describe an app.
    static let indexName = "_index.yaml"
    /// How deep folders are searched for those files.
    static let foldersDeepMax = 32

    /// Throws a sentence where there is no such folder.
    init(folder: String) throws(FileFault) {
        guard FileManager.default.fileExists(atPath: folder) else {
            throw FileFault("no such folder")
        }
        guard AppFiles.isFolder(folder) else { throw FileFault("expected a folder, found a file") }
        root = AppFiles.realPath(folder)
    }

    /// Why a file could not be had, in words.
    struct FileFault: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    // MARK: Finding

    /// All `_index.yaml` in the folder and below, as paths relative to it, sorted.
    ///
    /// Hidden folders are left out, and links to folders are not followed: where a volume is
    /// published by switching a link, the same file would else be found twice.
    func indexes(_ log: ProblemLog) -> [String] {
        var found: [String] = []
        search("", deep: 0, &found, log)
        return found.sorted()
    }

    private func search(_ folder: String, deep: Int, _ found: inout [String], _ log: ProblemLog) {
        let path = folder.isEmpty ? root : root + "/" + folder
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            log.error("the folder can't be read", at: AppPlace(file: folder.isEmpty ? "." : folder))
            return
        }
        for name in names.sorted() where !name.hasPrefix(".") {
            let relative = folder.isEmpty ? name : folder + "/" + name
            switch kind(of: relative) {
            case .typeDirectory where deep < AppFiles.foldersDeepMax:
                search(relative, deep: deep + 1, &found, log)
            case .typeDirectory:
                let message = "folders nest deeper than \(AppFiles.foldersDeepMax): not searched"
                log.warning(message, at: AppPlace(file: relative))
            case .typeSymbolicLink where AppFiles.isFolder(root + "/" + relative):
                log.warning("a link to a folder is not followed", at: AppPlace(file: relative))
            default:
                if name == AppFiles.indexName { found.append(relative) }
            }
        }
    }

    private func kind(of relative: String) -> FileAttributeType? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: root + "/" + relative)
        return attributes?[.type] as? FileAttributeType
    }

    private static func isFolder(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: realPath(path))
        return attributes?[.type] as? FileAttributeType == .typeDirectory
    }

    // MARK: Reading

    /// The path, relative to the app's folder, that `path` written in a file of `folder` means.
    ///
    /// Throws where that leaves the app's folder, by itself or through a link, and where there is
    /// no such file.
    func resolve(_ path: String, from folder: String) throws(FileFault) -> String {
        guard !path.utf8.contains(0) else { throw FileFault("a zero byte in the path") }
        guard !path.hasPrefix("/") else { throw FileFault("expected a path inside the app folder") }
        var parts = folder.split(separator: "/")
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                throw FileFault("it leaves the app folder")
            }
        }
        let relative = parts.joined(separator: "/")
        let real = AppFiles.realPath(root + "/" + relative)
        guard real.hasPrefix(root == "/" ? "/" : root + "/") || real == root else {
            throw FileFault("it leaves the app folder through a link")
        }
        guard FileManager.default.fileExists(atPath: real) else { throw FileFault("no such file") }
        return relative
    }

    /// The text of a file given relative to the app's folder.
    func text(of relative: String, bytesMax: Int) throws(FileFault) -> String {
        try AppFiles.text(atPath: root + "/" + relative, bytesMax: bytesMax)
    }

    /// The text of any file; throws unless it is an ordinary one of at most `bytesMax` UTF-8 bytes.
    static func text(atPath path: String, bytesMax: Int) throws(FileFault) -> String {
        let real = realPath(path)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: real) else {
            throw FileFault("no such file")
        }
        // Anything else may block whoever opens it, or never end.
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw FileFault("expected an ordinary file")
        }
        guard let file = FileHandle(forReadingAtPath: real) else {
            throw FileFault("the file can't be read")
        }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: bytesMax + 1) ?? Data() else {
            throw FileFault("the file can't be read")
        }
        guard data.count <= bytesMax else {
            throw FileFault("larger than \(bytesMax / 1024) KiB")
        }
        guard !data.starts(with: [0x1B, 0x4C, 0x75, 0x61]) else {
            throw FileFault("found Lua bytecode, expected source text")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw FileFault("expected UTF-8 text")
        }
        guard !data.contains(0) else { throw FileFault("a zero byte in what should be text") }
        return text
    }

    /// The folder part of a relative path; empty for the app's folder itself.
    static func folder(of relative: String) -> String {
        relative.split(separator: "/").dropLast().joined(separator: "/")
    }

    private static func realPath(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
}
