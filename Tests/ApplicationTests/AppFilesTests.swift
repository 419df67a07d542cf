import Application
import Foundation
import Testing

@Suite struct AppFilesTests {
    private func index(source: String) -> String {
        indexHead + "  - {name: x, kind: process.lua, source: '\(source)'}\n"
    }

    @Test(
        arguments: [
            ([0x1B, 0x4C, 0x75, 0x61, 0x54], "found Lua bytecode, expected source text"),
            ([0x72, 0xFF, 0x0A], "expected UTF-8 text"),
            ([0x72, 0x00, 0x0A], "a zero byte in what should be text"),
            ([UInt8](repeating: 0x20, count: 512 * 1024 + 1), "larger than 512 KiB"),
        ] as [([UInt8], String)]
    )
    func `a source that is no text of a sane size is refused`(
        bytes: [UInt8],
        problem: String
    ) throws {
        let app = try TemporaryApp(["_index.yaml": index(source: "file://w.lua")])
        try app.write("w.lua", bytes)
        #expect(
            app.problems() == [
                "_index.yaml:8:42: error: \"app:x\": source file://w.lua: \(problem)"
            ]
        )
    }

    @Test func `a source of the largest size loads`() throws {
        let app = try TemporaryApp(["_index.yaml": index(source: "file://w.lua")])
        try app.write("w.lua", [UInt8](repeating: 0x20, count: 512 * 1024))
        #expect(app.problems().isEmpty)
    }

    @Test func `bytecode in the YAML itself is refused`() throws {
        let yaml = indexHead + "  - {name: x, kind: process.lua, source: \"\\eLuaT\"}\n"
        let found = try problems(ofIndex: yaml)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("found Lua bytecode, expected source text") == true)
    }

    @Test func `a link out of the folder is refused, one inside it is followed`() throws {
        let outside = try TemporaryApp(["secret.lua": "return 'secret'", "d/s.lua": "return 1"])
        let app = try TemporaryApp([
            "_index.yaml": index(source: "file://link.lua"),
            "real.lua": "return 'inside'",
        ])
        try app.link("link.lua", to: outside.path + "/secret.lua")
        let refused = [
            "_index.yaml:8:42: error: \"app:x\": source file://link.lua: "
                + "it leaves the app folder through a link"
        ]
        #expect(app.problems() == refused)

        try FileManager.default.removeItem(atPath: app.path + "/link.lua")
        try app.link("link.lua", to: "real.lua")
        #expect(try app.load().entries[0].sourceText == "return 'inside'")

        try app.link("d", to: outside.path + "/d")
        try app.write("_index.yaml", Array(index(source: "file://d/s.lua").utf8))
        #expect(
            app.problems() == [
                "_index.yaml:8:42: error: \"app:x\": source file://d/s.lua: "
                    + "it leaves the app folder through a link",
                "d: warning: a link to a folder is not followed",
            ]
        )
    }

    @Test func `a link to itself is no file`() throws {
        let app = try TemporaryApp(["_index.yaml": index(source: "file://loop.lua")])
        try app.link("loop.lua", to: "loop.lua")
        #expect(
            app.problems() == [
                "_index.yaml:8:42: error: \"app:x\": source file://loop.lua: no such file"
            ]
        )
    }

    @Test func `a folder whose name only begins like the app's is outside it`() throws {
        let app = try TemporaryApp(["_index.yaml": index(source: "file://link.lua")])
        let sibling = app.path + "-more"
        try FileManager.default.createDirectory(
            atPath: sibling,
            withIntermediateDirectories: false
        )
        defer { try? FileManager.default.removeItem(atPath: sibling) }
        try Data("return 1".utf8).write(to: URL(fileURLWithPath: sibling + "/s.lua"))
        try app.link("link.lua", to: sibling + "/s.lua")
        #expect(app.problems().first?.hasSuffix("it leaves the app folder through a link") == true)
    }

    @Test func `an app reached through a link loads`() throws {
        let app = try TemporaryApp([
            "_index.yaml": index(source: "file://w.lua"), "w.lua": "return 1",
        ])
        let link = app.path + "-link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: app.path)
        defer { try? FileManager.default.removeItem(atPath: link) }
        #expect(try AppLoader.load(folder: link).entries.map(\.id) == ["app:x"])
        #expect(try AppLoader.load(folder: link + "/").entries.map(\.id) == ["app:x"])
    }

    @Test func `a source may be anywhere inside the folder`() throws {
        let app = try TemporaryApp([
            "_index.yaml": indexHead,
            "a/b/_index.yaml": "version: '1.0'\nnamespace: b\nentries:\n"
                + "  - {name: x, kind: process.lua, source: 'file://../shared/./w.lua'}",
            "a/shared/w.lua": "return 1",
        ])
        #expect(try app.load().entries[0].sourcePath == "a/shared/w.lua")
    }

    @Test func `hidden folders are not searched`() throws {
        let app = try TemporaryApp([
            "_index.yaml": index(source: "return 1"), ".git/_index.yaml": "odd",
        ])
        #expect(app.problems().isEmpty)
    }

    @Test func `a volume that switches a hidden link loads once`() throws {
        let app = try TemporaryApp(["..v1/_index.yaml": index(source: "file://w.lua")])
        try app.write("..v1/w.lua", Array("return 1".utf8))
        try app.link("..data", to: "..v1")
        try app.link("_index.yaml", to: "..data/_index.yaml")
        try app.link("w.lua", to: "..data/w.lua")
        #expect(app.problems().isEmpty)
        #expect(try app.load().entries.map(\.id) == ["app:x"])
    }

    @Test func `a pipe in the place of a source is refused and not waited for`() throws {
        let app = try TemporaryApp(["_index.yaml": index(source: "file://pipe.lua")])
        let made = app.path.withCString { _ in mkfifo(app.path + "/pipe.lua", 0o600) }
        try #require(made == 0)
        #expect(
            app.problems() == [
                "_index.yaml:8:42: error: \"app:x\": source file://pipe.lua: "
                    + "expected an ordinary file"
            ]
        )
    }

    @Test func `what stands before a program's first line is taken off as Lua does`() throws {
        let app = try TemporaryApp([
            "_index.yaml": index(source: "file://w.lua"), "w.lua": "\u{FEFF}#!lua\r\nreturn 1",
        ])
        #expect(try app.load().entries[0].sourceText == "\r\nreturn 1")
    }
}

