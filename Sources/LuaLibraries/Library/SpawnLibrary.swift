import LuaVM
import Payload
import ProcessRuntime

/// The spawn functions of `process`, the spawner objects and `process.exec` (SEMANTICS 5).
enum SpawnLibrary {
    /// How a spawn ties the child to its parent.
    struct Flavour: OptionSet {
        let rawValue: Int
        static let linked = Flavour(rawValue: 1)
        static let monitored = Flavour(rawValue: 2)
        /// Wait for its end and return its result.
        static let exec = Flavour(rawValue: 4)

        var functionName: String {
            if contains(.exec) { return "exec" }
            return "spawn" + (contains(.linked) ? "_linked" : "")
                + (contains(.monitored) ? "_monitored" : "")
        }
    }

    static let functions: [Member] = [
        Member("spawn") { unsafe SpawnLibrary.spawn(Call($0, $1), [], from: 1) },
        Member("spawn_monitored") { unsafe SpawnLibrary.spawn(Call($0, $1), .monitored, from: 1) },
        Member("spawn_linked") { unsafe SpawnLibrary.spawn(Call($0, $1), .linked, from: 1) },
        Member("spawn_linked_monitored") {
            unsafe SpawnLibrary.spawn(Call($0, $1), [.linked, .monitored], from: 1)
        },
        Member("exec") { unsafe SpawnLibrary.spawn(Call($0, $1), .exec, from: 1) },
        Member("with_context") { unsafe SpawnLibrary.withContext(Call($0, $1), from: 1) },
        Member("with_options") { unsafe SpawnLibrary.withOptions(Call($0, $1), from: 1) },
    ]

    static let spawnerMethods: [Member] = [
        Member("spawn") { unsafe SpawnLibrary.spawn(Call($0, $1), [], from: 2) },
        Member("spawn_monitored") { unsafe SpawnLibrary.spawn(Call($0, $1), .monitored, from: 2) },
        Member("spawn_linked") { unsafe SpawnLibrary.spawn(Call($0, $1), .linked, from: 2) },
        Member("spawn_linked_monitored") {
            unsafe SpawnLibrary.spawn(Call($0, $1), [.linked, .monitored], from: 2)
        },
        Member("exec") { unsafe SpawnLibrary.spawn(Call($0, $1), .exec, from: 2) },
        Member("with_context") { unsafe SpawnLibrary.withContext(Call($0, $1), from: 2) },
        Member("with_options") { unsafe SpawnLibrary.withOptions(Call($0, $1), from: 2) },
        Member("with_name") { unsafe SpawnLibrary.withName(Call($0, $1)) },
        Member("with_message") { unsafe SpawnLibrary.withMessage(Call($0, $1)) },
    ]

    private static let spawnerKey = LuaKey()
    /// User values of a spawner: context (table or nil), name, messages (array), options (table).
    private static let contextValue: Int32 = 1
    private static let nameValue: Int32 = 2
    private static let messagesValue: Int32 = 3
    private static let optionsValue: Int32 = 4

    static let luaClass = LuaClass(spawnerKey, "spawner", methods: .spawnerMethods)

    // MARK: Spawning

    /// `from`: where the entry argument is; 2 when a spawner is the first argument.
    private static func spawn(_ call: Call, _ flavour: Flavour, from first: Int32) -> Int32 {
        if first == 2, !isSpawner(call.thread, 1) { return call.thread.wrongType(1, "spawner") }
        guard call.count >= first + 1 else {
            return call.fail(
                .invalid,
                "\(flavour.functionName) requires at least id and host arguments"
            )
        }
        let count = Int(call.count - first - 1)
        if count > SpawnArguments.countMax {
            return call.fail(.invalid, SpawnArguments.tooMany(count))
        }
        if flavour.contains(.exec), !call.thread.canBlock {
            return call.thread.blockOutcome(then: LuaFunction { _, _ in 0 })
        }
        var outcome: Int32?
        let entry = call.string(first, &outcome)
        let host = call.string(first + 1, &outcome)
        if let outcome { return outcome }
        do throws(UnsendableFault) {
            var plan = try LuaEngine.SpawnPlan(
                entry: entry,
                host: host,
                arguments: arguments(call, from: first + 2)
            )
            plan.parent = call.process.pid
            plan.context = call.process.context
            if flavour.contains(.linked) { plan.linkedTo = call.process.pid }
            if flavour.contains(.monitored) { plan.monitoredBy = call.process.pid }
            if first == 2 { try apply(spawner: 1, call, to: &plan) }
            return carryOut(call, plan, flavour)
        } catch {
            return call.fail(.invalid, error.message)
        }
    }

    /// Encodes the arguments from `first` on; the limit of one message holds for all together.
    private static func arguments(
        _ call: Call,
        from first: Int32
    ) throws(UnsendableFault) -> SpawnArguments {
        guard first <= call.count else { return .none }
        let (thread, bytesMax) = (call.thread, call.process.engine.payloadBytesMax)
        var writer = PayloadWriter()
        for index in first...call.count {
            if thread.writeScalar(index, to: &writer, bytesMax: bytesMax) { continue }
            var encoder = PayloadEncoder(
                thread,
                root: "argument \(index - first + 1)",
                bytesMax: bytesMax
            )
            try encoder.encode(index, into: &writer)
        }
        return SpawnArguments(bytes: writer.finish().bytes, count: Int(call.count - first + 1))
    }

