import LuaVM
import Payload
import ProcessRuntime

/// The receiver's side of a mailbox: what arrived, sorted by who may receive it.
///
/// Nothing is dropped for want of a listener: a message of a topic nobody listens to waits in
/// `unlistened`, in order of arrival, for a `listen` or an `inbox` (SEMANTICS 6).
struct Mailbox: ~Copyable {
    /// One subscribed topic.
    ///
    /// The index of a topic never changes; slots of ended ones are reused.
    final class Topic {
        let name: [UInt8]
        var queue = SignalQueue()
        var deliversMessages: Bool
        /// The channel's record; its userdata is anchored in the registry while subscribed.
        let channel: Record<Channel>

        init(
            name: [UInt8],
            deliversMessages: Bool,
            channel: Record<Channel>
        ) {
            self.name = name
            self.deliversMessages = deliversMessages
            self.channel = channel
        }

        /// Whether its name is these bytes.
        func isNamed(_ bytes: UnsafeRawBufferPointer) -> Bool {
            guard bytes.count == name.count else { return false }
            for index in name.indices where unsafe bytes[index] != name[index] { return false }
            return true
        }
    }

    static let topicsMax = 256
    /// Bytes of a topic listened on: they are kept outside the process's own memory.
    static let topicBytesMax = 256

    var topics: [Topic?] = []
    var unlistened = SignalQueue()
    var events = SignalQueue()
    /// Signals taken from the control block get rising numbers.
    var sequence: UInt64 = 0
    var inbox: Record<Channel>?
    var eventChannel: Record<Channel>?

    func topic(named name: UnsafeRawBufferPointer) -> Int? {
        topics.firstIndex { topic in
            guard let topic else { return false }
            return unsafe topic.isNamed(name)
        }
    }

    /// Starts a subscription and gives it the messages that wait already; nil at the limit.
    mutating func subscribe(
        _ name: [UInt8],
        deliversMessages: Bool,
        channel: Record<Channel>
    ) -> Int? {
        let topic = Topic(name: name, deliversMessages: deliversMessages, channel: channel)
        unlistened.move(to: &topic.queue) { signal in
            unsafe signal.withTopic { unsafe topic.isNamed($0) }
        }
        if let free = topics.firstIndex(where: { $0 == nil }) {
            topics[free] = topic
            return free
        }
        guard topics.count < Self.topicsMax else {
            unlistened.merge(&topic.queue)
            return nil
        }
        topics.append(topic)
        return topics.count - 1
    }

    /// Ends a subscription: what it had not received yet goes back to where the inbox looks.
    mutating func unsubscribe(_ index: Int) {
        guard let topic = topics[index] else { return }
        unlistened.merge(&topic.queue)
        topics[index] = nil
    }
}

extension LuaProcess {
    /// Takes in everything that arrived and wakes the fibers it is for.
    func drainSignals() {
        var arrived = SignalQueue()
        runtime.drain(block, into: &arrived, numberingFrom: &mailbox.sequence)
        while let signal = arrived.popFirst() { sort(signal) }
    }

    private func sort(_ signal: consuming Signal) {
        switch signal.kind {
        case .message:
            let index = unsafe signal.withTopic { unsafe mailbox.topic(named: $0) }
            if let index, let topic = mailbox.topics[index] {
                topic.queue.append(signal)
                serve(topic.channel)
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
            timerFired(number)
        case .reply: replied(signal)
        }
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
            guard channel.pointee.topic >= 0, let topic = mailbox.topics[channel.pointee.topic],
                let signal = topic.queue.popFirst()
            else { return false }
            if topic.deliversMessages {
                push(message: signal, thread)
            } else {
                signal.withPayload { thread.pushPayload(&$0) }
            }
            runtime.consumed(block, bytes: signal.byteCount)
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

    /// Pushes a Message object: user values payload, topic, from.
    private func push(message signal: borrowing Signal, _ thread: LuaThread) {
        _ = unsafe thread.pushUserdata(bytes: 0, values: 3, class: CodecKeys.message)
        signal.withPayload { thread.pushPayload(&$0) }
        if thread.kind(-1) == .table, !thread.pushMetatable(-1) {
            thread.getKey(LuaThread.registry, CodecKeys.plainClass)
            thread.setMetatable(-2)
        } else if thread.kind(-2) == .table {
            thread.pop()
        }
        thread.setUserValue(-2, 1)
        unsafe signal.withTopic { unsafe thread.push(bytes: $0) }
        thread.setUserValue(-2, 2)
        if let sender = signal.sender { push(sender, thread) } else { thread.pushNil() }
        thread.setUserValue(-2, 3)
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
