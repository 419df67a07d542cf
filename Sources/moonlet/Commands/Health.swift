import ArgumentParser

struct Health: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask whether the server is ready.",
        discussion: """
            Exit code 0 when it is, 1 when it says it is not, 5 when nothing answers: made for a \
            container's HEALTHCHECK.
            """
    )

    @OptionGroup var client: ClientOptions

    func run() throws {
        do throws(CommandFailure) {
            let answer = try client.client().request("GET", ["readyz"])
            try client.show(answer) { _ in "ready\n" }
        } catch {
            guard error.code == .refused else { throw error }
            throw CommandFailure.processFailed(error.message)
        }
    }
}
