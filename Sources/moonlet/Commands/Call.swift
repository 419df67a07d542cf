import ArgumentParser

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a message to a process and print what it sends back, as JSON.",
        discussion: """
            The process sees a pid of the caller's own as the message's from; the first message \
            sent there is the answer. Exit code 124 when none comes in time, 4 when the process \
            ends first.

            EXAMPLES:
              moonlet call @greeter greet '"Ada"'
              moonlet call @greeter greet '"Bob"' --timeout 500ms
            """
    )

    @Argument(help: "A pid, or @ and a registered name.")
    var destination: String

    @Argument(help: "The topic.")
    var topic: String

    @Argument(help: ArgumentHelp("The payload, as JSON.", valueName: "json"))
    var payload: String?

    @Option(help: "How long to wait, like 500ms, 30s or 5m.")
    var timeout = CommandDuration(milliseconds: 5_000)

    @OptionGroup var client: ClientOptions

    func run() throws {
        var body = JSONBody()
        body.set("topic", topic)
        if let payload { try body.set("payload", raw: payload, option: "the payload") }
        body.set("timeout_ms", timeout.milliseconds)
        let answer = try client.client().request(
            "POST",
            ["v1", "processes", destination, "call"],
            body: body,
            patience: timeout
        )
        try client.show(answer) { json in (json["payload"] ?? .null).compactText + "\n" }
    }
}
