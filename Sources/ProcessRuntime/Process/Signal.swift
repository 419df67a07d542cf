public import Payload

/// What kind of thing reached a process.
public enum SignalKind: UInt8, Sendable {
    /// User data: topic and payload.
    case message
    /// A monitored process is gone. Payload: time (float), result, error.
    case exit
    /// A linked process failed and the receiver traps links. Payload: time (float), error.
    case linkDown
    /// Somebody asks the process to stop. Payload: time (float), reason (string).
    case cancel
    /// A timer of the process is due. Payload: the timer's number (integer).
    case timer
    /// An answer to something the process waits for. Payload: token (integer), then the values.
    case reply
}

/// One block of memory: header, topic, payload.
///
/// Between two processes it is all that moves.
@safe
public struct SignalHeader {
    /// The one behind it in a queue.
    public var next: UnsafeMutablePointer<SignalHeader>?
    /// What it is.
    public var kind: SignalKind
    /// The sender's pid number; zero for a sender outside any process.
    public var sender: UInt64
    /// Order of arrival at the receiver; set when the receiver takes it out.
    public var sequence: UInt64
    /// Bytes of topic behind the header.
    public var topicBytes: Int
    /// Bytes of payload behind the topic.
    public var payloadBytes: Int

    /// Makes the header of a signal in no queue.
    @inlinable @inline(__always)
    public init(kind: SignalKind, sender: UInt64, topicBytes: Int, payloadBytes: Int) {
        unsafe next = nil
        self.kind = kind
        self.sender = sender
        sequence = 0
        self.topicBytes = topicBytes
        self.payloadBytes = payloadBytes
    }
}

/// A signal and its memory: owned, moved, freed once.
@safe
@frozen
public struct Signal: ~Copyable, @unchecked Sendable {
    // Sendable: the block has one owner at any time.
    /// The block it owns.
    public let header: UnsafeMutablePointer<SignalHeader>

    /// Takes over a block.
    @inlinable @inline(__always)
    public init(owning header: UnsafeMutablePointer<SignalHeader>) {
        unsafe self.header = unsafe header
    }

    @inlinable
    deinit {
        unsafe UnsafeMutableRawPointer(header).deallocate()
    }

    /// Bytes a signal's header takes at the start of its block: what a writer must leave free.
    @inlinable @inline(__always)
    public static var headerBytes: Int { (MemoryLayout<SignalHeader>.size + 15) & ~15 }

    /// Makes a signal of what `writer` holds: `topicBytes` of topic, then the payload.
    ///
    /// The writer must have been made with `headerBytes` reserved.
    @inlinable @inline(__always)
    public init(
        _ kind: SignalKind,
        from sender: PID?,
        topicBytes: Int = 0,
        written writer: consuming PayloadWriter
    ) {
        let (block, count) = unsafe writer.release()
        unsafe header = block.bindMemory(to: SignalHeader.self, capacity: 1)
        unsafe header.initialize(
            to: SignalHeader(
                kind: kind,
                sender: sender?.number ?? 0,
                topicBytes: topicBytes,
                payloadBytes: count - Signal.headerBytes - topicBytes
            )
        )
    }

    /// Makes a message of a topic and a payload that is encoded already.
    public init(topic: String, payload: Payload, from sender: PID?) {
        var topic = topic
        var writer = PayloadWriter(
            headerBytes: Signal.headerBytes,
            reserving: topic.utf8.count + payload.bytes.count
        )
        topic.withUTF8 { unsafe writer.append(UnsafeRawBufferPointer($0)) }
        writer.writeEncoded(payload)
        self.init(.message, from: sender, topicBytes: topic.utf8.count, written: writer)
    }

    /// Makes a message of a topic, which is any bytes, and a payload that is encoded already.
    public init(topic: [UInt8], payload: Payload, from sender: PID?) {
        var writer = PayloadWriter(
            headerBytes: Signal.headerBytes,
            reserving: topic.count + payload.bytes.count
        )
        unsafe topic.withUnsafeBytes { unsafe writer.append($0) }
        writer.writeEncoded(payload)
        self.init(.message, from: sender, topicBytes: topic.count, written: writer)
    }

    /// What it is.
    @inlinable @inline(__always)
    public var kind: SignalKind { unsafe header.pointee.kind }
    /// Who sent it; nil for a sender outside any process.
    @inlinable @inline(__always)
    public var sender: PID? { unsafe PID(number: header.pointee.sender) }
    /// Its place in the order of arrival; zero before the receiver took it out.
    @inlinable @inline(__always)
    public var sequence: UInt64 { unsafe header.pointee.sequence }
    /// What it counts against its mailbox, in bytes.
    @inlinable @inline(__always)
    public var byteCount: Int {
        unsafe Signal.headerBytes + header.pointee.topicBytes + header.pointee.payloadBytes
    }

