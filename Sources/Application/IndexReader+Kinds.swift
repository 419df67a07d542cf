internal import Yams

extension IndexReader {
    /// Fields every kind of entry has.
    private static let common = ["name", "kind", "meta"]

    // MARK: Programs

    /// A process or a library; `sourceText` is what stands in the YAML until the sources are read.
    func program(_ fields: Fields, _ header: EntryHeader, _ kind: AppEntry.Kind) -> AppEntry {
        var known = IndexReader.common + ["source", "modules", "imports"]
        if kind == .process { known += ["method", "limits"] }
        fields.finish(known: known)
        let expected = "\"file://name.lua\", or the program itself"
        let source = fields.required("source", expected)
        let sourcePlace = fields.place(of: "source")
        if source?.scalar?.string == "" {
            let message = "\(fields.subject): source is empty; expected \(expected)"
            reading.log.error(message, at: sourcePlace)
        }
        return AppEntry(
            id: header.id,
            kind: kind,
            sourceText: fields.text("source") ?? "",
            sourcePath: nil,
            sourceLineOffset: IndexReader.lineOffset(of: source?.scalar, at: sourcePlace),
            sourcePlace: sourcePlace,
            method: method(fields),
            modules: modules(fields),
            imports: imports(fields),
            limits: limits(fields.mapping("limits")),
            meta: header.meta,
            place: header.place
        )
    }

    /// The file's line before a program's first, for a program that stands in the YAML itself.
    private static func lineOffset(of scalar: Node.Scalar?, at place: AppPlace) -> Int {
        switch scalar?.style {
        case .literal, .folded: place.line
        default: max(place.line - 1, 0)
        }
    }

    private func method(_ fields: Fields) -> String {
        guard let method = fields.text("method") else { return "main" }
        if method.isEmpty || method.utf8.count > AppName.bytesMax {
            let message = "\(fields.subject): method: expected a function's name"
            reading.log.error(message, at: fields.place(of: "method"))
        }
        return method
    }

    private func modules(_ fields: Fields) -> [String] {
        var modules: [String] = []
        for (module, node) in fields.texts("modules") where !modules.contains(module) {
            guard AppName.builtInModules.contains(module) else {
                let hint = suggestion(for: module, among: AppName.builtInModules)
                let known = AppName.builtInModules.joined(separator: ", ")
                reading.error(
                    "\(fields.subject): unknown module \"\(module)\""
                        + (hint.isEmpty ? "; expected one of \(known)" : hint),
                    at: node
                )
                continue
            }
            modules.append(module)
        }
        return modules
    }

    private func imports(_ fields: Fields) -> [AppImport] {
        guard let pairs = fields.mapping("imports")?.textPairs else { return [] }
        return pairs.compactMap { alias, id, node in
            if let fault = IndexReader.faultOfAlias(alias) {
                reading.error("\(fields.subject): import \"\(alias)\": \(fault)", at: node)
                return nil
            }
            guard let reference = reference(id, node, "\(fields.subject): import \"\(alias)\"")
            else { return nil }
            return AppImport(alias: alias, id: reference.id, place: reference.place)
        }
    }

    private static func faultOfAlias(_ alias: String) -> String? {
        if AppName.builtInModules.contains(alias) {
            return "a built-in module has that name; expected another alias"
        }
        return AppName.isIdentifier(alias) ? nil : "expected a name Lua code can use for a global"
    }

    private func reference(_ id: String, _ node: Node, _ subject: String) -> AppReference? {
        guard AppName.isID(id) else {
            let message = "\(subject): expected an id such as \"app:name\", found \"\(id)\""
            reading.error(message, at: node)
            return nil
        }
        return AppReference(id: id, place: reading.place(of: node))
    }

    // MARK: Limits

    private static let limitNames = [
        "memory_bytes", "mailbox_messages", "mailbox_bytes", "cpu_ms", "lifetime_ms",
    ]
    /// A bare Lua state with its libraries takes some tens of KiB.
    private static let memoryBytes = 1 << 16...1 << 40
    private static let mailboxMessages = 1...100_000_000
    private static let mailboxBytes = 1 << 10...1 << 40
    /// About 31 years; zero for no limit.
    private static let milliseconds = 0...1_000_000_000_000

