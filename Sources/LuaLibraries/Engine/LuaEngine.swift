import LuaVM
package import Payload
import Posix
package import ProcessRuntime
import Synchronization

/// What an app offers, ready to be run: entries, hosts, and how a process of them is made.
package final class LuaEngine: Sendable {
    package let runtime: Runtime
    package let entries: [EntryInfo]
    package let hosts: [HostInfo]
    /// The largest payload of one message, in bytes.
    package let payloadBytesMax: Int
    private let programs: NameIndex<Result<LoadedProgram, SpawnFault>>
    private let hostsByID: NameIndex<Host>
    /// Each process's random numbers begin from one of these, all different.
    private let seeds = Atomic<UInt64>(SystemRandom.next())
    /// Whether states are forked; where the self-check failed they are booted.
    package let forks: Bool
    private let logSink: @Sendable (LogLine) -> Void

    package struct EntryInfo: Sendable {
        package var id: String
        /// "process.lua", "library.lua" or "process.service".
        package var kind: String
        package var method: String
        /// Free-form; JSON-shaped.
        package var meta: Payload
    }

    package struct HostInfo: Sendable {
        package var id: String
        /// Zero for no limit.
        package var processesMax: Int
        package var limits: ProcessLimits

        package init(id: String, processesMax: Int = 0, limits: ProcessLimits = ProcessLimits()) {
            self.id = id
            self.processesMax = processesMax
            self.limits = limits
        }
    }

    /// What the shim calls, installed once: engines may be made while others run.
    private static let callbacks: Void = {
        LuaWorker.tuneMalloc()
        LoggerLibrary.installPrint()
        ErrorsLibrary.installText()
        ProcessLibrary.installSenderText()
    }()

    /// Compiles every entry; those that don't compile fail when they are spawned.
    package init(
        runtime: Runtime,
        entries: [SourceEntry],
        hosts: [HostInfo],
        payloadBytesMax: Int = 16 << 20,
        log: @escaping @Sendable (LogLine) -> Void
    ) {
        self.runtime = runtime
        self.hosts = hosts
        self.payloadBytesMax = payloadBytesMax
        logSink = log
        self.entries = entries.map { entry in
            EntryInfo(
                id: entry.id,
                kind: entry.isLibrary ? "library.lua" : "process.lua",
                method: entry.method,
                meta: entry.meta
            )
        }
        hostsByID = NameIndex(hosts.map { ($0.id, Host($0)) })
        _ = Self.callbacks
        var builder = ProgramBuilder(entries)
        programs = NameIndex(
            entries.map { entry in
                (
                    entry.id,
                    entry.isLibrary
                        ? .failure(.notAProcess(entry.id))
                        : builder.program(entry.id, LuaEngine.compile).map(LoadedProgram.init)
                )
            }
        )
        forks = LoadedProgram.selfCheck()
    }

    func log(_ line: LogLine) { logSink(line) }

    // MARK: Compiling

    /// Sources larger than this are refused: some compile in quadratic time.
    package static let sourceBytesMax = 512 * 1_024
    private static let compileMemoryBytes = 256 << 20

    /// Compiles one entry; nil when it is good, else the line (0 where unknown) and the message.
    package static func check(_ entry: SourceEntry) -> (line: Int, message: String)? {
        guard case .failure(.badSource(let message)) = compile(entry) else { return nil }
        let prefix = entry.id + ":"
        let rest = message.hasPrefix(prefix) ? message.dropFirst(prefix.count) : message[...]
        let digits = rest.prefix { $0.isNumber }
        guard let line = Int(digits) else { return (0, message) }
        return (line, String(rest.dropFirst(digits.count + 1).drop { $0 == " " }))
    }

    private static func compile(_ entry: SourceEntry) -> Result<[UInt8], SpawnFault> {
        let source = Array(entry.source.utf8)
        if source.first == 0x1B {
            return .failure(.badSource("\(entry.id): bytecode is refused: sources are text"))
        }
        if source.count > sourceBytesMax {
            return .failure(
                .badSource(
                    "\(entry.id): \(source.count) bytes of source, at most \(sourceBytesMax)"
                )
            )
        }
        return compile(source, name: "=" + entry.id)
    }

    private static func compile(_ source: [UInt8], name: String) -> Result<[UInt8], SpawnFault> {
        guard let machine = LuaMachine(memoryLimitBytes: compileMemoryBytes, seed: 0) else {
            return .failure(.refused(.processLimit))
        }
        let thread = machine.main
        do throws(LuaLoadFault) {
            try machine.load(source, name: name, isBinary: false, onto: thread)
        } catch {
            return .failure(.badSource(error.message))
        }
        guard let binary = machine.dump(thread) else { return .failure(.refused(.processLimit)) }
        return .success(binary)
    }

    // MARK: Spawning

    /// What a spawn from outside asks for.
    package struct SpawnOrder: Sendable {
        package var entry: String
        /// nil: the app's only host.
        package var host: String?
        package var arguments: [Payload] = []
        package var name: String?
        /// A table, or nil.
        package var context: Payload?
        package var messages: [(topic: String, payload: Payload)] = []
        package var limits = LimitsOrder()

        package init(entry: String) {
            self.entry = entry
        }
    }

    /// Limits a caller wants instead of the host's; nil keeps the host's.
    package struct LimitsOrder: Sendable {
        package var memoryBytes: Int?
        package var mailboxMessages: Int?
        package var mailboxBytes: Int?
        package var cpuMilliseconds: Int?
        package var lifetimeMilliseconds: Int?
        package init() {}

        package func apply(to limits: inout ProcessLimits) {
            // Zero means no limit.
            func size(_ wanted: Int) -> Int { wanted == 0 ? 1 << 40 : wanted }
            if let memoryBytes { limits.memoryBytes = size(memoryBytes) }
            if let mailboxMessages { limits.mailboxMessages = size(mailboxMessages) }
            if let mailboxBytes { limits.mailboxBytes = size(mailboxBytes) }
            if let cpuMilliseconds { limits.cpuNanoseconds = nanoseconds(cpuMilliseconds) }
            if let lifetimeMilliseconds {
                limits.lifetimeNanoseconds = nanoseconds(lifetimeMilliseconds)
            }
        }

        private func nanoseconds(_ milliseconds: Int) -> UInt64 {
            min(UInt64(clamping: milliseconds), .max / 1_000_000) * 1_000_000
        }

        /// Makes `limits` stricter where this asks for it: no script's child may have more than what
        /// its host and entry give.
        func tighten(_ limits: inout ProcessLimits) {
            var wanted = limits
            apply(to: &wanted)
            limits.memoryBytes = min(limits.memoryBytes, wanted.memoryBytes)
            limits.mailboxMessages = min(limits.mailboxMessages, wanted.mailboxMessages)
            limits.mailboxBytes = min(limits.mailboxBytes, wanted.mailboxBytes)
            limits.cpuNanoseconds = stricter(limits.cpuNanoseconds, wanted.cpuNanoseconds)
            limits.lifetimeNanoseconds = stricter(
                limits.lifetimeNanoseconds,
                wanted.lifetimeNanoseconds
            )
        }

        /// The smaller of two limits of which zero is none.
        private func stricter(_ one: UInt64, _ other: UInt64) -> UInt64 {
            one == 0 || other == 0 ? max(one, other) : min(one, other)
        }
    }

    /// Why a spawn made nothing.
    package enum SpawnFault: Error, Equatable, Sendable {
        case hostNotFound(String)
        /// No host was named and the app has none, or several.
        case hostNeeded(available: [String])
        case entryNotFound(String)
        /// The entry is a library or a service: it can't be spawned.
        case notAProcess(String)
        /// The source doesn't compile; the message names the line.
        case badSource(String)
        /// The arguments are too many or too large; the message says which.
        case badArguments(String)
        case hostFull(String)
        case refused(RuntimeFault)
    }

    /// A spawn with everything decided but whether it is possible.
    struct SpawnPlan {
        var entry: String
        var host: String
        var arguments: SpawnArguments
        var name: String?
        var context: Payload = .nothing
        var messages: [(topic: [UInt8], payload: Payload)] = []
        var limits = LimitsOrder()
        var parent: PID?
        var linkedTo: PID?
        var monitoredBy: PID?
    }

    /// Makes a process from outside any process.
    package func spawn(_ order: SpawnOrder) throws(SpawnFault) -> PID {
        guard let host = order.host ?? (hosts.count == 1 ? hosts[0].id : nil) else {
            throw .hostNeeded(available: hosts.map(\.id))
        }
        var plan = SpawnPlan(
            entry: order.entry,
            host: host,
            arguments: SpawnArguments(order.arguments)
        )
        plan.name = order.name
        plan.context = order.context ?? .nothing
        plan.messages = order.messages.map { (Array($0.topic.utf8), $0.payload) }
        plan.limits = order.limits
        return try carryOut(plan)
    }

    /// Checks in the order of SEMANTICS 5, makes the state, and makes the process.
    func carryOut(_ plan: SpawnPlan) throws(SpawnFault) -> PID {
        guard let host = hostsByID[plan.host] else { throw .hostNotFound(plan.host) }
        if runtime.isDraining { throw .refused(.draining) }
        guard let found = programs[plan.entry] else { throw .entryNotFound(plan.entry) }
        let program = try found.get()
        try check(plan.arguments)
        guard host.takePlace() else { throw .hostFull(host.id) }
        var limits = host.limits
        program.program.limits.apply(to: &limits)
        if plan.parent == nil {
            plan.limits.apply(to: &limits)
        } else {
            plan.limits.tighten(&limits)
        }
        do throws(SpawnFault) {
            return try start(program, host, plan, limits)
        } catch {
            host.givePlaceBack()
            throw error
        }
    }

    /// More arguments a spawn does not take.
    package static var argumentsMax: Int { SpawnArguments.countMax }

    /// Why a spawn does not take so many.
    package static func tooManyArguments(_ count: Int) -> String { SpawnArguments.tooMany(count) }

    private func check(_ arguments: SpawnArguments) throws(SpawnFault) {
        if arguments.count > SpawnArguments.countMax {
            throw .badArguments(SpawnArguments.tooMany(arguments.count))
        }
        if arguments.bytes.count > payloadBytesMax {
            throw .badArguments("arguments: larger than \(payloadBytesMax) bytes together")
        }
    }

    private func start(
        _ program: LoadedProgram,
        _ host: Host,
        _ plan: SpawnPlan,
        _ limits: ProcessLimits
    ) throws(SpawnFault) -> PID {
        guard
            let machine = program.state(
                memoryLimitBytes: limits.memoryBytes,
                seed: seeds.wrappingAdd(SeededRandom.step, ordering: .relaxed).oldValue,
                forks: forks
            )
        else { throw .refused(.processLimit) }
        guard plan.arguments.push(onto: machine, memoryLimitBytes: limits.memoryBytes) else {
            throw .badArguments(
                "arguments: larger than the process's memory limit of \(limits.memoryBytes) bytes"
            )
        }
        let process = LuaProcess(
            machine: machine,
            arguments: Int32(plan.arguments.count) + StateBuilder.valueCount,
            engine: self,
            program: program,
            host: host,
            context: plan.context
        )
        var request = SpawnRequest(entry: program.id, host: host.id)
        request.parent = plan.parent
        request.name = plan.name
        request.linkedTo = plan.linkedTo
        request.monitoredBy = plan.monitoredBy
        request.limits = limits
        request.messages = plan.messages
        do throws(RuntimeFault) {
            return try runtime.spawn(request, running: process)
        } catch {
            throw .refused(error)
        }
    }

    /// How many processes a host has now.
    package func processCount(ofHost id: String) -> Int {
        hostsByID[id]?.processCount ?? 0
    }
}
