import ArgumentParser

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List live processes.",
        discussion: """
            EXAMPLES:
              moonlet ps
              moonlet ps --entry 'app.test.process:*' --sort=-memory
              moonlet ps --state running -o json
            """
    )

    @Option(help: "Only those in this state: ready, running or waiting.")
    var state: String?

    @Option(help: "Only those of this entry; a trailing * matches any ending.")
    var entry: String?

    @Option(help: "Only those on this host.")
    var host: String?

    @Option(help: "Only those with a name that begins so.")
    var namePrefix: String?

    @Option(help: "Order: started, memory, mailbox or cpu; -memory is the largest first.")
    var sort: String?

    @Option(help: "The longest list wanted, up to 1000.")
    var limit = 1000

    @Option(help: "Where to go on, as the list before said.")
    var cursor: String?

    @OptionGroup var client: ClientOptions

    func run() throws {
        let optional = [
            ("state", state), ("entry", entry), ("host", host), ("name_prefix", namePrefix),
            ("sort", sort), ("cursor", cursor),
        ]
        let query = optional.compactMap { name, value in value.map { (name, $0) } }
        let answer = try client.client().request(
            "GET",
            ["v1", "processes"],
            query: query + [("limit", String(limit))]
        )
        try client.show(answer) { json in Self.text(json) }
        if client.output == .text, let next = try answer.json()["next_cursor"]?.string {
            Terminal.complain("There are more: moonlet ps --cursor \(next)")
        }
    }

    /// The table of a page.
    static func text(_ json: JSONValue) -> String {
        var table = Table([
            "PID", "ENTRY", "NAME", "STATE", "STARTED", "MEMORY", "MAILBOX", "CPU", "WAITING FOR",
        ])
        for item in json["items"]?.array ?? [] {
            table.append([
                cell(item["pid"]),
                cell(item["entry"]),
                list(item["names"]),
                cell(item["state"]),
                readableTime(item["started_at"]?.string ?? ""),
                readableBytes(item["memory_bytes"]?.integer ?? 0),
                cell(item["mailbox"]?["messages"]),
                "\((item["cpu_ns"]?.integer ?? 0) / 1_000_000) ms",
                list(item["waiting_for"]),
            ])
        }
        return table.text
    }

    private static func list(_ value: JSONValue?) -> String {
        (value?.array ?? []).map { cell($0) }.joined(separator: ",")
    }
}
