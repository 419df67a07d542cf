import Access
import Application
import ArgumentParser

/// `moonlet token`: a new token, and its entry for the tokens file.
struct MakeToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token for a tokens file.",
        discussion: """
            The entry goes to standard output, the token itself to standard error, once: only its
            SHA-256 is kept anywhere. SIGHUP makes a running server read its tokens file again.

            SCOPES:
              read     look at processes, names, the application, the server
              spawn    start processes           send    put messages into mailboxes
              control  cancel, kill, link, name  events  follow the events
              admin    everything
            All but admin may be narrowed to an entry or a name, or all that begin so:
            spawn:app.jobs:*

            EXAMPLES:
              moonlet token ci --scope read --scope 'spawn:app.jobs:*' >> tokens.yaml
              moonlet serve app --token-file tokens.yaml --listen 0.0.0.0:7070
              MOONLET_TOKEN=$(moonlet token --plain) moonlet serve app
            """
    )

    @Argument(help: "What the log is to call its holder.")
    var name = "admin"

    @Option(name: [.customLong("scope")], help: "What it allows (default: admin).")
    var scopes: [String] = []

    @Option(help: "When it ends, as in 2027-01-01 or 2027-01-01T12:00:00Z (default: never).")
    var expires: String?

    @Flag(help: "Print the token alone, on standard output.")
    var plain = false

    func run() throws {
        var generator = SystemRandomNumberGenerator()
        let token = "mlt_" + Secret.make { generator.next() }
        if plain {
            Terminal.print(token + "\n")
            return
        }
        Terminal.print(try entry(token))
        Terminal.complain("the token, shown this once: \(token)")
    }

    /// The token's entry as the file has it, which is read like the file to find what is wrong.
    private func entry(_ token: String) throws -> String {
        let scopes = (scopes.isEmpty ? ["admin"] : scopes).map(Self.quoted)
        var lines = [
            "- name: \(Self.quoted(name))", "  sha256: \(Digest(of: token).hexadecimal)",
            "  scopes: [\(scopes.joined(separator: ", "))]",
        ]
        if let expires { lines.append("  expires: \(Self.quoted(expires))") }
        let text = lines.joined(separator: "\n") + "\n"
        do throws(AppProblems) {
            _ = try TokensFile.tokens(in: text, file: "the entry")
        } catch {
            throw CommandFailure.usage(error.problems.map(\.message).joined(separator: "\n"))
        }
        return text
    }

    /// In YAML's single quotes, in which nothing but a quote means anything.
    private static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "''") + "'"
    }
}
