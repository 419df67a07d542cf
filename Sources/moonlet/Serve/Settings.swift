// What a server is told, and from where: flag, else environment, else file, else default.

import Application
import ArgumentParser
import Posix

/// The settings of `serve` that also have an environment variable.
///
/// A flag `--shutdown-timeout` is the variable `MOONLET_SHUTDOWN_TIMEOUT`; the flag wins.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A YAML file with these settings.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where to listen: HOST:PORT (port 0 picks one), unix:PATH or fd:N; repeatable.",
            valueName: "place"
        )
    )
    var listen: [String] = []

    @Option(help: ArgumentHelp("A PEM file with the certificate for TLS.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("A PEM file with the certificate's key.", valueName: "file"))
    var tlsKey: String?

    @Option(help: "Threads that run Lua (default: the CPUs and the CPU quota it has).")
    var workers: Int?

    @Option(help: "Threads that serve HTTP.")
    var ioThreads: Int?

    @Option(help: ArgumentHelp("The folder of the web page.", valueName: "dir"))
    var `public`: String?

    @Option(help: "Hosts that requests may name besides the bound ones, separated by commas.")
    var allowedHosts: String?

    @Option(help: "Origins of other sites that may call, separated by commas.")
    var corsOrigins: String?

    @Option(
        help: ArgumentHelp("A YAML file of tokens; read again on SIGHUP.", valueName: "file")
    )
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "on or off: a line in the log for each request that changes something "
                + "(default: on where tokens are).",
            valueName: "word"
        )
    )
    var audit: String?

    @Flag(help: "Serve on an address others can reach without any token.")
    var insecure = false

    @Option(help: ArgumentHelp("text or json (default: text on a terminal).", valueName: "format"))
    var logFormat: String?

    @Option(help: ArgumentHelp("trace, debug, info, warning or error.", valueName: "level"))
    var logLevel: String?

    @Option(help: "How long stopping may take, as in 10s.")
    var shutdownTimeout: String?

    @Option(help: "Processes at once.")
    var maxProcesses: Int?

    @Option(help: "Connections at once.")
    var maxConnections: Int?

    @Option(help: "Connections at once of one peer.")
    var maxConnectionsPerPeer: Int?

    @Option(help: "Event streams at once of one peer.")
    var maxStreamsPerPeer: Int?

    @Option(help: "Requests at once on one HTTP/2 connection.")
    var maxStreamsPerConnection: Int?

    @Option(help: "Bytes of a request's body.")
    var maxBodyBytes: Int?

    @Option(help: "Bytes of a body of lines of JSON (POST /v1/messages).")
    var maxBatchBytes: Int?

    @Option(help: "Bytes of a request's line and headers.")
    var maxHeadBytes: Int?

    @Option(help: "Fields in a request's head.")
    var maxHeaderFields: Int?

    @Option(help: "How long a request's head may take, as in 10s.")
    var headTimeout: String?

    @Option(help: "How long a body may go without progress.")
    var bodyTimeout: String?

    @Option(help: "How long a connection may stay open with no request.")
    var idleTimeout: String?

    @Option(help: "How long a reader may take next to nothing before it is cut off.")
    var writeTimeout: String?

    @Option(help: "Silence on an event stream before a heartbeat.")
    var heartbeat: String?

    @Option(help: "Events the server remembers.")
    var maxEvents: Int?

    @Option(help: "Bytes of events the server remembers.")
    var maxEventBytes: Int?

    @Option(help: ArgumentHelp("First part of every pid.", valueName: "name"))
    var node: String?
}