    private func limits(_ fields: Fields?) -> AppLimits {
        var limits = AppLimits()
        guard let fields else { return limits }
        fields.finish(known: IndexReader.limitNames)
        limits.memoryBytes = fields.integer("memory_bytes", in: IndexReader.memoryBytes)
        limits.mailboxMessages = fields.integer(
            "mailbox_messages",
            in: IndexReader.mailboxMessages
        )
        limits.mailboxBytes = fields.integer("mailbox_bytes", in: IndexReader.mailboxBytes)
        limits.cpuMilliseconds = fields.integer("cpu_ms", in: IndexReader.milliseconds)
        limits.lifetimeMilliseconds = fields.integer("lifetime_ms", in: IndexReader.milliseconds)
        return limits
    }

    // MARK: Hosts

    func host(_ fields: Fields, _ header: EntryHeader) -> AppHost {
        fields.finish(known: IndexReader.common + ["host", "lifecycle"])
        // A host runs as long as the server does; its lifecycle is read for its mistakes only.
        _ = lifecycle(fields)
        let host = fields.mapping("host")
        host?.finish(known: ["max_processes", "workers", "limits"])
        return AppHost(
            id: header.id,
            maxProcesses: host?.integer("max_processes", in: 0...100_000_000),
            workers: host?.integer("workers", in: 1...1_024),
            limits: limits(host?.mapping("limits")),
            meta: header.meta,
            place: header.place
        )
    }

    // MARK: Services

    /// A service; a reference it lacks has an empty id.
    func service(_ fields: Fields, _ header: EntryHeader) -> AppService {
        fields.finish(known: IndexReader.common + ["process", "host", "input", "lifecycle"])
        _ = fields.required("process", "the id of a process.lua")
        return AppService(
            id: header.id,
            process: reference(fields, "process"),
            host: reference(fields, "host"),
            input: fields.list("input").map(reading.payload),
            lifecycle: lifecycle(fields),
            meta: header.meta,
            place: header.place
        )
    }

    private func reference(_ fields: Fields, _ name: String) -> AppReference {
        guard let node = fields[name], let id = fields.text(name),
            let reference = reference(id, node, "\(fields.subject): \(name)")
        else { return AppReference(id: "", place: fields.place(of: name)) }
        return reference
    }

    private func lifecycle(_ entry: Fields) -> AppLifecycle {
        var lifecycle = AppLifecycle()
        guard let fields = entry.mapping("lifecycle") else { return lifecycle }
        fields.finish(
            known: [
                "auto_start", "requires", "start_timeout", "stop_timeout", "stable_threshold",
                "restart",
            ]
        )
        lifecycle.requires = fields.texts("requires").compactMap { id, node in
            reference(id, node, "\(fields.subject): requires")
        }
        if let value = fields.bool("auto_start") { lifecycle.autoStart = value }
        if let value = fields.duration("start_timeout") {
            lifecycle.startTimeoutNanoseconds = value
        }
        if let value = fields.duration("stop_timeout") { lifecycle.stopTimeoutNanoseconds = value }
        if let value = fields.duration("stable_threshold") {
            lifecycle.stableThresholdNanoseconds = value
        }
        lifecycle.restart = restart(fields)
        return lifecycle
    }

    private func restart(_ lifecycle: Fields) -> AppRestart {
        var restart = AppRestart()
        guard let fields = lifecycle.mapping("restart") else { return restart }
        fields.finish(
            known: ["initial_delay", "max_delay", "backoff_factor", "jitter", "max_attempts"]
        )
        if let value = fields.duration("initial_delay") { restart.initialDelayNanoseconds = value }
        if let value = fields.duration("max_delay") { restart.maxDelayNanoseconds = value }
        if let value = fields.number("backoff_factor", in: 1...100) {
            restart.backoffFactor = value
        }
        if let value = fields.number("jitter", in: 0...1) { restart.jitter = value }
        if let value = fields.integer("max_attempts", in: 0...1_000_000_000) {
            restart.maxAttempts = value
        }
        if restart.maxDelayNanoseconds < restart.initialDelayNanoseconds {
            let message = "\(fields.subject): max_delay is shorter than initial_delay"
            reading.log.error(message, at: fields.place)
        }
        return restart
    }
}
