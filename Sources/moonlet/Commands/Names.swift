import ArgumentParser

struct Names: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the registered names.",
        discussion: """
            EXAMPLES:
              moonlet names
              moonlet names -o json
            """
    )

    @OptionGroup var client: ClientOptions

    func run() throws {
        let answer = try client.client().request("GET", ["v1", "names"])
        try client.show(answer) { json in
            var table = Table(["NAME", "PID"])
            for item in json["items"]?.array ?? [] {
                table.append([cell(item["name"]), cell(item["pid"])])
            }
            return table.text
        }
    }
}