    private static func carryOut(
        _ call: Call,
        _ plan: LuaEngine.SpawnPlan,
        _ flavour: Flavour
    ) -> Int32 {
        let pid: PID
        do throws(LuaEngine.SpawnFault) {
            pid = try call.process.engine.carryOut(plan)
        } catch {
            if case .refused(.nameTaken(let holder)) = error, !flavour.contains(.exec) {
                return handOver(call, plan, to: holder)
            }
            return fail(call, error)
        }
        guard flavour.contains(.exec) else {
            call.process.push(pid, call.thread)
            return 1
        }
        let outcome = call.thread.blockOutcome(
            then: LuaFunction { unsafe SpawnLibrary.executed(Call($0, $1)) }
        )
        let token = call.process.parkForReply(call.thread)
        let (runtime, caller) = (call.runtime, call.process.pid)
        let wait = runtime.waitForExit(of: pid) { record in
            answer(runtime, caller, token, record)
        }
        switch wait {
        case .pending: break
        case .ended(let record): answer(runtime, caller, token, record)
        case .unknown: answerLost(runtime, caller, token)
        }
        return outcome
    }

    /// A taken name: nothing is made, the holder gets the messages, its pid is the answer.
    private static func handOver(
        _ call: Call,
        _ plan: LuaEngine.SpawnPlan,
        to holder: PID
    ) -> Int32 {
        for message in plan.messages {
            let signal = Signal(
                topic: message.topic,
                payload: message.payload,
                from: call.process.pid
            )
            do throws(RuntimeFault) {
                try call.runtime.send(signal, to: holder)
            } catch {
                return ProcessLibrary.refused(call, error)
            }
        }
        call.process.push(holder, call.thread)
        return 1
    }

    private static func fail(_ call: Call, _ fault: LuaEngine.SpawnFault) -> Int32 {
        switch fault {
        case .hostNotFound(let id): call.fail(.notFound, "host not found: \(id)")
        case .hostNeeded: call.fail(.notFound, "host not found")
        case .entryNotFound(let id): call.fail(.notFound, "entry not found: \(id)")
        case .notAProcess(let id): call.fail(.invalid, "entry \(id) is not a process")
        case .badSource(let message), .badArguments(let message): call.fail(.invalid, message)
        case .hostFull(let id):
            call.fail(.rateLimited, "max processes limit exceeded on host \(id)")
        case .refused(let fault): ProcessLibrary.refused(call, fault)
        }
    }

    // MARK: exec

    private static func answer(
        _ runtime: Runtime,
        _ caller: PID,
        _ token: Int64,
        _ record: ExitRecord
    ) {
        runtime.reply(to: caller, token: token) { writer in
            if case .normal(let result) = record.reason {
                writer.writeEncoded(result)
            } else {
                writer.writeNil()
                record.reason.error?.write(to: &writer)
            }
        } orElse: { writer in
            var error =
                record.reason.error
                ?? ErrorValue(
                    message: "mailbox full: no room for the result",
                    kind: ErrorKind.rateLimited.rawValue
                )
            error.details = .nothing
            error.traceback = []
            writer.writeNil()
            error.write(to: &writer)
        }
    }

    /// The process is over and its record has left the log: nobody knows what it returned.
    private static func answerLost(_ runtime: Runtime, _ caller: PID, _ token: Int64) {
        let error = ErrorValue(
            message: "the result of the process was lost: too many ended",
            kind: ErrorKind.internalFailure.rawValue
        )
        runtime.reply(to: caller, token: token) { writer in
            writer.writeNil()
            error.write(to: &writer)
        }
    }

    private static func executed(_ call: Call) -> Int32 {
        call.process.currentFiber.pointee.wokenCase
    }

    // MARK: Spawners

    private static func isSpawner(_ thread: LuaThread, _ index: Int32) -> Bool {
        unsafe thread.userdata(index, class: spawnerKey) != nil
    }

    /// Pushes a copy of the spawner at 1, or a new one.
    private static func pushCopy(_ thread: LuaThread) {
        let copies = isSpawner(thread, 1)
        _ = unsafe thread.pushUserdata(bytes: 0, values: 4, class: spawnerKey)
        guard copies else { return }
        for value in Int32(1)...4 {
            thread.getUserValue(1, value)
            thread.setUserValue(-2, value)
        }
    }

    /// Copies the fields of the table at `index` over those of a user value of the top spawner.
    private static func merge(_ thread: LuaThread, _ index: Int32, into value: Int32) {
        let spawner = thread.top
        thread.pushTable()
        if thread.getUserValue(spawner, value) == .table { copyFields(thread, from: -1, to: -2) }
        thread.pop()
        copyFields(thread, from: index, to: -1)
        thread.setUserValue(spawner, value)
    }