/// The settings in force.
struct ServeSettings {
    var listen: [ListenSetting] = [.host("127.0.0.1", 7070)]
    /// The PEM files of certificate and key; nil for no TLS.
    var tls: (certificate: String, key: String)?
    var workers: Int?
    var ioThreads = 1
    var publicFolder: String?
    var allowedHosts: [String] = []
    var corsOrigins: [String] = []
    /// MOONLET_TOKEN, which only the environment gives: a command line is there for all to see.
    var token: String?
    var tokenFile: String?
    /// Whether requests that change something are logged; nil to do so where tokens are.
    var audits: Bool?
    var insecure = false
    var logFormat: LogFormat?
    var logLevel = "info"
    var shutdownTimeout = CommandDuration(milliseconds: 10_000)
    var maxProcesses = 1_000_000
    var maxConnections = 16_384
    var maxConnectionsPerPeer = 4_096
    var maxStreamsPerPeer = 64
    var maxStreamsPerConnection = 128
    var maxBodyBytes = 1 << 20
    var maxBatchBytes = 64 << 20
    var maxHeadBytes = 16 << 10
    var maxHeaderFields = 100
    var headTimeout = CommandDuration(milliseconds: 10_000)
    var bodyTimeout = CommandDuration(milliseconds: 30_000)
    var idleTimeout = CommandDuration(milliseconds: 75_000)
    var writeTimeout = CommandDuration(milliseconds: 30_000)
    var heartbeat = CommandDuration(milliseconds: 15_000)
    var maxEvents = 65_536
    var maxEventBytes = 64 << 20
    var node = "moon"
    /// Every setting, and where it comes from: for `moonlet config`.
    var report: [SettingSource.Entry] = []
    /// Sentences for the log: variables nobody knows, with the nearest that exists.
    var warnings: [String] = []

    enum LogFormat: String {
        case text, json
    }

    /// Reads every setting; throws a usage failure that names the flag or variable.
    init(_ options: ServeOptions, environment: [String: String]) throws {
        var source = SettingSource(environment: environment)
        let none = "none"
        if let path = source.text("config", options.config, otherwise: none) {
            try source.read(file: path)
        }
        let places = options.listen.isEmpty ? nil : options.listen.joined(separator: ",")
        if let given = source.text("listen", places, otherwise: "127.0.0.1:7070") {
            // One that came out empty is told: nobody means the default by it.
            listen = try SettingSource.items(given, omittingEmpty: false)
                .map(ListenSetting.init(parsing:))
        }
        tls = try SettingSource.tls(
            source.text("tls-cert", options.tlsCert, otherwise: none),
            source.text("tls-key", options.tlsKey, otherwise: none)
        )
        workers = try source.number(
            "workers",
            options.workers,
            1...1_024,
            otherwise: Processors.allowed
        )
        try source.read("io-threads", options.ioThreads, 1...256, &ioThreads)
        publicFolder = source.text(
            "public",
            options.public,
            otherwise: SharedFiles.publicFolder() ?? none
        )
        allowedHosts = source.list("allowed-hosts", options.allowedHosts, otherwise: none)
        corsOrigins = source.list("cors-origins", options.corsOrigins, otherwise: none)
        token = source.secret("MOONLET_TOKEN", otherwise: none)
        tokenFile = source.text("token-file", options.tokenFile, otherwise: none)
        audits = try source.onOrOff("audit", options.audit, otherwise: hasTokens)
        insecure = try source.flag("insecure", options.insecure)
        let usualFormat = "text on a terminal, else json"
        if let format = source.text("log-format", options.logFormat, otherwise: usualFormat) {
            guard let known = LogFormat(rawValue: format) else {
                throw CommandFailure.usage("log-format is text or json, not \"\(format)\"")
            }
            logFormat = known
        }
        logLevel = source.text("log-level", options.logLevel, otherwise: logLevel) ?? logLevel
        guard LogLevels.known[logLevel] != nil else {
            throw CommandFailure.usage(
                "log-level is trace, debug, info, warning or error, not \"\(logLevel)\""
            )
        }
        try readLimits(options, &source)
        node = source.text("node", options.node, otherwise: node) ?? node
        guard SettingSource.isNodeName(node) else {
            throw CommandFailure.usage(
                "node may hold up to 20 letters, digits, - and _, not \"\(node)\""
            )
        }
        warnings = source.unknownVariables()
        report = source.report
    }

