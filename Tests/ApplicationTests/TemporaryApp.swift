import Application
import Foundation
import Testing

/// A folder of files for one test; gone with it.
final class TemporaryApp {
    let path: String

    /// Makes the files: paths relative to the folder, with their texts.
    init(_ files: [String: String] = [:]) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-app-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
        for (name, text) in files { try write(name, Array(text.utf8)) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = URL(fileURLWithPath: path).appendingPathComponent(name)
        let folder = file.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func link(_ name: String, to target: String) throws {
        let at = path + "/" + name
        try FileManager.default.createSymbolicLink(atPath: at, withDestinationPath: target)
    }

    func load(_ check: AppLoader.SourceCheck? = nil) throws(AppProblems) -> Application {
        try AppLoader.load(folder: path, sourceCheck: check)
    }

    /// All that loading finds, one line each.
    func problems(_ check: AppLoader.SourceCheck? = nil) -> [String] {
        do throws(AppProblems) {
            return try load(check).warnings.map(\.description)
        } catch {
            return error.problems.map(\.description)
        }
    }
}

/// The problems of an app that is one index, with a good `worker.lua` beside it.
func problems(ofIndex yaml: String) throws -> [String] {
    let app = try TemporaryApp(["_index.yaml": yaml, "worker.lua": "return {}"])
    return app.problems()
}

/// The problems of an app whose index has a host and `entries` (indented by two), from line 8 on.
func problems(ofEntries entries: String) throws -> [String] {
    try problems(ofIndex: indexHead + entries)
}

let indexHead = """
    version: "1.0"
    namespace: app
    entries:
      - name: processes
        kind: process.host
        host: {max_processes: 5}


    """
