import ArgumentParser

struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version of this program and of the server.",
        discussion: "Works without a server too."
    )

    @OptionGroup var client: ClientOptions

    func run() throws {
        let api = try client.client()
        let server = try serverVersion(api)
        switch client.output {
        case .text:
            Terminal.print("moonlet \(Version.current)\n")
            Terminal.print("server  \(server.map { cell($0) } ?? "none") at \(api.address)\n")
        case .json:
            var body = JSONBody()
            body.set("client", Version.current)
            body.set("server", json: server ?? .null)
            Terminal.print(body.text + "\n")
        }
    }

    /// The server's version; nil where there is no server.
    private func serverVersion(_ api: APIClient) throws(CommandFailure) -> JSONValue? {
        do throws(CommandFailure) {
            return try api.request("GET", ["v1", "system"]).json()["version"]
        } catch {
            guard error.code == .unreachable else { throw error }
            return nil
        }
    }
}
