import LuaVM
import Payload
import ProcessRuntime

/// The `channel` module and channel objects (SEMANTICS 7).
enum ChannelLibrary {
    static let members: [Member] = [
        Member("new") { unsafe ChannelLibrary.new(Call($0, $1)) },
        Member("select") { unsafe ChannelLibrary.select(Call($0, $1)) },
    ]

    static let methods: [Member] = [
        Member("send") { unsafe ChannelLibrary.send(Call($0, $1)) },
        Member("receive") { unsafe ChannelLibrary.receive(Call($0, $1)) },
        Member("close") { unsafe ChannelLibrary.close(Call($0, $1)) },
        Member("case_send") { unsafe ChannelLibrary.caseSend(Call($0, $1)) },
        Member("case_receive") { unsafe ChannelLibrary.caseReceive(Call($0, $1)) },
    ]

    private static let caseKey = LuaKey()
    /// More room than this a channel may not be asked for.
    private static let capacityMax: Int64 = 1 << 24

    static let classes = [
        LuaClass(Channel.key, "channel", methods: .channelMethods),
        LuaClass(caseKey, "case"),
    ]

    private static func new(_ call: Call) -> Int32 {
        let thread = call.thread
        var capacity: Int64 = 0
        if !thread.isNilOrNone(1) {
            guard let wanted = thread.integer(1) else { return thread.wrongType(1, "integer") }
            guard (0...capacityMax).contains(wanted) else {
                return thread.badArgument(1, "capacity must be between 0 and \(capacityMax)")
            }
            capacity = wanted
        }
        _ = Channel.push(.values, capacity: Int(capacity), onto: thread)
        return 1
    }

    // MARK: Methods

    private static func send(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let channel = Channel.at(1, of: thread) else { return thread.wrongType(1, "channel") }
        guard channel.pointee.source == .values else {
            return thread.raise("cannot send to a mailbox channel: use process.send")
        }
        if channel.pointee.isClosed { return thread.raise("send on closed channel") }
        thread.setTop(2)
        thread.pushValue(2)
        if call.process.trySend(channel, at: 1, thread) { return call.yes() }
        thread.pop()
        let outcome = thread.blockOutcome(
            then: LuaFunction { unsafe ChannelLibrary.sent(Call($0, $1)) }
        )
        if thread.canBlock { call.process.park(at: channel, isSend: true, valueIndex: 2, thread) }
        return outcome
    }

    private static func sent(_ call: Call) -> Int32 {
        if call.process.currentFiber.pointee.wokenOK { return call.yes() }
        return call.fail(.canceled, "channel closed")
    }

    private static func receive(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let channel = Channel.at(1, of: thread) else { return thread.wrongType(1, "channel") }
        return call.withProcess { process in
            switch process.tryReceive(channel, at: 1, thread) {
            case .value:
                thread.push(true)
                return 2
            case .closed:
                thread.pushNil()
                thread.push(false)
                return 2
            case .nothing:
                guard thread.canBlock else { return thread.refuseToBlock() }
                process.park(at: channel, isSend: false, thread)
                return thread.block(
                    then: LuaFunction { unsafe ChannelLibrary.received(Call($0, $1)) }
                )
            }
        }
    }

    /// The value was pushed by whoever woke the fiber.
    private static func received(_ call: Call) -> Int32 {
        call.thread.push(call.withProcess { $0.currentFiber.pointee.wokenOK })
        return 2
    }

    private static func close(_ call: Call) -> Int32 {
        guard let channel = Channel.at(1, of: call.thread) else {
            return call.thread.wrongType(1, "channel")
        }
        if channel.pointee.source == .topic { call.process.unlisten(channel) }
        call.process.close(channel)
        return 0
    }

    // MARK: Select

    /// A case: a table of class `caseKey` with the channel, whether it sends, and the value.
    private static func pushCase(_ call: Call, isSend: Bool) -> Int32 {
        let thread = call.thread
        guard let channel = Channel.at(1, of: thread) else { return thread.wrongType(1, "channel") }
        if isSend, channel.pointee.source != .values {
            return thread.raise("cannot send to a mailbox channel: use process.send")
        }
        thread.setTop(2)
        thread.pushTable(sequence: 3)
        thread.pushValue(1)
        thread.setIndex(-2, 1)
        thread.push(isSend)
        thread.setIndex(-2, 2)
        thread.pushValue(2)
        thread.setIndex(-2, 3)
        thread.pushClass(caseKey)
        thread.setMetatable(-2)
        return 1
    }

    private static func caseSend(_ call: Call) -> Int32 { pushCase(call, isSend: true) }
    private static func caseReceive(_ call: Call) -> Int32 { pushCase(call, isSend: false) }

