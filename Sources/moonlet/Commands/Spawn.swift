import ArgumentParser

struct Spawn: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a process and print its pid.",
        discussion: """
            EXAMPLES:
              moonlet spawn app.test.process:pool
              moonlet spawn app.test.process:task_worker --arg '{"task_id": 1, "value": 21}'
              moonlet spawn app.demo:greeter --name greeter
            """
    )

    @OptionGroup var spawn: SpawnOptions
    @OptionGroup var client: ClientOptions

    func run() throws {
        let answer = try client.client().request(
            "POST",
            ["v1", "processes"],
            body: spawn.body()
        )
        try client.show(answer) { json throws(CommandFailure) in try json.text("pid") + "\n" }
    }
}