    private mutating func readLimits(
        _ options: ServeOptions,
        _ source: inout SettingSource
    ) throws {
        let big = 1...(1 << 40)
        try source.read("max-processes", options.maxProcesses, 1...16_000_000, &maxProcesses)
        try source.read("max-connections", options.maxConnections, 1...1_000_000, &maxConnections)
        try source.read(
            "max-connections-per-peer",
            options.maxConnectionsPerPeer,
            1...1_000_000,
            &maxConnectionsPerPeer
        )
        try source.read(
            "max-streams-per-peer",
            options.maxStreamsPerPeer,
            1...1_000_000,
            &maxStreamsPerPeer
        )
        try source.read(
            "max-streams-per-connection",
            options.maxStreamsPerConnection,
            1...10_000,
            &maxStreamsPerConnection
        )
        try source.read("max-body-bytes", options.maxBodyBytes, big, &maxBodyBytes)
        try source.read("max-batch-bytes", options.maxBatchBytes, big, &maxBatchBytes)
        try source.read("max-head-bytes", options.maxHeadBytes, 512...(16 << 20), &maxHeadBytes)
        try source.read("max-header-fields", options.maxHeaderFields, 1...10_000, &maxHeaderFields)
        try source.read("max-events", options.maxEvents, 1...10_000_000, &maxEvents)
        try source.read("max-event-bytes", options.maxEventBytes, big, &maxEventBytes)
        try source.read("shutdown-timeout", options.shutdownTimeout, &shutdownTimeout)
        try source.read("head-timeout", options.headTimeout, &headTimeout)
        try source.read("body-timeout", options.bodyTimeout, &bodyTimeout)
        try source.read("idle-timeout", options.idleTimeout, &idleTimeout)
        try source.read("write-timeout", options.writeTimeout, &writeTimeout)
        try source.read("heartbeat", options.heartbeat, &heartbeat)
    }
}

/// Looks settings up and remembers which variables exist.
struct SettingSource {
    /// A setting in force.
    struct Entry {
        var name: String
        var value: String
        /// "flag", a variable's name, `file:line`, or "default".
        var origin: String
    }

    /// Every setting that may stand in a file.
    static let names = [
        "listen", "tls-cert", "tls-key", "workers", "io-threads", "public", "allowed-hosts",
        "cors-origins", "insecure", "token-file", "audit",
        "log-format", "log-level", "shutdown-timeout", "max-processes", "max-connections",
        "max-connections-per-peer", "max-streams-per-peer", "max-streams-per-connection",
        "max-body-bytes", "max-batch-bytes", "max-head-bytes",
        "max-header-fields", "head-timeout", "body-timeout", "idle-timeout", "write-timeout",
        "heartbeat", "max-events", "max-event-bytes", "node",
    ]

    private let environment: [String: String]
    private var file: ConfigurationFile?
    private var known: Set<String> = ["MOONLET_SERVER", "MOONLET_TOKEN", "MOONLET_CA_FILE"]
    private(set) var report: [Entry] = []

    init(environment: [String: String]) {
        self.environment = environment
    }

    static func variable(_ name: String) -> String {
        "MOONLET_" + name.uppercased().replacing("-", with: "_")
    }

    /// What was given for a setting; where nothing was, nil, and `otherwise` is reported.
    mutating func text(_ name: String, _ flag: String?, otherwise: String) -> String? {
        let variable = SettingSource.variable(name)
        known.insert(variable)
        if let flag { return note(name, flag, "flag") }
        if let value = environment[variable] { return note(name, value, variable) }
        guard let file, let value = file.values[name] else {
            note(name, otherwise, "default")
            return nil
        }
        return note(name, value, file.place(of: name) ?? "file")
    }