    /// The stack of a select: 1 the cases, 2 the default flag, 3...
    ///
    /// one channel and one value each.
    private static func select(_ call: Call) -> Int32 {
        let thread = call.thread
        guard thread.kind(1) == .table else { return thread.wrongType(1, "table") }
        thread.setTop(2)
        thread.getField(1, "default")
        let hasDefault = thread.boolean(-1) || thread.boolean(2)
        thread.pop()
        let count = thread.rawLength(1)
        guard count <= 10_000, thread.ensure(Int32(count) * 2 + 20) else {
            return thread.badArgument(1, "too many cases (\(count))")
        }
        if count == 0 && !hasDefault { return thread.badArgument(1, "no cases") }
        // A loop over a select that never parks must see what arrives, timers included.
        if hasDefault { call.process.drainSignals() }
        var sends: [Bool] = []
        for number in 1...max(count, 1) where count > 0 {
            guard let isSend = pushParts(thread, number) else {
                return thread.badArgument(1, "element \(number) is not a case")
            }
            sends.append(isSend)
        }
        for number in 1...max(count, 1) where count > 0 {
            if attempt(call, number, sends[number - 1]) { return 1 }
        }
        if hasDefault {
            thread.pushTable(pairs: 2)
            thread.push(true)
            thread.setField(-2, "default")
            thread.push(true)
            thread.setField(-2, "ok")
            return 1
        }
        let outcome = thread.blockOutcome(
            then: LuaFunction { unsafe ChannelLibrary.selected(Call($0, $1)) }
        )
        guard thread.canBlock else { return outcome }
        for number in 1...count { parkCase(call, number, sends[number - 1]) }
        return outcome
    }

    /// Pushes channel and value of case `number`; whether it sends, nil for no case.
    private static func pushParts(_ thread: LuaThread, _ number: Int) -> Bool? {
        guard thread.getIndex(1, Int64(number)) == .table, thread.pushMetatable(-1) else {
            return nil
        }
        thread.pushClass(caseKey)
        let isCase = thread.rawEqual(-1, -2)
        thread.pop(2)
        guard isCase else { return nil }
        thread.getIndex(-1, 1)
        thread.getIndex(-2, 2)
        let isSend = thread.boolean(-1)
        thread.pop()
        thread.getIndex(-2, 3)
        thread.remove(-3)
        guard Channel.at(-2, of: thread) != nil else { return nil }
        return isSend
    }

    private static func places(_ number: Int) -> (channel: Int32, value: Int32) {
        let base = 3 + Int32(number - 1) * 2
        return (base, base + 1)
    }

    private static func attempt(_ call: Call, _ number: Int, _ isSend: Bool) -> Bool {
        let thread = call.thread
        let place = places(number)
        guard let channel = Channel.at(place.channel, of: thread) else { return false }
        if isSend {
            guard !channel.pointee.isClosed, channel.pointee.source == .values else { return false }
            thread.pushValue(place.value)
            guard call.process.trySend(channel, at: place.channel, thread) else {
                thread.pop()
                return false
            }
            thread.pushNil()
            pushResult(thread, place.channel, ok: true)
            return true
        }
        switch call.process.tryReceive(channel, at: place.channel, thread) {
        case .value: pushResult(thread, place.channel, ok: true)
        case .closed:
            thread.pushNil()
            pushResult(thread, place.channel, ok: false)
        case .nothing: return false
        }
        return true
    }

    private static func parkCase(_ call: Call, _ number: Int, _ isSend: Bool) {
        let place = places(number)
        guard let channel = Channel.at(place.channel, of: call.thread) else { return }
        if isSend && channel.pointee.isClosed { return }
        call.process.park(
            at: channel,
            isSend: isSend,
            valueIndex: place.value,
            caseIndex: Int32(number),
            call.thread
        )
    }

    private static func selected(_ call: Call) -> Int32 {
        let thread = call.thread
        let fiber = call.process.currentFiber
        let number = Int(fiber.pointee.wokenCase)
        // What the script's case tables say now does not count: others may have changed them.
        if fiber.pointee.wokenBySend { thread.pushNil() }
        pushResult(thread, places(number).channel, ok: fiber.pointee.wokenOK)
        return 1
    }

    /// Replaces the value on top by `{channel, value, ok}`.
    private static func pushResult(_ thread: LuaThread, _ channel: Int32, ok: Bool) {
        thread.pushTable(pairs: 3)
        thread.insert(-2)
        thread.setField(-2, "value")
        thread.pushValue(channel)
        thread.setField(-2, "channel")
        thread.push(ok)
        thread.setField(-2, "ok")
    }
}