    private static func copyFields(_ thread: LuaThread, from source: Int32, to target: Int32) {
        let (source, target) = (thread.absolute(source), thread.absolute(target))
        thread.pushNil()
        while thread.next(source) {
            thread.pushValue(-2)
            thread.insert(-2)
            thread.rawSet(target)
        }
    }

    private static func withContext(_ call: Call, from first: Int32) -> Int32 {
        let thread = call.thread
        if first == 2, !isSpawner(thread, 1) { return thread.wrongType(1, "spawner") }
        guard thread.kind(first) == .table else { return thread.wrongType(first, "table") }
        pushCopy(thread)
        merge(thread, first, into: contextValue)
        return 1
    }

    private static let optionNames = [
        "memory_bytes", "mailbox_messages", "mailbox_bytes", "cpu_ms", "lifetime_ms",
    ]

    private static func withOptions(_ call: Call, from first: Int32) -> Int32 {
        let thread = call.thread
        if first == 2, !isSpawner(thread, 1) { return thread.wrongType(1, "spawner") }
        guard thread.kind(first) == .table else { return thread.wrongType(first, "table") }
        thread.pushNil()
        while thread.next(first) {
            let name = thread.rawText(-2)
            guard optionNames.contains(name) else {
                return call.fail(.invalid, "option \(name) is not supported")
            }
            guard let value = thread.integer(-1), value >= 0 else {
                return call.fail(.invalid, "option \(name) must be a non-negative integer")
            }
            thread.pop()
        }
        pushCopy(thread)
        merge(thread, first, into: optionsValue)
        return 1
    }

    private static func withName(_ call: Call) -> Int32 {
        let thread = call.thread
        guard isSpawner(thread, 1) else { return thread.wrongType(1, "spawner") }
        guard thread.kind(2) == .string else { return thread.wrongType(2, "string") }
        var outcome: Int32?
        if call.name(2, &outcome) == nil { return call.fail(.invalid, ProcessLibrary.notUTF8) }
        pushCopy(thread)
        thread.pushValue(2)
        thread.setUserValue(-2, nameValue)
        return 1
    }

    private static func withMessage(_ call: Call) -> Int32 {
        let thread = call.thread
        guard isSpawner(thread, 1) else { return thread.wrongType(1, "spawner") }
        guard let topic = unsafe thread.bytes(2) else { return thread.wrongType(2, "string") }
        if unsafe topic.first == UInt8(ascii: "@") {
            return call.fail(.invalid, "cannot send to @ topics")
        }
        var writer = PayloadWriter()
        do throws(UnsendableFault) {
            try ProcessLibrary.writeValues(
                call.thread,
                3,
                call.count,
                call.process.engine,
                into: &writer
            )
        } catch {
            return call.fail(.invalid, error.message)
        }
        let payload = writer.finish()
        pushCopy(thread)
        let spawner = thread.top
        thread.pushTable()
        var count: Int64 = 0
        if thread.getUserValue(spawner, messagesValue) == .table {
            count = Int64(thread.rawLength(-1))
            copyFields(thread, from: -1, to: -2)
        }
        thread.pop()
        thread.pushValue(2)
        thread.setIndex(-2, count + 1)
        thread.push(bytes: payload.bytes)
        thread.setIndex(-2, count + 2)
        thread.setUserValue(spawner, messagesValue)
        return 1
    }

    private static func apply(
        spawner index: Int32,
        _ call: Call,
        to plan: inout LuaEngine.SpawnPlan
    ) throws(UnsendableFault) {
        let thread = call.thread
        let height = thread.top
        defer { thread.setTop(height) }
        if thread.getUserValue(index, contextValue) == .table {
            thread.pushTable()
            thread.push(call.process.context)
            if thread.kind(-1) == .table { copyFields(thread, from: -1, to: -2) }
            thread.pop()
            copyFields(thread, from: -2, to: -1)
            plan.context = try thread.payload(-1, root: "context")
        }
        if thread.getUserValue(index, nameValue) == .string { plan.name = thread.string(-1) }
        if thread.getUserValue(index, messagesValue) == .table {
            let count = Int64(thread.rawLength(-1))
            for pair in stride(from: Int64(1), to: count, by: 2) {
                thread.getIndex(-1, pair)
                thread.getIndex(-2, pair + 1)
                let topic = unsafe thread.bytes(-2).map { unsafe [UInt8]($0) } ?? []
                let bytes = unsafe thread.bytes(-1).map { unsafe [UInt8]($0) } ?? []
                plan.messages.append((topic, Payload(bytes: bytes)))
                thread.pop(2)
            }
        }
        if thread.getUserValue(index, optionsValue) == .table {
            func option(_ name: String) -> Int? {
                thread.getField(-1, name)
                defer { thread.pop() }
                return thread.integer(-1).map(Int.init)
            }
            plan.limits.memoryBytes = option("memory_bytes")
            plan.limits.mailboxMessages = option("mailbox_messages")
            plan.limits.mailboxBytes = option("mailbox_bytes")
            plan.limits.cpuMilliseconds = option("cpu_ms")
            plan.limits.lifetimeMilliseconds = option("lifetime_ms")
        }
    }
}
