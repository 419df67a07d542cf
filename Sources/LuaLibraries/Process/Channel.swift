import LuaVM
import Payload
import ProcessRuntime

/// What feeds a channel.
enum ChannelSource: UInt8 {
    /// `channel.new`, timers: values of this process.
    case values
    /// `process.listen`: messages of one topic.
    case topic
    /// `process.inbox`: messages of every topic without a listener.
    case inbox
    /// `process.events`.
    case events
}

/// A channel's record: the memory of its userdata, so Lua's collector owns it.
///
/// Buffered values are in the userdata's user value, a table used as a ring. A waiter at the channel
/// implies that its fiber's stack holds the channel, so the record outlives its waiters.
@safe
struct Channel: ~Copyable {
    let source: ChannelSource
    var isClosed = false
    /// For `.topic`: whether it delivers whole messages or their payloads.
    var deliversMessages = false
    /// How many values may wait in the buffer.
    var capacity: Int
    /// Buffered values are at keys `head + 1 ... head + count`.
    var head: Int64 = 0
    var count: Int64 = 0
    /// For `.topic`: the next channel that is subscribed.
    var nextTopic: Record<Channel>?
    /// For `.topic`, while it is subscribed: the topic's name, in memory of its own.
    // SAFETY: owned by the subscription: setName allocates it, dropName frees it.
    private var name: UnsafeMutableRawBufferPointer?
    /// For `.topic`: messages not received yet.
    ///
    /// Empty before Lua's collector takes the channel: a subscription anchors it, and the end of the
    /// subscription empties it.
    var queue = SignalQueue()
    var receivers = WaiterList()
    var senders = WaiterList()

    init(source: ChannelSource, capacity: Int) {
        self.source = source
        self.capacity = capacity
    }

    var isSubscribed: Bool { unsafe name != nil }

    /// The name of the topic it is subscribed to, as text.
    var topicText: String { unsafe name.map { unsafe String(decoding: $0, as: UTF8.self) } ?? "" }

    func isNamed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let name = unsafe name else { return false }
        return unsafe haveSameBytes(UnsafeRawBufferPointer(name), bytes)
    }

    mutating func setName(_ text: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        unsafe memory.copyBytes(from: text)
        unsafe name = memory
    }

    mutating func dropName() {
        unsafe name?.deallocate()
        unsafe name = nil
    }

    static let key = LuaKey()

    /// The channel at `index`, or nil for any other value.
    static func at(_ index: Int32, of thread: LuaThread) -> Record<Channel>? {
        guard let memory = unsafe thread.userdata(index, class: key) else { return nil }
        return unsafe Record(memory.assumingMemoryBound(to: Channel.self))
    }

    /// Pushes a new channel.
    static func push(
        _ source: ChannelSource,
        capacity: Int,
        onto thread: LuaThread
    ) -> Record<Channel> {
        let memory = unsafe thread.pushUserdata(
            bytes: MemoryLayout<Channel>.size,
            values: 1,
            class: key
        )
        return unsafe Record(in: memory, Channel(source: source, capacity: capacity))
    }
}

/// How an attempt to receive went.
enum Reception {
    /// The value was pushed.
    case value
    /// Closed and drained.
    case closed
    /// Nothing there: the caller may park.
    case nothing
}

/// Channel operations. `at` is where the channel's userdata is on `thread`'s stack.
extension LuaProcess {
    // MARK: Trying

    /// Takes a value out of the channel at stack index `at` and pushes it, if one is there.
    func tryReceive(
        _ channel: Record<Channel>,
        at index: Int32,
        _ thread: LuaThread
    ) -> Reception {
        if channel.pointee.source != .values {
            drainSignals()
            if pushNextSignal(of: channel, thread) { return .value }
            return channel.pointee.isClosed ? .closed : .nothing
        }
        if channel.pointee.count > 0 {
            popBuffered(channel, at: index, thread)
            if let sender = channel.pointee.senders.first {
                takeValue(of: sender, onto: thread)
                pushBuffered(channel, at: index, thread)
                complete(sender, ok: true)
            }
            return .value
        }
        if let sender = channel.pointee.senders.first {
            takeValue(of: sender, onto: thread)
            complete(sender, ok: true)
            return .value
        }
        return channel.pointee.isClosed ? .closed : .nothing
    }

    /// Pops the value on top into the channel, if a receiver or room is there; else leaves it.
    func trySend(
        _ channel: Record<Channel>,
        at index: Int32,
        _ thread: LuaThread
    ) -> Bool {
        if let receiver = channel.pointee.receivers.first {
            thread.move(1, to: receiver.pointee.fiber.pointee.parkedThread)
            complete(receiver, ok: true)
            return true
        }
        guard channel.pointee.count < channel.pointee.capacity else { return false }
        pushBuffered(channel, at: index, thread)
        return true
    }

