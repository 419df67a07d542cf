import LuaVM
import Payload
import ProcessRuntime

/// The `process` module: identity, messages, events, relations, names (SEMANTICS 4 to 9).
enum ProcessLibrary {
    private static let functions: [Member] = [
        Member("pid") { unsafe ProcessLibrary.pid(Call($0, $1)) },
        Member("id") { unsafe ProcessLibrary.id(Call($0, $1)) },
        Member("send") { unsafe ProcessLibrary.send(Call($0, $1)) },
        Member("listen") { unsafe ProcessLibrary.listen(Call($0, $1)) },
        Member("unlisten") { unsafe ProcessLibrary.unlisten(Call($0, $1)) },
        Member("inbox") { unsafe ProcessLibrary.inbox(Call($0, $1)) },
        Member("events") { unsafe ProcessLibrary.events(Call($0, $1)) },
        Member("monitor") { unsafe ProcessLibrary.monitor(Call($0, $1)) },
        Member("unmonitor") { unsafe ProcessLibrary.unmonitor(Call($0, $1)) },
        Member("link") { unsafe ProcessLibrary.link(Call($0, $1)) },
        Member("unlink") { unsafe ProcessLibrary.unlink(Call($0, $1)) },
        Member("get_options") { unsafe ProcessLibrary.getOptions(Call($0, $1)) },
        Member("set_options") { unsafe ProcessLibrary.setOptions(Call($0, $1)) },
        Member("cancel") { unsafe ProcessLibrary.cancel(Call($0, $1)) },
        Member("terminate") { unsafe ProcessLibrary.terminate(Call($0, $1)) },
    ]

    static let registryMembers: [Member] = [
        Member("register") { unsafe ProcessLibrary.register(Call($0, $1)) },
        Member("lookup") { unsafe ProcessLibrary.lookup(Call($0, $1)) },
        Member("unregister") { unsafe ProcessLibrary.unregister(Call($0, $1)) },
    ]

    private static let inboxKey = LuaKey()
    private static let eventsKey = LuaKey()
    private static let topicsKey = LuaKey()

    /// The class of Message objects.
    static let messageClass = LuaClass(CodecKeys.message, "message") { thread in
        thread.pushMessageIndex()
        thread.setField(-2, "__index")
        thread.push(body: LuaFunction { unsafe ProcessLibrary.messageText(Call($0, $1)) })
        thread.setField(-2, "__tostring")
    }

    static let eventMembers = ["EXIT", "LINK_DOWN", "CANCEL"].map { Member($0, .string($0)) }

    /// What the module offers.
    static let members =
        functions + SpawnLibrary.functions
        + [
            Member("registry", .table(.processRegistry, "process.registry")),
            Member("event", .table(.processEvent, "process.event")),
        ]

    // MARK: Identity

    private static func pid(_ call: Call) -> Int32 {
        call.process.push(call.process.pid, call.thread)
        return 1
    }

    private static func id(_ call: Call) -> Int32 {
        call.thread.push(call.process.program.id)
        return 1
    }

    // MARK: Destinations

    /// The pid that argument `index` means, or an outcome to return.
    static func destination(
        _ call: Call,
        _ index: Int32,
        _ outcome: inout Int32?
    ) -> PID? {
        if let bytes = unsafe call.thread.bytes(index),
            let pid = call.withProcess({ unsafe $0.runtime.pids.parse(bytes) })
        {
            return pid
        }
        return named(call, index, &outcome)
    }

    @inline(never)
    private static func named(_ call: Call, _ index: Int32, _ outcome: inout Int32?) -> PID? {
        let name = call.name(index, &outcome)
        if outcome != nil { return nil }
        if let name, let pid = call.runtime.lookup(name) { return pid }
        let text = name ?? call.string(index, &outcome)
        if call.runtime.pids.looksLikePID(text) {
            outcome = call.fail(.notFound, "process not found")
        } else {
            outcome = call.fail(
                .notFound,
                "could not resolve '\(text)' as PID or registered name"
            )
        }
        return nil
    }

