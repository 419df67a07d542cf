import ArgumentParser

struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a process, wait for it and print its result as JSON.",
        discussion: """
            A process that fails is exit code 1, with its error on standard error. One that does \
            not end in time is terminated, exit code 124; with --detach it goes on.

            EXAMPLES:
              moonlet exec app.test.process:pool
              moonlet exec app.test.process:task_worker --arg '{"value": 21}' --timeout 2s
            """
    )

    @OptionGroup var spawn: SpawnOptions

    @Option(help: "How long to wait, like 500ms, 30s or 5m.")
    var timeout = CommandDuration(milliseconds: 30_000)

    @Flag(help: "Let the process go on when the time is over.")
    var detach = false

    @OptionGroup var client: ClientOptions

    func run() throws {
        var body = try spawn.body()
        body.set("timeout_ms", timeout.milliseconds)
        if detach { body.set("on_timeout", "detach") }
        let answer = try client.client().request(
            "POST",
            ["v1", "exec"],
            body: body,
            patience: timeout
        )
        let json = try answer.json()
        let failed = try json.text("outcome") == "error"
        if client.output == .json || !failed {
            try client.show(answer) { json in (json["result"] ?? .null).compactText + "\n" }
        }
        if failed { throw CommandFailure.processFailed(describeError(json["error"])) }
    }
}
