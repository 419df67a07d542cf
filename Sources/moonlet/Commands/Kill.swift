import ArgumentParser

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a process now, whatever it does.",
        discussion: """
            None of its code runs afterwards. To ask politely, use cancel.

            EXAMPLES:
              moonlet kill @runaway
            """
    )

    @Argument(help: "A pid, or @ and a registered name.")
    var process: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        _ = try client.client().request("DELETE", ["v1", "processes", process])
    }
}
