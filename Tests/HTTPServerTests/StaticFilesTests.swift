import Foundation
import HTTP
import Posix
import Synchronization
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
                let response = try #require(try files.response(path: path))
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
        try withFolder { files, _ in
            let response = try files.response(path: path)
            #expect(response?.status == nil)
        }
    }

    @Test func `that are linked to inside the folder are served`() throws {
        try withFolder { files, _ in
            let response = try files.response(path: "/inside")
            #expect(text(response) == "js")
        }
    }

    @Test func `that are hidden are not served, but for what is well known`() throws {
        try withFolder { files, folder in
            for place in [".hidden", ".git/config", "sub/.env", ".well-known/.key"] {
                let file = folder.appending(path: place)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data("secret".utf8).write(to: file)
                #expect(try files.response(path: "/" + place)?.status == nil, "\(place)")
            }
            #expect(try files.response(path: "/%2ehidden")?.status == nil)
            #expect(try files.response(path: "/sub/%2Eenv")?.status == nil)
            let known = folder.appending(path: ".well-known/security.txt")
            try Data("known".utf8).write(to: known)
            let open = try files.response(path: "/.well-known/security.txt")
            #expect(text(open) == "known")
        }
    }

    @Test func `of text are coded for those who take it, under another tag`() throws {
        try withFolder { files, folder in
            let text = String(repeating: "<p>the same again</p>", count: 40)
            try Data(String(text + text).prefix(1000).utf8)
                .write(to: folder.appending(path: "page.html"))
            #expect(try files.response(path: "/page.html", takesGzip: true)?.headers["Vary"] == nil)
            let large = try StaticFiles(folder: folder.path)
            try Data((text + text).utf8).write(to: folder.appending(path: "page.html"))
            try Data((text + text).utf8).write(to: folder.appending(path: "page.png"))
            let plain = try #require(try large.response(path: "/page.html"))
            let coded = try #require(try large.response(path: "/page.html", takesGzip: true))
            #expect(plain.headers["Content-Encoding"] == nil)
            #expect(coded.headers["Content-Encoding"] == "gzip")
            #expect([plain, coded].allSatisfy { $0.headers["Vary"] == "Accept-Encoding" })
            #expect(plain.headers["ETag"] != coded.headers["ETag"])
            #expect(self.text(plain) == text + text)
            guard case .bytes(let bytes) = coded.body else {
                Issue.record("no content")
                return
            }
            #expect(try unzipped(bytes) == text + text)
            let tag = try #require(coded.headers["ETag"])
            let again = try large.response(path: "/page.html", ifNoneMatch: tag, takesGzip: true)
            #expect(again?.status == 304)
            #expect(try large.response(path: "/page.html", ifNoneMatch: tag)?.status == 200)
            let picture = try large.response(path: "/page.png", takesGzip: true)
            #expect(picture?.headers["Content-Encoding"] == nil)
        }
    }

    @Test func `are not coded for those who do not take it`() throws {
        try withTexts(count: 1, bytes: 1 << 20) { files in
            let (plain, coded) = (
                try time { _ = try files.response(path: "/0.txt") },
                try time { _ = try files.response(path: "/0.txt", takesGzip: true) }
            )
            // Reading takes a few hundred microseconds, coding tens of milliseconds.
            #expect(plain * 3 < coded, "\(plain) \(coded)")
        }
    }

    @Test func `of more than 1 MiB are never coded`() throws {
        try withTexts(count: 1, bytes: (1 << 20) + 1) { files in
            let response = try #require(try files.response(path: "/0.txt", takesGzip: true))
            #expect(response.headers["Content-Encoding"] == nil)
            #expect(response.headers["Vary"] == nil)
        }
    }

    @Test func `are neither read nor coded for an answer without content`() throws {
        try withTexts(count: 6, bytes: 8 << 20) { files in
            let reading = try time { _ = try files.response(path: "/0.txt") }
            let tag = try #require(
                try files.response(path: "/1.txt", isHead: true)?.headers["ETag"]
            )
            let asking = try time {
                for index in 0..<6 {
                    let head = try files.response(
                        path: "/\(index).txt",
                        isHead: true,
                        takesGzip: true
                    )
                    #expect(head?.omittedBytes == 8 << 20)
                    #expect(text(head) == nil)
                }
                #expect(try files.response(path: "/1.txt", ifNoneMatch: tag)?.status == 304)
            }
            #expect(asking < reading, "\(asking) \(reading)")
        }
    }

    @Test func `have one length for HEAD and for GET, coded or not`() throws {
        try withTexts(count: 1, bytes: 5_000) { files in
            for takesGzip in [false, true] {
                let head = try files.response(path: "/0.txt", isHead: true, takesGzip: takesGzip)
                let get = try files.response(path: "/0.txt", takesGzip: takesGzip)
                guard case .bytes(let bytes) = get?.body else {
                    Issue.record("no content")
                    return
                }
                #expect(head?.omittedBytes == bytes.count)
                #expect(head?.headers["ETag"] == get?.headers["ETag"])
                #expect(head?.headers["Content-Encoding"] == get?.headers["Content-Encoding"])
            }
        }
    }

    /// Whether no descriptor is left, as a test says.
    private final class Shortage: Sendable {
        private let value = Mutex<Errno?>(nil)
        var error: Errno? { value.withLock { $0 } }
        func begin(_ error: Errno?) { value.withLock { $0 = error } }
    }

    @Test func `that cannot be opened now are not called missing`() throws {
        try withFolder { _, folder in
            let shortage = Shortage()
            let files = try StaticFiles(folder: folder.path, fileBytesMax: 1000) {
                (directory, path) throws(Errno) in
                if let error = shortage.error { throw error }
                return try directory.open(beneath: path)
            }
            let tag = try files.response(path: "/app.js")?.headers["ETag"]
            for error in [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory] as [Errno] {
                shortage.begin(error)
                #expect(throws: error) { try files.response(path: "/index.html") }
                // A copy at hand is better than an error.
                let copy = try files.response(path: "/app.js")
                #expect(text(copy) == "js")
                #expect(copy?.headers["ETag"] == tag)
                #expect(try files.response(path: "/app.js", isHead: true)?.omittedBytes == 2)
            }
            shortage.begin(Errno(EIO))
            #expect(throws: Errno(EIO)) { try files.response(path: "/app.js") }
            for error in [
                .noSuchFile, .notDirectory, .accessDenied, .symbolicLinkLoop, .crossDevice,
                .nameTooLong, .noSuchDevice,
            ] as [Errno] {
                shortage.begin(error)
                #expect(try files.response(path: "/app.js")?.status == nil)
            }
        }
    }

    /// A folder of texts that do not code to nothing: `0.txt`, `1.txt` and so on.
    private func withTexts(count: Int, bytes: Int, _ body: (StaticFiles) throws -> Void) throws {
        let manager = FileManager.default
        let folder = manager.temporaryDirectory.appending(path: UUID().uuidString)
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? manager.removeItem(at: folder) }
        var state: UInt64 = 1
        let letters = (0..<bytes).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(ascii: "a") + UInt8(state >> 60)
        }
        for index in 0..<count {
            try Data(letters).write(to: folder.appending(path: "\(index).txt"))
        }
        try body(try StaticFiles(folder: folder.path))
    }

    /// Nanoseconds of this thread's CPU time, which other threads of a busy machine do not add to.
    private func time(_ body: () throws -> Void) throws -> UInt64 {
        let start = threadNanoseconds()
        try body()
        return threadNanoseconds() - start
    }

    private func threadNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    /// What gzip itself makes of coded bytes.
    private func unzipped(_ bytes: [UInt8]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gz")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    @Test func `unchanged are not sent again`() throws {
        try withFolder { files, folder in
            let tag = try #require(try files.response(path: "/app.js")?.headers["ETag"])
            for match in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let response = try files.response(path: "/app.js", ifNoneMatch: match)
                #expect(response?.status == 304)
                #expect(response?.headers["ETag"] == tag)
                #expect(text(response) == nil)
            }
            #expect(try files.response(path: "/app.js", ifNoneMatch: "\"x\"")?.status == 200)
            try Data("longer".utf8).write(to: folder.appending(path: "app.js"))
            let changed = try files.response(path: "/app.js", ifNoneMatch: tag)
            #expect(changed?.status == 200)
            #expect(text(changed) == "longer")
        }
    }
}