    /// Turns a refusal into the answer `nil, error`.
    static func refused(_ call: Call, _ fault: RuntimeFault) -> Int32 {
        switch fault {
        case .processNotFound: call.fail(.notFound, "process not found")
        case .mailboxFull:
            call.fail(
                ErrorValue(
                    message: "mailbox full",
                    kind: ErrorKind.rateLimited.rawValue,
                    retryable: true
                )
            )
        case .nameTaken: call.fail(.alreadyExists, "name already registered")
        case .nameInvalid(let why): call.fail(.invalid, why)
        case .tooManyNames: call.fail(.rateLimited, "too many names registered")
        case .processLimit: call.fail(.rateLimited, "max processes limit exceeded")
        case .alreadyMonitoring: call.fail(.alreadyExists, "already monitoring this process")
        case .draining: call.fail(.unavailable, "shutting down")
        case .callerDying: call.fail(.canceled, "the calling process is ending")
        }
    }

    // MARK: Sending

    private static func send(_ call: Call) -> Int32 {
        guard call.count >= 2 else {
            return call.fail(.invalid, "send requires at least destination and topic arguments")
        }
        guard let topic = unsafe bytes(call.thread, 2) else {
            return call.thread.wrongType(2, "string")
        }
        if unsafe topic.first == UInt8(ascii: "@") {
            return call.fail(.invalid, "cannot send to @ topics")
        }
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        return call.withProcess { process in
            do throws(UnsendableFault) {
                let signal = try unsafe message(call, process, topic: topic, from: 3)
                do throws(RuntimeFault) {
                    try process.runtime.send(signal, to: pid)
                } catch {
                    return refused(call, error)
                }
            } catch {
                return call.fail(.invalid, error.message)
            }
            return call.yes()
        }
    }

    /// The bytes of the string at `index`, or of a number's text, which replaces it there.
    private static func bytes(_ thread: LuaThread, _ index: Int32) -> UnsafeRawBufferPointer? {
        if let bytes = unsafe thread.bytes(index) { return unsafe bytes }
        guard thread.kind(index) == .number else { return nil }
        thread.push(thread.rawText(index))
        thread.replace(index)
        return unsafe thread.bytes(index)
    }

    /// The message of the arguments from `first` on: none is nil, one itself, several an array.
    @inline(__always)
    private static func message(
        _ call: Call,
        _ process: LuaProcess,
        topic: UnsafeRawBufferPointer,
        from first: Int32
    ) throws(UnsendableFault) -> Signal {
        let topicBytes = topic.count
        var writer = PayloadWriter(
            headerBytes: Signal.headerBytes,
            reserving: topicBytes + 64
        )
        unsafe writer.append(topic)
        try writeValues(call.thread, first, call.count, process.engine, into: &writer)
        return Signal(.message, from: process.pid, topicBytes: topicBytes, written: writer)
    }

    /// Writes the values from `first` to `last`: none is nil, one itself, several an array.
    @inline(__always)
    static func writeValues(
        _ thread: LuaThread,
        _ first: Int32,
        _ last: Int32,
        _ engine: LuaEngine,
        into writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        if first > last {
            writer.writeNil()
        } else if first < last
            || !thread.writeScalar(first, to: &writer, bytesMax: engine.payloadBytesMax)
        {
            try writeMany(thread, first, last, engine, into: &writer)
        }
    }

    @inline(never)
    private static func writeMany(
        _ thread: LuaThread,
        _ first: Int32,
        _ last: Int32,
        _ engine: LuaEngine,
        into writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        var encoder = PayloadEncoder(thread, bytesMax: engine.payloadBytesMax)
        if first == last { return try encoder.encode(first, into: &writer) }
        let position = writer.beginTable()
        for index in first...last { try encoder.encode(index, into: &writer) }
        writer.endTable(position, sequence: Int(last - first + 1), pairs: 0)
    }

    // MARK: Listening

