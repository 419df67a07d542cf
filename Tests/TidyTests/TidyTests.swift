import Testing

@Suite struct TidyTests {
    private func expectNone(_ findings: [Finding]) {
        for finding in findings { Issue.record("\(finding)") }
    }

    // MARK: The project

    @Test func `Swift calls no Lua function that jumps`() {
        #expect(Project.sources.count > 50)
        expectNone(Project.sources.filter { $0.target != "CLuaShim" }.flatMap(Tidy.raisingCalls))
    }

    @Test func `rooms import only what they may`() {
        expectNone(Project.sources.flatMap(Tidy.imports))
    }

    @Test func `no trap depends on luck`() {
        expectNone(Project.sources.flatMap(Tidy.luck))
    }

    @Test func `work left over names its issue`() {
        expectNone((Project.sources + Project.tests).filter { !isTidy($0) }.flatMap(Tidy.leftovers))
    }

    @Test func `unchecked promises say why they hold`() {
        expectNone(Project.sources.flatMap(Tidy.uncheckedPromises))
    }

    @Test func `tests do not sleep`() {
        expectNone(Project.tests.filter { !isTidy($0) }.flatMap(Tidy.sleeps))
    }

    private func isTidy(_ file: SourceFile) -> Bool { file.path.hasPrefix("Tests/TidyTests/") }

    // MARK: The checks

    private func file(_ text: String, _ path: String = "Sources/HTTP/A.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test func `a raising call is found, one in a comment is not`() {
        let found = Tidy.raisingCalls(file("let a = 1\nunsafe lua_error(L)\n// lua_error(L)"))
        #expect(found.map(\.line) == [2])
        #expect(Tidy.raisingCalls(file("unsafe luaL_checkstack(L, 1, nil)")).count == 1)
        #expect(Tidy.raisingCalls(file("unsafe lua_pushnil(L)")).isEmpty)
    }

    @Test func `a forbidden import is found, with or without an access level`() {
        #expect(Tidy.imports(file("package import CLua")).count == 1)
        #expect(Tidy.imports(file("import Foundation")).count == 1)
        #expect(Tidy.imports(file("import Yams", "Sources/Application/A.swift")).isEmpty)
    }

    @Test func `a lucky trap is found`() {
        #expect(Tidy.luck(file("let x = try! f()")).count == 1)
        #expect(Tidy.luck(file("let x = y as! Int")).count == 1)
        #expect(Tidy.luck(file("fatalError()")).count == 1)
        #expect(Tidy.luck(file("let x = try? f()")).isEmpty)
    }

    @Test func `a leftover is found unless it names an issue`() {
        #expect(Tidy.leftovers(file("// TODO: later")).count == 1)
        #expect(Tidy.leftovers(file("// TODO(#3): later")).isEmpty)
    }

    @Test func `a promise needs its reason nearby`() {
        let bare = "final class A: @unchecked Sendable {\n    var x = 1\n}"
        #expect(Tidy.uncheckedPromises(file(bare)).count == 1)
        let explained = "final class A: @unchecked Sendable {\n    // Sendable: one thread.\n}"
        #expect(Tidy.uncheckedPromises(file(explained)).isEmpty)
    }

    @Test func `a sleep is found, Lua's in a script is not`() {
        #expect(Tidy.sleeps(file("usleep(10)")).count == 1)
        #expect(Tidy.sleeps(file("let s = \"time.sleep('1s')\"")).isEmpty)
        #expect(Tidy.sleeps(file("    time.sleep(\"1s\")")).isEmpty)
        #expect(Tidy.sleeps(file("usleep(10); print(\"done\")")).count == 1)
        #expect(Tidy.sleeps(file("print(\"a \\\" b\"); usleep(10)")).count == 1)
        #expect(Tidy.sleeps(file("func `a sleep is short`() { usleep(10) }")).count == 1)
        #expect(Tidy.sleeps(file("func `a sleep is short`() { run(\"sleep 1\") }")).isEmpty)
    }
}
