import JSON
import LuaLibraries
import Payload
import ProcessRuntime

/// The body of a spawn, which is also most of an exec's.
enum SpawnBody {
    /// The largest limit: as milliseconds 35 years, which as nanoseconds do not overflow; as bytes
    /// a tebibyte, which is as good as none.
    private static let limitMax: Int64 = 1 << 40

    static func read(_ body: ObjectDecoder) -> LuaEngine.SpawnOrder {
        var order = LuaEngine.SpawnOrder(entry: body.requiredString("entry"))
        order.host = body.string("host")
        order.arguments =
            body.payloads(
                "args",
                atMost: LuaEngine.argumentsMax,
                LuaEngine.tooManyArguments
            ) ?? []
        order.name = body.string("name")
        order.context = body.payloadsByName("context").map(table)
        order.messages = body.objects("messages", Messages.read) ?? []
        order.limits = body.object("limits", limits) ?? LuaEngine.LimitsOrder()
        return order
    }

    private static func limits(_ body: ObjectDecoder) -> LuaEngine.LimitsOrder {
        func limit(_ name: String) -> Int? {
            body.integer(name, in: 0...limitMax).map { Int($0) }
        }
        /// Zero is no limit; the runtime knows that word for times only.
        func size(_ name: String) -> Int? {
            limit(name).map { $0 == 0 ? Int(limitMax) : $0 }
        }
        var limits = LuaEngine.LimitsOrder()
        limits.memoryBytes = size("memory_bytes")
        limits.mailboxMessages = size("mailbox_messages")
        limits.mailboxBytes = size("mailbox_bytes")
        limits.cpuMilliseconds = limit("cpu_ms")
        limits.lifetimeMilliseconds = limit("lifetime_ms")
        return limits
    }

    private static func table(_ members: [(name: String, value: Payload)]) -> Payload {
        var writer = PayloadWriter()
        let position = writer.beginTable(.object)
        for member in members {
            writer.write(member.name)
            writer.writeEncoded(member.value)
        }
        writer.endTable(position, sequence: 0, pairs: members.count)
        return writer.finish()
    }
}

extension Context {
    /// Spawns what a client ordered, or says why not.
    func spawn(_ order: LuaEngine.SpawnOrder, for call: Call) throws(Problem) -> PID {
        // Cut before the pid is added, which is what one looks for.
        let entry = shortened(order.entry, bytesMax: 200)
        call.record?.setTarget(entry)
        if isDraining { throw .draining() }
        try call.checkSpawn(entry: order.entry, name: order.name)
        do throws(LuaEngine.SpawnFault) {
            let pid = try backend.spawn(order)
            call.record?.setTarget("\(entry) \(text(pid))")
            return pid
        } catch {
            throw problem(error, order)
        }
    }

    private func problem(
        _ fault: LuaEngine.SpawnFault,
        _ order: LuaEngine.SpawnOrder
    ) -> Problem {
        switch fault {
        case .hostNotFound(let id): .hostNotFound(id)
        case .hostNeeded(let available):
            .invalidRequest(
                at: "/host",
                available.isEmpty
                    ? "the application has no host"
                    : "required, as the application has several: "
                        + available.joined(separator: ", ")
            )
        case .entryNotFound(let id): .entryNotFound(id)
        case .notAProcess(let id):
            .invalidRequest(at: "/entry", "\(id) is no process: it cannot be spawned")
        case .badSource(let message): .invalidRequest(at: "/entry", message)
        case .badArguments(let message): .invalidRequest(at: "/args", message)
        case .hostFull(let id):
            .processLimit(
                "max processes limit exceeded: \(id) holds \(backend.processCount(id))"
            )
        case .refused(let fault): problem(fault, giving: (order.name ?? "", at: "/name"))
        }
    }

    /// Says why the runtime refused to do something to a process, which the client called `text`.
    func problem(
        _ fault: RuntimeFault,
        of pid: PID,
        named text: String,
        giving name: (text: String, at: String) = ("", at: "")
    ) -> Problem {
        switch fault {
        case .mailboxFull: .mailboxFull(self.text(pid))
        case .processNotFound: .processNotFound(text)
        default: problem(fault, giving: name)
        }
    }

    /// Says why the runtime refused a new process, or a name, which is `at` that place of the body.
    private func problem(_ fault: RuntimeFault, giving name: (text: String, at: String)) -> Problem
    {
        switch fault {
        case .nameTaken(let owner): .nameTaken(name.text, owner: text(owner))
        case .nameInvalid(let detail): .invalidRequest(at: name.at, detail)
        case .tooManyNames:
            .invalidRequest(
                at: name.at,
                "the process has \(runtime.configuration.namesPerProcessMax) names already"
            )
        case .processLimit:
            .processLimit(
                "max processes limit exceeded: the server holds \(runtime.counts.live)"
            )
        case .draining: .draining()
        case .processNotFound, .mailboxFull, .alreadyMonitoring, .callerDying:
            .internalFault("The runtime refused with \(fault).")
        }
    }
}