    /// Closes a channel: parked receivers get nil, parked senders an error.
    func close(_ channel: Record<Channel>) {
        guard !channel.pointee.isClosed else { return }
        channel.pointee.isClosed = true
        while let receiver = channel.pointee.receivers.first {
            receiver.pointee.fiber.pointee.parkedThread.pushNil()
            complete(receiver, ok: false)
        }
        while let sender = channel.pointee.senders.first {
            // A select only loses this case: a closed channel is never ready for send.
            if sender.pointee.caseIndex > 0 {
                withdraw(sender)
            } else {
                complete(sender, ok: false)
            }
        }
    }

    // MARK: The buffer

    private func pushBuffered(
        _ channel: Record<Channel>,
        at index: Int32,
        _ thread: LuaThread
    ) {
        let place = thread.absolute(index)
        if thread.getUserValue(place, 1) != .table {
            thread.pop()
            thread.pushTable()
            thread.pushValue(-1)
            thread.setUserValue(place, 1)
        }
        thread.insert(-2)
        channel.pointee.count += 1
        thread.setIndex(-2, channel.pointee.head + channel.pointee.count)
        thread.pop()
    }

    private func popBuffered(
        _ channel: Record<Channel>,
        at index: Int32,
        _ thread: LuaThread
    ) {
        thread.getUserValue(index, 1)
        channel.pointee.head += 1
        channel.pointee.count -= 1
        thread.getIndex(-1, channel.pointee.head)
        thread.pushNil()
        thread.setIndex(-3, channel.pointee.head)
        thread.remove(-2)
        if channel.pointee.count == 0 { channel.pointee.head = 0 }
    }

    private func takeValue(of sender: Record<Waiter>, onto thread: LuaThread) {
        let parked = sender.pointee.fiber.pointee.parkedThread
        parked.pushValue(sender.pointee.valueIndex)
        parked.move(1, to: thread)
    }

    // MARK: Parking

    /// Parks the running fiber at a channel; call once for each case, then return "block".
    func park(
        at channel: Record<Channel>,
        isSend: Bool,
        valueIndex: Int32 = 0,
        caseIndex: Int32 = 0,
        _ thread: LuaThread
    ) {
        let fiber = currentFiber
        fiber.pointee.parkedThread = thread
        let waiter = takeWaiter(
            Waiter(
                fiber: fiber,
                channel: channel,
                isSend: isSend,
                valueIndex: valueIndex,
                caseIndex: caseIndex,
                sibling: fiber.pointee.waiters
            )
        )
        fiber.pointee.waiters?.pointee.elder = waiter
        fiber.pointee.waiters = waiter
        parkSignature &+= mark(of: channel)
        if isSend {
            channel.pointee.senders.append(waiter)
        } else {
            channel.pointee.receivers.append(waiter)
        }
    }

    /// The fiber's spare waiter, or a new one: most park at one channel after the other.
    private func takeWaiter(_ value: Waiter) -> Record<Waiter> {
        guard let spare = value.fiber.pointee.spareWaiter else { return machine.makeRecord(value) }
        value.fiber.pointee.spareWaiter = nil
        spare.pointee = value
        return spare
    }

    private func giveBack(_ waiter: Record<Waiter>, of fiber: Record<Fiber>) {
        if fiber.pointee.spareWaiter == nil {
            fiber.pointee.spareWaiter = waiter
        } else {
            machine.free(waiter)
        }
    }

    /// A waiter's wish came true: its fiber leaves every channel and will run again.
    func complete(_ waiter: Record<Waiter>, ok: Bool) {
        let fiber = waiter.pointee.fiber
        fiber.pointee.wokenCase = waiter.pointee.caseIndex
        fiber.pointee.wokenBySend = waiter.pointee.isSend
        fiber.pointee.wokenOK = ok
        while let other = fiber.pointee.waiters { withdraw(other) }
        ready.append(fiber)
    }

    /// What a waiter at this channel adds to `parkSignature`.
    private func mark(of channel: Record<Channel>) -> UInt64 {
        unsafe UInt64(UInt(bitPattern: channel.address)) &* SeededRandom.step
    }

    private func withdraw(_ waiter: Record<Waiter>) {
        parkSignature &-= mark(of: waiter.pointee.channel)
        if waiter.pointee.isSend {
            waiter.pointee.channel.pointee.senders.remove(waiter)
        } else {
            waiter.pointee.channel.pointee.receivers.remove(waiter)
        }
        let fiber = waiter.pointee.fiber
        let (elder, sibling) = (waiter.pointee.elder, waiter.pointee.sibling)
        if let elder { elder.pointee.sibling = sibling } else { fiber.pointee.waiters = sibling }
        sibling?.pointee.elder = elder
        giveBack(waiter, of: fiber)
    }
}
