// What all client commands have in common: which server, which token, which output.

import ArgumentParser

/// How a command shows what it got.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    /// Tables and sentences, for people.
    case text
    /// The server's own JSON, for programs.
    case json
}

struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server to talk to: http://, https:// or unix:PATH (environment: MOONLET_SERVER; "
                + "default: \(ServerAddress.defaultURL)).",
            valueName: "url"
        )
    )
    var server: String?

    @Option(help: "The token to show the server (environment: MOONLET_TOKEN).")
    var token: String?

    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities to trust instead of the system's (environment: "
                + "MOONLET_CA_FILE).",
            valueName: "file"
        )
    )
    var caFile: String?

    @Option(name: .shortAndLong, help: "How to print: text for people, json as the server sent it.")
    var output = OutputFormat.text

    /// The client for the server meant: flag, else environment, else the default address.
    func client() throws(CommandFailure) -> APIClient {
        let url = server ?? Terminal.environment("MOONLET_SERVER") ?? ServerAddress.defaultURL
        let token = token ?? Terminal.environment("MOONLET_TOKEN")
        if let token, !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw .usage("a token has only visible ASCII characters, and this one has others.")
        }
        return APIClient(
            address: try ServerAddress(parsing: url),
            token: token,
            authoritiesFile: caFile ?? Terminal.environment("MOONLET_CA_FILE")
        )
    }

    /// Prints an answer: its JSON as it came, or what `text` makes of it.
    func show(
        _ answer: Answer,
        text: (JSONValue) throws(CommandFailure) -> String
    ) throws(CommandFailure) {
        switch output {
        case .json: Terminal.print(bytes: answer.body)
        case .text: Terminal.print(try text(answer.json()))
        }
    }
}