    /// Where topic and payload are.
    @inlinable @inline(__always)
    public var body: UnsafeRawPointer {
        unsafe UnsafeRawPointer(header) + Signal.headerBytes
    }

    /// Lends the topic's bytes.
    @inlinable @inline(__always)
    public func withTopic<R>(_ action: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe action(UnsafeRawBufferPointer(start: body, count: header.pointee.topicBytes))
    }

    /// Lends a reader over the payload.
    @inlinable @inline(__always)
    public func withPayload<R>(_ action: (inout PayloadReader) -> R) -> R {
        let start = unsafe body + header.pointee.topicBytes
        var reader = unsafe PayloadReader(
            UnsafeRawBufferPointer(start: start, count: header.pointee.payloadBytes)
        )
        return action(&reader)
    }

    /// Gives the block up to the caller.
    @inlinable @inline(__always)
    public consuming func release() -> UnsafeMutablePointer<SignalHeader> {
        let pointer = unsafe header
        discard self
        return unsafe pointer
    }
}

/// Signals in order of arrival: an intrusive list that owns its members.
///
/// Bound: the mailbox limits of the receiver, plus one lifecycle signal for each monitor, link and
/// timer of its, and replies of as many bytes as its messages.
@safe
public struct SignalQueue: ~Copyable, @unchecked Sendable {
    // Sendable: the list and all its members have one owner at any time.
    /// The oldest.
    public var head: UnsafeMutablePointer<SignalHeader>?
    /// The newest.
    public var tail: UnsafeMutablePointer<SignalHeader>?

    /// Makes an empty queue.
    @inlinable @inline(__always)
    public init() {}

    @inlinable
    deinit {
        var next = unsafe head
        while let block = unsafe next {
            unsafe next = block.pointee.next
            unsafe UnsafeMutableRawPointer(block).deallocate()
        }
    }

    /// Whether there is none.
    @inlinable @inline(__always)
    public var isEmpty: Bool { unsafe head == nil }

    /// How many there are; O(n), for tests.
    var count: Int {
        var result = 0
        var next = unsafe head
        while let block = unsafe next {
            result += 1
            unsafe next = block.pointee.next
        }
        return result
    }

    /// Puts a signal behind all others.
    @inlinable @inline(__always)
    public mutating func append(_ signal: consuming Signal) {
        let block = unsafe signal.release()
        unsafe block.pointee.next = nil
        if let last = unsafe tail {
            unsafe last.pointee.next = block
        } else {
            unsafe head = block
        }
        unsafe tail = block
    }

    /// Takes the oldest out.
    @inlinable @inline(__always)
    public mutating func popFirst() -> Signal? {
        guard let block = unsafe head else { return nil }
        unsafe head = block.pointee.next
        if unsafe head == nil { unsafe tail = nil }
        return unsafe Signal(owning: block)
    }

    /// Takes everything out of `other`, numbering it from `sequence` on.
    public mutating func take(_ other: inout SignalQueue, numberingFrom sequence: inout UInt64) {
        var next = unsafe other.head
        while let block = unsafe next {
            sequence += 1
            unsafe block.pointee.sequence = sequence
            unsafe next = block.pointee.next
        }
        append(contentsOf: &other)
    }

    /// Moves everything in `other` to the end; O(1).
    private mutating func append(contentsOf other: inout SignalQueue) {
        guard let first = unsafe other.head else { return }
        if let last = unsafe tail {
            unsafe last.pointee.next = first
        } else {
            unsafe head = first
        }
        unsafe tail = other.tail
        unsafe other.head = nil
        unsafe other.tail = nil
    }

    /// Moves every signal that `matches` to the end of `other`, keeping the order.
    public mutating func move(
        to other: inout SignalQueue,
        where matches: (borrowing Signal) -> Bool
    ) {
        var rest = SignalQueue()
        while let signal = popFirst() {
            if matches(signal) { other.append(signal) } else { rest.append(signal) }
        }
        swap(&self, &rest)
    }

    /// Merges `other` in by sequence; both are in order already.
    public mutating func merge(_ other: inout SignalQueue) {
        var merged = SignalQueue()
        var left = popFirst()
        var right = other.popFirst()
        while true {
            let takeLeft: Bool
            switch (left?.sequence, right?.sequence) {
            case (nil, nil):
                swap(&self, &merged)
                return
            case (_?, nil): takeLeft = true
            case (nil, _?): takeLeft = false
            case (let a?, let b?): takeLeft = a < b
            }
            if takeLeft {
                if let signal = left.take() { merged.append(signal) }
                left = popFirst()
            } else {
                if let signal = right.take() { merged.append(signal) }
                right = other.popFirst()
            }
        }
    }
}
