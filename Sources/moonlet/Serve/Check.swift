import Application
import ArgumentParser

/// `moonlet check`: all problems of an app, without running it.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check an application and report all its problems.",
        discussion: """
            APP is a folder with _index.yaml files, or one Lua file. Problems are reported together,
            each with file and line. Exit code 0: good (warnings are allowed), 1: not.

            EXAMPLES:
              moonlet check examples/worker-pool
              moonlet check hello.lua
            """
    )

    @Argument(help: "The application.")
    var app: String

    func run() throws {
        let application = try Apps.load(app, nil)
        for warning in application.warnings { Terminal.complain("\(warning)") }
        let counts = [
            (application.entries.count, "entry", "entries"),
            (application.hosts.count, "host", "hosts"),
            (application.services.count, "service", "services"),
        ]
        let words = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        Terminal.print("ok: \(words.isEmpty ? "nothing" : words.joined(separator: ", "))\n")
    }
}
