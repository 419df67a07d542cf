import ArgumentParser

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show all there is to know about one process.",
        discussion: """
            A process that ended a short while ago is shown with how it ended.

            EXAMPLES:
              moonlet inspect @greeter
              moonlet inspect n1.8f3a.42 -o json
            """
    )

    @Argument(help: "A pid, or @ and a registered name.")
    var process: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        let answer = try client.client().request("GET", ["v1", "processes", process])
        try client.show(answer) { json in Self.text(json) }
    }

    /// The fields as lines, in the order the server has them, nested ones below their parent.
    static func text(_ json: JSONValue) -> String {
        var lines: [(String, String)] = []
        collect(json, prefix: "", into: &lines)
        let width = lines.map { $0.0.count }.max() ?? 0
        return lines.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + value + "\n"
        }
        .joined()
    }

    private static func collect(
        _ json: JSONValue,
        prefix: String,
        into lines: inout [(String, String)]
    ) {
        for member in json.members where member.name != "position" {
            let (name, value) = (member.name, member.value)
            switch value {
            case .object where !value.members.isEmpty && name != "result" && name != "details":
                collect(value, prefix: prefix + name + ".", into: &lines)
            case .array(let items) where items.allSatisfy { $0.string != nil }:
                let texts = items.compactMap { $0.string }.map(Table.oneLine)
                lines.append((prefix + name, texts.isEmpty ? "-" : texts.joined(separator: ", ")))
            default:
                lines.append((prefix + name, cell(value)))
            }
        }
    }
}