    /// A variable that is not repeated to anyone.
    mutating func secret(_ variable: String, otherwise: String) -> String? {
        guard let value = environment[variable] else {
            note(variable, otherwise, "default")
            return nil
        }
        note(variable, "(not shown)", variable)
        return value
    }

    @discardableResult
    private mutating func note(_ name: String, _ value: String, _ origin: String) -> String {
        report.append(Entry(name: name, value: value, origin: origin))
        return value
    }

    /// Takes a configuration file in, below flags and environment.
    mutating func read(file path: String) throws {
        do throws(AppProblems) {
            file = try ConfigurationFile(path: path, names: SettingSource.names)
        } catch {
            throw CommandFailure.usage("\(error)")
        }
    }

    mutating func list(_ name: String, _ flag: String?, otherwise: String) -> [String] {
        SettingSource.items(text(name, flag, otherwise: otherwise) ?? "")
    }

    /// What stands between commas, without the space around it.
    static func items(_ text: String, omittingEmpty: Bool = true) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: omittingEmpty).map { item in
            String(item.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    mutating func number(
        _ name: String,
        _ flag: Int?,
        _ range: ClosedRange<Int>,
        otherwise: Int
    ) throws -> Int? {
        guard let text = text(name, flag.map(String.init), otherwise: String(otherwise)) else {
            return nil
        }
        guard let value = Int(text), range.contains(value) else {
            throw CommandFailure.usage(
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
                    + "not \"\(text)\""
            )
        }
        return value
    }

    mutating func read(
        _ name: String,
        _ flag: Int?,
        _ range: ClosedRange<Int>,
        _ value: inout Int
    ) throws {
        value = try number(name, flag, range, otherwise: value) ?? value
    }

    mutating func read(_ name: String, _ flag: String?, _ value: inout CommandDuration) throws {
        guard let text = text(name, flag, otherwise: value.defaultValueDescription) else { return }
        guard let span = CommandDuration(argument: text), span.milliseconds > 0 else {
            throw CommandFailure.usage("\(name) must be a duration like 10s, not \"\(text)\"")
        }
        value = span
    }

    mutating func flag(_ name: String, _ flag: Bool) throws -> Bool {
        guard let text = text(name, flag ? "true" : nil, otherwise: "false") else { return false }
        switch text.lowercased() {
        case "1", "true", "yes": return true
        case "0", "false", "no", "": return false
        default:
            throw CommandFailure.usage("\(name) must be true or false, not \"\(text)\"")
        }
    }

    mutating func onOrOff(_ name: String, _ flag: String?, otherwise: Bool) throws -> Bool? {
        switch text(name, flag, otherwise: otherwise ? "on" : "off")?.lowercased() {
        case nil: return nil
        case "on", "true", "1", "yes": return true
        case "off", "false", "0", "no": return false
        case let text?:
            throw CommandFailure.usage("\(name) must be on or off, not \"\(text)\"")
        }
    }

    /// Certificate and key: both or none.
    static func tls(_ certificate: String?, _ key: String?) throws -> (
        certificate: String, key: String
    )? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (certificate, key)
        default:
            let missing = key == nil ? "tls-key" : "tls-cert"
            throw CommandFailure.usage(
                "tls-cert and tls-key go together, and \(missing) is missing"
            )
        }
    }

    static func isNodeName(_ name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
        }
        return allowed && (1...20).contains(name.utf8.count)
    }

    /// A sentence for each MOONLET_ variable that means nothing, with the nearest that does.
    func unknownVariables() -> [String] {
        environment.keys.filter { $0.hasPrefix("MOONLET_") && !known.contains($0) }.sorted().map {
            name in
            let nearest = known.min { distance($0, name) < distance($1, name) }
            return "unknown variable \(name)" + (nearest.map { ": did you mean \($0)?" } ?? "")
        }
    }

    /// How many letters must change, come or go to turn one word into the other.
    private func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        var row = Array(0...other.count)
        for (i, a) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in other.enumerated() {
                let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[other.count]
    }
}