@Suite struct HostileYAMLTests {
    @Test func `an index that is too large is refused unread`() throws {
        let app = try TemporaryApp()
        try app.write("_index.yaml", [UInt8](repeating: 0x20, count: 1 << 20 | 1))
        #expect(app.problems().first == "_index.yaml: error: larger than 1024 KiB")
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "x: [", "- {a: ["])
    func `nesting without end is refused`(open: String) throws {
        let found = try problems(ofIndex: String(repeating: open, count: 100_000))
        #expect(found.first?.contains("not YAML") == true, "\(found)")
    }

    @Test func `aliases that multiply are stopped`() throws {
        var yaml = indexHead + "  - name: x\n    kind: process.lua\n    source: return 1\n"
        yaml += "    meta:\n      l0: &l0 [1, 2]\n"
        for level in 1..<30 {
            let ten = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "      l\(level): &l\(level) [\(ten)]\n"
        }
        let found = try problems(ofIndex: yaml)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("more values than an index may have") == true)
    }

    @Test(arguments: [
        "? *a\n: 1", "*a : 1", "? [*a]\n: 1", "[*a]: 1", "b: {*a : 1}", "b: {[*a]: 1}",
    ])
    func `keys made of aliases are refused before they are hashed`(key: String) throws {
        var yaml = "l0: &l0 [1]\n"
        for level in 1..<40 {
            yaml += "l\(level): &l\(level) [*l\(level - 1), *l\(level - 1)]\n"
        }
        yaml += key.replacing("*a", with: "*l39")
        let found = try problems(ofIndex: yaml)
        #expect(found.first?.contains("keys that are aliases") == true, "\(found)")
    }

    @Test(arguments: ["{[1]: 2}", "{{}: 2}"])
    func `keys that are no words are told`(meta: String) throws {
        let found = try problems(
            ofEntries: "  - {name: x, kind: process.lua, source: return 1, meta: \(meta)}"
        )
        #expect(found.count == 1)
        #expect(found.first?.contains("expected a name, found a") == true)
    }
}