    private static func listen(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let name = unsafe thread.bytes(1).map({ unsafe [UInt8]($0) }) else {
            return thread.wrongType(1, "string")
        }
        if name.isEmpty { return call.fail(.invalid, "topic may not be empty") }
        if name.first == UInt8(ascii: "@") {
            return call.fail(.invalid, "cannot listen on @ topics")
        }
        if name.count > Mailbox.topicBytesMax {
            return call.fail(
                .invalid,
                "a topic listened on has at most \(Mailbox.topicBytesMax) bytes"
            )
        }
        var wantsMessages = false
        if !thread.isNilOrNone(2) {
            guard thread.kind(2) == .table else { return thread.wrongType(2, "table") }
            thread.getField(2, "message")
            wantsMessages = thread.boolean(-1)
            thread.pop()
        }
        let process = call.process
        let known = unsafe name.withUnsafeBytes {
            unsafe process.mailbox.topic(named: $0)
        }
        if let channel = known {
            if wantsMessages { channel.pointee.deliversMessages = true }
            pushTopics(thread)
            thread.getAnchor(-1, channel)
            return 1
        }
        process.drainSignals()
        let channel = Channel.push(.topic, capacity: 0, onto: thread)
        channel.pointee.deliversMessages = wantsMessages
        guard process.mailbox.subscribe(channel, to: name) else {
            return call.fail(
                .rateLimited,
                "a process may listen on at most \(Mailbox.topicsMax) topics"
            )
        }
        pushTopics(thread)
        thread.pushValue(-2)
        thread.setAnchor(-2, channel)
        thread.pop()
        return 1
    }

    /// Pushes the table that anchors the channels of subscribed topics.
    static func pushTopics(_ thread: LuaThread) {
        if thread.getKey(LuaThread.registry, topicsKey) == .table { return }
        thread.pop()
        thread.pushTable()
        thread.pushValue(-1)
        thread.setKey(LuaThread.registry, topicsKey)
    }

    private static func unlisten(_ call: Call) -> Int32 {
        guard let channel = Channel.at(1, of: call.thread) else {
            return call.thread.wrongType(1, "channel")
        }
        guard channel.pointee.source == .topic, channel.pointee.isSubscribed else {
            call.thread.push(false)
            call.thread.push(
                ErrorValue(
                    message: "not a live subscription",
                    kind: ErrorKind.notFound.rawValue
                )
            )
            return 2
        }
        call.process.unlisten(channel)
        call.process.close(channel)
        return call.yes()
    }

    private static func inbox(_ call: Call) -> Int32 {
        call.process.mailbox.inbox = pushOnly(
            call,
            inboxKey,
            .inbox,
            call.process.mailbox.inbox
        )
        return 1
    }

    private static func events(_ call: Call) -> Int32 {
        call.process.mailbox.eventChannel = pushOnly(
            call,
            eventsKey,
            .events,
            call.process.mailbox.eventChannel
        )
        return 1
    }

    /// Pushes the process's one channel of that source, made the first time.
    private static func pushOnly(
        _ call: Call,
        _ key: LuaKey,
        _ source: ChannelSource,
        _ known: Record<Channel>?
    ) -> Record<Channel> {
        if let known {
            call.thread.getKey(LuaThread.registry, key)
            return known
        }
        let channel = Channel.push(source, capacity: 0, onto: call.thread)
        call.thread.pushValue(-1)
        call.thread.setKey(LuaThread.registry, key)
        return channel
    }

    // MARK: Message objects

    private static func messageText(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let memory = unsafe thread.userdata(1, class: CodecKeys.message) else {
            return thread.wrongType(1, "message")
        }
        thread.getUserValue(1, 2)
        let topic = thread.string(-1) ?? ""
        let sender = unsafe PID(number: memory.load(as: UInt64.self))
        let from = sender.map { call.runtime.pids.text($0) } ?? "outside"
        thread.push("message(topic=\(topic), from=\(from))")
        return 1
    }

    /// Has a Message's `from` written out by the process that asks; once for the program.
    static func installSenderText() {
        unsafe LuaHost.setSenderText { raw, context, number in
            let thread = unsafe LuaThread(raw)
            guard let sender = PID(number: number) else { return thread.pushNil() }
            unsafe LuaProcess.of(context).push(sender, thread)
        }
    }

    // MARK: Monitors and links

    private static func monitor(_ call: Call) -> Int32 {
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        do throws(RuntimeFault) {
            try call.runtime.monitor(pid, by: call.process.pid)
            return call.yes()
        } catch {
            return refused(call, error)
        }
    }

