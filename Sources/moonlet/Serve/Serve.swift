import Application
import ArgumentParser
import Logging
import LuaLibraries

/// `moonlet serve`: an app over HTTP, until a signal ends it.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve an application over HTTP.",
        discussion: """
            APP is a folder with _index.yaml files, or one Lua file. Without it the server starts
            with no entries.

            EXAMPLES:
              moonlet serve examples/worker-pool
              moonlet serve hello.lua --listen 127.0.0.1:0
              MOONLET_LOG_LEVEL=debug moonlet serve app --workers 4

            Every option can be given as an environment variable: --shutdown-timeout is
            MOONLET_SHUTDOWN_TIMEOUT. The option wins.

            SIGTERM or Ctrl-C stops in order; a second one stops at once.
            """
    )

    @Argument(help: "The application.")
    var app: String?

    @OptionGroup var options: ServeOptions

    func run() throws {
        let settings = try ServeSettings(options, environment: Environment.all)
        let logger = ServerLog.start(settings)
        for warning in settings.warnings { logger.warning("\(warning)") }
        let application = try app.map { try Apps.load($0, logger) }
        let server = try Server(settings, application, logger)
        try server.runUntilSignal()
    }
}
