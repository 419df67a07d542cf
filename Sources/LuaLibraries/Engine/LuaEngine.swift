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
    private let programs: [String: Result<Program, SpawnFault>]
    private let hostsByID: [String: HostInfo]
    private let processCounts: Mutex<[String: Int]>
    private let boot: [UInt8]
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
        hostsByID = Dictionary(hosts.map { ($0.id, $0) }) { first, _ in first }
        processCounts = Mutex([:])
        LoggerLibrary.installPrint()
        var builder = ProgramBuilder(entries)
        var programs: [String: Result<Program, SpawnFault>] = [:]
        for entry in entries {
            programs[entry.id] =
                entry.isLibrary
                ? .failure(.notAProcess(entry.id))
                : builder.program(entry.id, LuaEngine.compile)
        }
        self.programs = programs
        boot = LuaEngine.compileBoot()
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

    private static func compileBoot() -> [UInt8] {
        switch compile(Array(bootSource.utf8), name: "=boot") {
        case .success(let binary): return binary
        case .failure(let fault): preconditionFailure("the boot chunk compiles: \(fault)")
        }
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
            // Zero means no limit (API 2).
            func size(_ wanted: Int) -> Int { wanted == 0 ? 1 << 40 : wanted }
            if let memoryBytes { limits.memoryBytes = size(memoryBytes) }
            if let mailboxMessages { limits.mailboxMessages = size(mailboxMessages) }
            if let mailboxBytes { limits.mailboxBytes = size(mailboxBytes) }
            if let cpuMilliseconds {
                limits.cpuNanoseconds = UInt64(clamping: cpuMilliseconds) &* 1_000_000
            }
            if let lifetimeMilliseconds {
                limits.lifetimeNanoseconds = UInt64(clamping: lifetimeMilliseconds) &* 1_000_000
            }
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
        case hostFull(String)
        case refused(RuntimeFault)
    }

    /// A spawn with everything decided but whether it is possible.
    struct SpawnPlan {
        var entry: String
        var host: String
        var arguments: [Payload]
        var name: String?
        var context: Payload = .nothing
        var messages: [(topic: String, payload: Payload)] = []
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
        var plan = SpawnPlan(entry: order.entry, host: host, arguments: order.arguments)
        plan.name = order.name
        plan.context = order.context ?? .nothing
        plan.messages = order.messages
        plan.limits = order.limits
        return try carryOut(plan)
    }

    /// Checks in the order of SEMANTICS 5, boots the state, and makes the process.
    func carryOut(_ plan: SpawnPlan) throws(SpawnFault) -> PID {
        guard let host = hostsByID[plan.host] else { throw .hostNotFound(plan.host) }
        guard let found = programs[plan.entry] else { throw .entryNotFound(plan.entry) }
        let program = try found.get()
        try reserve(host)
        var limits = host.limits
        program.limits.apply(to: &limits)
        plan.limits.apply(to: &limits)
        do throws(SpawnFault) {
            return try start(program, plan, limits)
        } catch {
            processEnded(host: plan.host)
            throw error
        }
    }

    private func start(
        _ program: Program,
        _ plan: SpawnPlan,
        _ limits: ProcessLimits
    ) throws(SpawnFault) -> PID {
        guard
            let machine = LuaMachine(
                memoryLimitBytes: limits.memoryBytes,
                seed: SystemRandom.next()
            )
        else { throw .refused(.processLimit) }
        let (thread, count) = prepare(machine, program, plan.arguments)
        let process = LuaProcess(
            machine: machine,
            mainThread: thread,
            arguments: count,
            engine: self,
            program: program,
            host: plan.host,
            context: plan.context
        )
        var request = SpawnRequest(entry: plan.entry, host: plan.host)
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

    /// Opens the libraries and puts boot chunk and arguments on the main fiber's stack.
    private func prepare(
        _ machine: LuaMachine,
        _ program: Program,
        _ arguments: [Payload]
    ) -> (LuaThread, Int32) {
        machine.openLibraries()
        Modules.open(machine)
        let main = machine.main
        let fiber = main.pushNewThread()
        main.setKey(LuaThread.registry, mainFiberKey)
        load(boot, "boot", machine, fiber)
        load(program.chunk, program.id, machine, fiber)
        fiber.push(program.method)
        pushAliases(program.imports, fiber)
        fiber.pushTable(sequence: program.libraries.count)
        for (number, library) in program.libraries.enumerated() {
            pushLibrary(library, machine, fiber)
            fiber.setIndex(-2, Int64(number + 1))
        }
        _ = fiber.ensure(Int32(clamping: arguments.count) + 20)
        for argument in arguments { fiber.push(argument) }
        return (fiber, Int32(clamping: arguments.count) + 4)
    }

    private func load(_ chunk: [UInt8], _ id: String, _ machine: LuaMachine, _ thread: LuaThread) {
        do throws(LuaLoadFault) {
            try machine.load(chunk, name: "=" + id, isBinary: true, onto: thread)
        } catch {
            preconditionFailure("a chunk we compiled loads: \(error.message)")
        }
    }

    private func pushAliases(_ imports: [Program.Import], _ thread: LuaThread) {
        thread.pushTable(pairs: imports.count)
        for one in imports {
            thread.push(Int64(one.library + 1))
            thread.setField(-2, one.alias)
        }
    }

    /// Pushes `{chunk, aliases, environment}`; the environment reads and writes through to globals.
    private func pushLibrary(
        _ library: Program.Library,
        _ machine: LuaMachine,
        _ thread: LuaThread
    ) {
        thread.pushTable(sequence: 3)
        load(library.chunk, library.id, machine, thread)
        thread.pushTable(pairs: library.imports.count)
        thread.pushTable(pairs: 2)
        thread.pushGlobals()
        thread.setField(-2, "__index")
        thread.pushGlobals()
        thread.setField(-2, "__newindex")
        thread.setMetatable(-2)
        thread.pushValue(-1)
        thread.setEnvironment(-3)
        thread.setIndex(-3, 3)
        thread.setIndex(-2, 1)
        pushAliases(library.imports, thread)
        thread.setIndex(-2, 2)
    }

    private func reserve(_ host: HostInfo) throws(SpawnFault) {
        let free = processCounts.withLock { counts -> Bool in
            let count = counts[host.id, default: 0]
            guard host.processesMax == 0 || count < host.processesMax else { return false }
            counts[host.id] = count + 1
            return true
        }
        if !free { throw .hostFull(host.id) }
    }

    func processEnded(host id: String) {
        processCounts.withLock { $0[id, default: 1] -= 1 }
    }

    /// How many processes a host has now.
    package func processCount(ofHost id: String) -> Int {
        processCounts.withLock { $0[id, default: 0] }
    }
}

/// Where the main fiber's thread is anchored in the registry.
private let mainFiberKey = LuaKey()
