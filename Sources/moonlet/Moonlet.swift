// The entry point: one binary, a subcommand for each thing it does.
//
// Exit codes are part of the interface (CommandFailure.Code). ArgumentParser's own code for usage
// errors is 64; ours is 2, as shells and most tools have it.

import ArgumentParser
import Posix

@main
struct Moonlet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moonlet",
        abstract: "Isolated Lua processes, controlled over HTTP.",
        discussion: """
            Start a server, then talk to it from another terminal:

              moonlet serve examples/worker-pool
              moonlet exec app.test.process:pool
              moonlet ps

            EXIT CODES:
              0 ok, 1 the process failed, 2 usage, 3 not found, 4 refused by the server,
              5 no server reachable, 124 timeout.

            ENVIRONMENT:
              MOONLET_SERVER  the server to talk to (default \(ServerAddress.defaultURL))
              MOONLET_TOKEN   the token to show it
              MOONLET_CA_FILE the authorities to trust (PEM; default: the system's)
            """,
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Application",
                subcommands: [
                    Serve.self, Run.self, Check.self, Config.self, MakeToken.self,
                ]
            ),
            CommandGroup(
                name: "Process",
                subcommands: [
                    List.self, Spawn.self, Exec.self, Send.self, Call.self, Inspect.self,
                    Wait.self, Cancel.self, Kill.self,
                ]
            ),
            CommandGroup(
                name: "Server",
                subcommands: [Names.self, Events.self, Health.self, ShowVersion.self]
            ),
        ]
    )

    /// Runs the command the arguments name and exits with its code.
    static func main() {
        StandardStreams.openClosed()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            // What was logged before comes before.
            ServerLog.flush()
            Terminal.complain("moonlet: " + failure.message)
            exit(withError: ExitCode(failure.code.rawValue))
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Terminal.complain(fullMessage(for: error))
            exit(withError: ExitCode(CommandFailure.Code.usage.rawValue))
        }
    }
}
