import ArgumentParser

/// `moonlet config`: the settings in force and where each comes from.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print the settings in force, and where each comes from.",
        discussion: """
            Takes the options of serve. A flag wins over its MOONLET_ variable, that over the file of
            --config, that over the default.

            EXAMPLES:
              moonlet config
              MOONLET_LOG_LEVEL=debug moonlet config --config moonlet.yaml
            """
    )

    @OptionGroup var options: ServeOptions

    func run() throws {
        let settings = try ServeSettings(options, environment: Environment.all)
        for warning in settings.warnings { Terminal.complain(warning) }
        for entry in settings.report {
            Terminal.print("\(entry.name): \(entry.value)  (\(entry.origin))\n")
        }
    }
}
