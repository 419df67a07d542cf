// Applications that tests write: one namespace, one host, a Lua file for each entry.

import Foundation

/// A folder with an app in it, gone with this object.
final class TemporaryApp: Sendable {
    let path: String

    /// Entries `app.test:NAME` with their programs, on host `app:processes`.
    init(_ entries: [(name: String, source: String)]) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-e2e-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
        Leftovers.add(folder: path)
        try write(
            "_index.yaml",
            """
            version: "1.0"
            namespace: app
            entries:
              - name: processes
                kind: process.host
                host: {max_processes: 200000}

            """
        )
        let listed = entries.map { entry in
            "  - {name: \(entry.name), kind: process.lua, source: \"file://\(entry.name).lua\"}"
        }
        try write(
            "test/_index.yaml",
            "version: \"1.0\"\nnamespace: app.test\nentries:\n"
                + listed.joined(separator: "\n") + "\n"
        )
        for entry in entries { try write("test/\(entry.name).lua", entry.source) }
    }

    /// A folder with just these files.
    init(files: [(name: String, text: String)]) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-e2e-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
        Leftovers.add(folder: path)
        for file in files { try write(file.name, file.text) }
    }

    deinit {
        Leftovers.remove(folder: path)
    }

    private func write(_ name: String, _ text: String) throws {
        let file = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: file)
    }
}
