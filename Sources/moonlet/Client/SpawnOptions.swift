// What `spawn` and `exec` have in common: the process to start.

import ArgumentParser

struct SpawnOptions: ParsableArguments {
    @Argument(help: "The entry to run, like app.test.process:pool.")
    var entry: String

    @Option(help: "The host to run it on; may be left out where the application has one.")
    var host: String?

    @Option(help: "A name to register for it; if taken, nothing is spawned.")
    var name: String?

    @Option(
        name: .customLong("arg"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "An argument, as JSON; may be repeated.",
            discussion: "A string needs its quotes: --arg '\"text\"'.",
            valueName: "json"
        )
    )
    var arguments: [String] = []

    /// The body fields these options stand for.
    func body() throws(CommandFailure) -> JSONBody {
        var body = JSONBody()
        body.set("entry", entry)
        if let host { body.set("host", host) }
        if let name { body.set("name", name) }
        if !arguments.isEmpty { try body.set("args", rawItems: arguments, option: "--arg") }
        return body
    }
}
