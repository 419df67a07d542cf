import LuaVM
import Payload
import ProcessRuntime

/// The receiver's side of a mailbox: what arrived, sorted by who may receive it.
///
/// Nothing is dropped for want of a listener: a message of a topic nobody listens to waits in
/// `unlistened`, in order of arrival, for a `listen` or an `inbox` (SEMANTICS 6).
struct Mailbox: ~Copyable {
    static let topicsMax = 256
    /// Bytes of a topic listened on: they are kept outside the process's own memory.
    static let topicBytesMax = 256

    /// The topic channels that are subscribed, linked through their records.
    private(set) var firstTopic: Record<Channel>?
    private var topicCount = 0
    var unlistened = SignalQueue()
    var events = SignalQueue()
    /// Signals taken from the control block get rising numbers.
    var sequence: UInt64 = 0
    var inbox: Record<Channel>?
    var eventChannel: Record<Channel>?

    /// The channel that listens on the topic `name`.
    func topic(named name: UnsafeRawBufferPointer) -> Record<Channel>? {
        var next = firstTopic
        while let channel = next {
            if unsafe channel.pointee.isNamed(name) { return channel }
            next = channel.pointee.nextTopic
        }
        return nil
    }

    /// Starts a subscription and gives it the messages that wait already; false at the limit.
    mutating func subscribe(_ channel: Record<Channel>, to name: [UInt8]) -> Bool {
        guard topicCount < Self.topicsMax else { return false }
        channel.pointee.setName(name)
        channel.pointee.nextTopic = firstTopic
        firstTopic = channel
        topicCount += 1
        unlistened.move(to: &channel.pointee.queue) { signal in
            unsafe signal.withTopic { unsafe channel.pointee.isNamed($0) }
        }
        return true
    }

    /// Ends a subscription: what it had not received yet goes back to where the inbox looks.
    mutating func unsubscribe(_ channel: Record<Channel>) {
        if firstTopic == channel {
            firstTopic = channel.pointee.nextTopic
        } else {
            var before = firstTopic
            while let candidate = before, candidate.pointee.nextTopic != channel {
                before = candidate.pointee.nextTopic
            }
            before?.pointee.nextTopic = channel.pointee.nextTopic
        }
        channel.pointee.dropName()
        topicCount -= 1
        unlistened.merge(&channel.pointee.queue)
    }

    /// Ends all subscriptions, before the memory that their channels are in goes.
    mutating func close() {
        while let channel = firstTopic { unsubscribe(channel) }
    }
}

extension LuaProcess {
    /// Takes in everything that arrived and wakes the fibers it is for.
    func drainSignals() {
        if timers.ringsUntil != nil { ringTimers() }
        guard block.hasArrivals else { return }
        var arrived = SignalQueue()
        runtime.drain(block, into: &arrived, numberingFrom: &mailbox.sequence)
        while let signal = arrived.popFirst() { sort(signal) }
    }

    private func sort(_ signal: consuming Signal) {
        switch signal.kind {
        case .message:
            if let channel = unsafe signal.withTopic({ unsafe mailbox.topic(named: $0) }) {
                deliver(signal, to: channel)
            } else {
                mailbox.unlistened.append(signal)
                if let inbox = mailbox.inbox { serve(inbox) }
            }
        case .exit, .linkDown, .cancel:
            mailbox.events.append(signal)
            if let channel = mailbox.eventChannel { serve(channel) }
        case .timer:
            let number = signal.withPayload { reader -> Int64 in
                if case .integer(let value) = reader.next() { value } else { 0 }
            }
            alarmRang(number)
        case .reply: replied(signal)
        }
    }

    /// Hands a message of a topic to the fiber that waits for it, or keeps it for the next that comes.
    ///
    /// Where a fiber waits, nothing else does.
    private func deliver(_ signal: consuming Signal, to topic: Record<Channel>) {
        guard let receiver = topic.pointee.receivers.first else {
            topic.pointee.queue.append(signal)
            return
        }
        push(signal, of: topic, receiver.pointee.fiber.pointee.parkedThread)
        complete(receiver, ok: true)
    }

    /// Pushes what a topic's signal is to Lua.
    private func push(
        _ signal: borrowing Signal,
        of topic: Record<Channel>,
        _ thread: LuaThread
    ) {
        if topic.pointee.deliversMessages {
            push(message: signal, thread)
        } else {
            signal.withPayload { thread.pushPayload(&$0) }
        }
        runtime.consumed(block, bytes: signal.byteCount)
    }

    /// Hands the next signal of a mailbox channel to a fiber parked there.
    func serve(_ channel: Record<Channel>) {
        while let receiver = channel.pointee.receivers.first {
            let thread = receiver.pointee.fiber.pointee.parkedThread
            guard pushNextSignal(of: channel, thread) else { return }
            complete(receiver, ok: true)
        }
    }

    /// Pushes what the channel's next signal is to Lua; false when there is none.
    func pushNextSignal(of channel: Record<Channel>, _ thread: LuaThread) -> Bool {
        switch channel.pointee.source {
        case .values: return false
        case .topic:
            guard let signal = channel.pointee.queue.popFirst() else { return false }
            push(signal, of: channel, thread)
            return true
        case .inbox:
            guard let signal = mailbox.unlistened.popFirst() else { return false }
            push(message: signal, thread)
            runtime.consumed(block, bytes: signal.byteCount)
            return true
        case .events:
            guard let signal = mailbox.events.popFirst() else { return false }
            push(event: signal, thread)
            runtime.consumedEvent(block, bytes: signal.byteCount)
            return true
        }
    }

    /// Pushes a pid's text.
    func push(_ pid: PID, _ thread: LuaThread) {
        unsafe runtime.pids.withBytes(of: pid) { unsafe thread.push(bytes: $0) }
    }

    /// Pushes a Message object.
    private func push(message signal: borrowing Signal, _ thread: LuaThread) {
        thread.pushMessage(from: signal.sender?.number ?? 0)
        signal.withPayload { thread.pushPayload(&$0) }
        if thread.kind(-1) == .table {
            if thread.pushMetatable(-1) {
                thread.pop()
            } else {
                thread.getKey(LuaThread.registry, CodecKeys.plainClass)
                thread.setMetatable(-2)
            }
        }
        thread.setUserValue(-2, 1)
        unsafe signal.withTopic { unsafe thread.push(bytes: $0) }
        thread.setUserValue(-2, 2)
    }

    private func push(event signal: borrowing Signal, _ thread: LuaThread) {
        thread.pushTable(sequence: 0, pairs: 5)
        signal.withPayload { reader in
            thread.pushPayload(&reader)
            thread.setField(-2, "at")
            switch signal.kind {
            case .exit:
                thread.push("EXIT")
                thread.setField(-2, "kind")
                thread.pushPayload(&reader)
                thread.setField(-2, "result")
                thread.pushPayload(&reader)
                thread.setField(-2, "error")
            case .linkDown:
                thread.push("LINK_DOWN")
                thread.setField(-2, "kind")
                thread.pushPayload(&reader)
                thread.setField(-2, "error")
            default:
                thread.push("CANCEL")
                thread.setField(-2, "kind")
                thread.pushPayload(&reader)
                thread.setField(-2, "reason")
            }
            if !reader.isAtEnd {
                thread.pushPayload(&reader)
                thread.setField(-2, "truncated")
            }
        }
        if let sender = signal.sender {
            push(sender, thread)
            thread.setField(-2, "from")
        }
    }
}
