import Application
import Foundation
import Testing

@Suite struct ConfigurationFileTests {
    private func file(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-\(UUID().uuidString).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private let names = ["listen", "log-level", "allowed-hosts"]

    @Test func `settings read with either kind of dash, lists joined, places kept`() throws {
        let path = try file("log_level: debug\nlisten: 127.0.0.1:0\nallowed-hosts: [a, b]\n")
        let settings = try ConfigurationFile(path: path, names: names)
        #expect(settings.values["log-level"] == "debug")
        #expect(settings.values["listen"] == "127.0.0.1:0")
        #expect(settings.values["allowed-hosts"] == "a,b")
        #expect(settings.place(of: "listen") == "\(path):2")
        #expect(settings.place(of: "node") == nil)
    }

    @Test func `an empty file gives nothing`() throws {
        #expect(try ConfigurationFile(path: try file(""), names: names).values.isEmpty)
    }

    @Test(arguments: [
        ("listn: x", ":1:1: error: unknown setting \"listn\"; did you mean \"listen\"?"),
        ("listen: {a: 1}", ":1:1: error: listen: expected a word, a number or a list of them"),
        ("- a", ": error: expected settings"),
        ("a: [", "not YAML"),
        ("listen: a\nlisten: b", "given more than once"),
    ])
    func `what is wrong is told with its line`(text: String, problem: String) throws {
        let path = try file(text)
        do {
            _ = try ConfigurationFile(path: path, names: names)
            Issue.record("read without an error")
        } catch {
            #expect("\(error)".contains(problem), "\(error)")
        }
    }

    @Test func `all problems are told together, a missing file too`() throws {
        let path = try file("listn: x\nlog_lvel: y\n")
        do {
            _ = try ConfigurationFile(path: path, names: names)
            Issue.record("read without an error")
        } catch {
            #expect(error.problems.count == 2)
        }
        #expect(throws: AppProblems.self) {
            try ConfigurationFile(path: "/nowhere/moonlet.yaml", names: names)
        }
    }
}
