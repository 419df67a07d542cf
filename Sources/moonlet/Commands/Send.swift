import ArgumentParser

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a message into a process's mailbox.",
        discussion: """
            Success means it is in the mailbox of a live process. Without a payload the process \
            gets nil.

            EXAMPLES:
              moonlet send @greeter greet '"Ada"'
              moonlet send @greeter stop
              moonlet send n1.8f3a.42 jobs '{"id": 7}'
            """
    )

    @Argument(help: "A pid, or @ and a registered name.")
    var destination: String

    @Argument(help: "The topic.")
    var topic: String

    @Argument(help: ArgumentHelp("The payload, as JSON.", valueName: "json"))
    var payload: String?

    @OptionGroup var client: ClientOptions

    func run() throws {
        var body = JSONBody()
        body.set("topic", topic)
        if let payload { try body.set("payload", raw: payload, option: "the payload") }
        let answer = try client.client().request(
            "POST",
            ["v1", "processes", destination, "messages"],
            body: body
        )
        try client.show(answer) { _ in "" }
    }
}
