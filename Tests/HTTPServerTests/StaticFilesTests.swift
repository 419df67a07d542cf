import Foundation
import HTTP
import Posix
import Testing

@testable import HTTPServer

@Suite struct `Static files` {
    /// A folder with a file outside of it, and links to and fro; removed afterwards.
    private func withFolder(_ body: (StaticFiles, URL) throws -> Void) throws {
        let manager = FileManager.default
        let root = manager.temporaryDirectory.appending(path: UUID().uuidString)
        let folder = root.appending(path: "public")
        try manager.createDirectory(
            at: folder.appending(path: "sub"),
            withIntermediateDirectories: true
        )
        defer { try? manager.removeItem(at: root) }
        for (name, content) in [
            ("public/index.html", "<p>"), ("public/app.js", "js"), ("public/sub/a b.txt", "text"),
            ("public/raw", "raw"), ("secret", "secret"),
            ("public/big", String(repeating: "x", count: 1001)),
        ] {
            try Data(content.utf8).write(to: root.appending(path: name))
        }
        for (name, target) in [
            ("inside", "app.js"), ("escape", "../secret"), ("absolute", "/etc/passwd"),
            ("folder", ".."),
        ] {
            try manager.createSymbolicLink(
                atPath: folder.appending(path: name).path,
                withDestinationPath: target
            )
        }
        #expect(mkfifo(folder.appending(path: "fifo").path, 0o600) == 0)
        try body(try StaticFiles(folder: folder.path, fileBytesMax: 1000), folder)
    }

    private func text(_ response: Response?) -> String? {
        guard case .bytes(let bytes) = response?.body else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `are served with their type, and to be asked for again`() throws {
        try withFolder { files, _ in
            for (path, content, type) in [
                ("/", "<p>", "text/html; charset=utf-8"),
                ("/index.html", "<p>", "text/html; charset=utf-8"),
                ("/app.js", "js", "text/javascript; charset=utf-8"),
                ("/sub/a%20b.txt", "text", "text/plain; charset=utf-8"),
                ("/raw", "raw", "application/octet-stream"),
            ] {
                let response = try #require(files.response(path: path))
                #expect(response.status == 200)
                #expect(text(response) == content)
                #expect(response.headers["Content-Type"] == type)
                #expect(response.headers["Cache-Control"] == "no-cache")
                #expect(response.headers["X-Content-Type-Options"] == "nosniff")
                #expect(response.headers["Accept-Ranges"] == nil)
            }
        }
    }

    @Test(arguments: [
        "/none", "/sub", "/sub/", "/raw/", "/..", "/../secret", "/%2e%2e/secret", "/..%2fsecret",
        "/sub/../../secret", "/%00", "/app.js%00", "//etc/passwd", "/%2fetc%2fpasswd", "/escape",
        "/absolute", "/folder/secret", "/fifo", "/big", "relative", "/%zz", "",
    ])
    func `outside of the folder, or no regular small files, are not there`(path: String) throws {
        try withFolder { files, _ in #expect(files.response(path: path)?.status == nil) }
    }

    @Test func `that are linked to inside the folder are served`() throws {
        try withFolder { files, _ in #expect(text(files.response(path: "/inside")) == "js") }
    }

    @Test func `unchanged are not sent again`() throws {
        try withFolder { files, folder in
            let tag = try #require(files.response(path: "/app.js")?.headers["ETag"])
            for match in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let response = files.response(path: "/app.js", ifNoneMatch: match)
                #expect(response?.status == 304)
                #expect(response?.headers["ETag"] == tag)
                #expect(text(response) == nil)
            }
            #expect(files.response(path: "/app.js", ifNoneMatch: "\"x\"")?.status == 200)
            try Data("longer".utf8).write(to: folder.appending(path: "app.js"))
            let changed = files.response(path: "/app.js", ifNoneMatch: tag)
            #expect(changed?.status == 200)
            #expect(text(changed) == "longer")
        }
    }
}
