import ArgumentParser

struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until a process ends and print its result as JSON.",
        discussion: """
            Exit code 0 for a normal end, 1 for any other, with the error on standard error; 124 \
            when the time is over first.

            EXAMPLES:
              moonlet wait @greeter
              moonlet wait n1.8f3a.42 --timeout 60s
            """
    )

    /// The longest wait one request may ask for (openapi.yaml, waitForProcess).
    private static let requestMilliseconds = 60_000

    @Argument(help: "A pid, or @ and a registered name.")
    var process: String

    @Option(help: "How long to wait, like 500ms, 30s or 5m (default: for ever).")
    var timeout: CommandDuration?

    @OptionGroup var client: ClientOptions

    func run() throws {
        let api = try client.client()
        let answer = try waitForExit(api)
        let json = try answer.json()
        let normal = try json.text("reason") == "normal"
        if client.output == .json || normal {
            try client.show(answer) { json in (json["result"] ?? .null).compactText + "\n" }
        }
        guard normal else {
            throw CommandFailure.processFailed(describeExit(json))
        }
    }

    /// Asks again until the exit record comes; a name is asked for once, then its pid is.
    private func waitForExit(_ api: APIClient) throws(CommandFailure) -> Answer {
        var left = timeout?.milliseconds
        var target = process
        while true {
            let span = min(left ?? Self.requestMilliseconds, Self.requestMilliseconds)
            let answer = try api.request(
                "GET",
                ["v1", "processes", target, "wait"],
                query: [("timeout_ms", String(span))],
                patience: CommandDuration(milliseconds: span)
            )
            guard answer.status == 202 else { return answer }
            target = try answer.json().text("pid")
            if let remaining = left {
                left = remaining - span
                if remaining <= span { throw .timeout("\(process) is still running.") }
            }
        }
    }
}
