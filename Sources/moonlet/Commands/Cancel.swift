import ArgumentParser

struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a process to end.",
        discussion: """
            The process gets a CANCEL event, and may heed it or not. With --grace it is terminated \
            if it is still alive that much later.

            EXAMPLES:
              moonlet cancel @long --reason deploy --grace 5s
            """
    )

    @Argument(help: "A pid, or @ and a registered name.")
    var process: String

    @Option(help: "Why; the process can read it.")
    var reason: String?

    @Option(help: "How long until it is terminated, like 500ms or 5s (default: never).")
    var grace: CommandDuration?

    @OptionGroup var client: ClientOptions

    func run() throws {
        var body = JSONBody()
        if let reason { body.set("reason", reason) }
        if let grace { body.set("grace_ms", grace.milliseconds) }
        let answer = try client.client().request(
            "POST",
            ["v1", "processes", process, "cancel"],
            body: body
        )
        try client.show(answer) { _ in "" }
    }
}