    private static func unmonitor(_ call: Call) -> Int32 {
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        call.runtime.unmonitor(pid, by: call.process.pid)
        return call.yes()
    }

    private static func link(_ call: Call) -> Int32 {
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        do throws(RuntimeFault) {
            try call.runtime.link(call.process.pid, pid)
            return call.yes()
        } catch {
            return refused(call, error)
        }
    }

    private static func unlink(_ call: Call) -> Int32 {
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        call.runtime.unlink(call.process.pid, pid)
        return call.yes()
    }

    private static func getOptions(_ call: Call) -> Int32 {
        call.thread.pushTable(pairs: 1)
        call.thread.push(call.runtime.trapsLinks(call.process.pid))
        call.thread.setField(-2, "trap_links")
        return 1
    }

    private static func setOptions(_ call: Call) -> Int32 {
        let thread = call.thread
        guard thread.kind(1) == .table else { return thread.wrongType(1, "table") }
        var trap: Bool?
        thread.pushNil()
        while thread.next(1) {
            guard thread.string(-2) == "trap_links" else {
                let name = thread.rawText(-2)
                return refuseOption(call, "option \(name) is not supported")
            }
            guard thread.kind(-1) == .boolean else {
                return refuseOption(call, "trap_links must be a boolean")
            }
            trap = thread.boolean(-1)
            thread.pop()
        }
        if let trap { call.runtime.setTrapLinks(trap, of: call.process.pid) }
        return call.yes()
    }

    private static func refuseOption(_ call: Call, _ message: String) -> Int32 {
        call.thread.push(false)
        call.thread.push(ErrorValue(message: message, kind: ErrorKind.invalid.rawValue))
        return 2
    }

    // MARK: Ending others

    private static func cancel(_ call: Call) -> Int32 {
        var outcome: Int32?
        var reason = ""
        if !call.thread.isNilOrNone(2) { reason = call.string(2, &outcome) }
        if let outcome { return outcome }
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        do throws(RuntimeFault) {
            try call.runtime.cancel(pid, reason: reason, from: call.process.pid)
            return call.yes()
        } catch {
            return refused(call, error)
        }
    }

    private static func terminate(_ call: Call) -> Int32 {
        var outcome: Int32?
        guard let pid = destination(call, 1, &outcome) else { return outcome ?? 0 }
        // Terminating oneself: the trampoline sees the flag and never returns.
        guard call.runtime.kill(pid, .terminated) else {
            return refused(call, .processNotFound)
        }
        return call.yes()
    }

    // MARK: The registry

    static let notUTF8 = "a name must be UTF-8"

    private static func register(_ call: Call) -> Int32 {
        var outcome: Int32?
        let name = call.name(1, &outcome)
        if let outcome { return outcome }
        guard let name else { return call.fail(.invalid, notUTF8) }
        var pid = call.process.pid
        if !call.thread.isNilOrNone(2) {
            guard let other = destination(call, 2, &outcome) else { return outcome ?? 0 }
            pid = other
        }
        do throws(RuntimeFault) {
            _ = try call.runtime.register(name, for: pid)
            return call.yes()
        } catch {
            return refused(call, error)
        }
    }

    private static func lookup(_ call: Call) -> Int32 {
        var outcome: Int32?
        let name = call.name(1, &outcome)
        if let outcome { return outcome }
        guard let name, let pid = call.runtime.lookup(name) else {
            return call.fail(.notFound, "name not registered")
        }
        call.process.push(pid, call.thread)
        return 1
    }

    private static func unregister(_ call: Call) -> Int32 {
        var outcome: Int32?
        let name = call.name(1, &outcome)
        if let outcome { return outcome }
        call.thread.push(name.flatMap { call.runtime.unregister($0) } != nil)
        return 1
    }
}

extension LuaProcess {
    /// Ends the subscription of a topic channel; later messages go to the inbox.
    func unlisten(_ channel: Record<Channel>) {
        guard channel.pointee.isSubscribed else { return }
        mailbox.unsubscribe(channel)
        if let inbox = mailbox.inbox { serve(inbox) }
        let thread = helperThread
        ProcessLibrary.pushTopics(thread)
        thread.pushNil()
        thread.setAnchor(-2, channel)
        thread.pop()
    }
}
