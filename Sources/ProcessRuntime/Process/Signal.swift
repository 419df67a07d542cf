package import Payload

/// What kind of thing reached a process.
package enum SignalKind: UInt8, Sendable {
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
package struct SignalHeader {
    package var next: UnsafeMutablePointer<SignalHeader>?
    package var kind: SignalKind
    /// The sender's pid number; zero for a sender outside any process.
    package var sender: UInt64
    /// Order of arrival at the receiver; set when the receiver takes it out.
    package var sequence: UInt64
    package var topicBytes: Int
    package var payloadBytes: Int

    @inlinable
    package init(kind: SignalKind, sender: UInt64, topicBytes: Int, payloadBytes: Int) {
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
package struct Signal: ~Copyable, @unchecked Sendable {
    // Sendable: the block has one owner at any time.
    package let header: UnsafeMutablePointer<SignalHeader>

    @inlinable
    package init(owning header: UnsafeMutablePointer<SignalHeader>) {
        unsafe self.header = unsafe header
    }

    @inlinable
    deinit {
        unsafe UnsafeMutableRawPointer(header).deallocate()
    }

    /// Bytes a signal's header takes at the start of its block: what a writer must leave free.
    @inlinable
    package static var headerBytes: Int { (MemoryLayout<SignalHeader>.size + 15) & ~15 }

    /// Makes a signal of what `writer` holds: `topicBytes` of topic, then the payload.
    ///
    /// The writer must have been made with `headerBytes` reserved.
    @inlinable
    package init(
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
    package init(topic: String, payload: Payload, from sender: PID?) {
        var writer = PayloadWriter(
            headerBytes: Signal.headerBytes,
            reserving: topic.utf8.count + payload.bytes.count
        )
        var copy = topic
        copy.withUTF8 { unsafe writer.append(UnsafeRawBufferPointer($0)) }
        writer.writeEncoded(payload)
        self.init(.message, from: sender, topicBytes: topic.utf8.count, written: writer)
    }

    @inlinable
    package var kind: SignalKind { unsafe header.pointee.kind }
    @inlinable
    package var sender: PID? { unsafe PID(number: header.pointee.sender) }
    @inlinable
    package var sequence: UInt64 { unsafe header.pointee.sequence }
    /// What it counts against its mailbox, in bytes.
    @inlinable
    package var byteCount: Int {
        unsafe Signal.headerBytes + header.pointee.topicBytes + header.pointee.payloadBytes
    }

    @inlinable
    package var body: UnsafeRawPointer {
        unsafe UnsafeRawPointer(header) + Signal.headerBytes
    }

    /// Lends the topic's bytes.
    @inlinable
    package func withTopic<R>(_ action: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe action(UnsafeRawBufferPointer(start: body, count: header.pointee.topicBytes))
    }

    /// Lends a reader over the payload.
    @inlinable
    package func withPayload<R>(_ action: (inout PayloadReader) -> R) -> R {
        let start = unsafe body + header.pointee.topicBytes
        var reader = unsafe PayloadReader(
            UnsafeRawBufferPointer(start: start, count: header.pointee.payloadBytes)
        )
        return action(&reader)
    }

    @inlinable
    package consuming func release() -> UnsafeMutablePointer<SignalHeader> {
        let pointer = unsafe header
        discard self
        return unsafe pointer
    }
}

/// Signals in order of arrival: an intrusive list that owns its members.
///
/// Bound: the mailbox limits of the receiver, plus one lifecycle signal for each monitor, link,
/// timer and pending reply of its.
@safe
package struct SignalQueue: ~Copyable, @unchecked Sendable {
    // Sendable: the list and all its members have one owner at any time.
    package var head: UnsafeMutablePointer<SignalHeader>?
    package var tail: UnsafeMutablePointer<SignalHeader>?

    @inlinable
    package init() {}

    @inlinable
    deinit {
        var next = unsafe head
        while let block = unsafe next {
            unsafe next = block.pointee.next
            unsafe UnsafeMutableRawPointer(block).deallocate()
        }
    }

    @inlinable
    package var isEmpty: Bool { unsafe head == nil }

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

    @inlinable
    package mutating func append(_ signal: consuming Signal) {
        let block = unsafe signal.release()
        unsafe block.pointee.next = nil
        if let last = unsafe tail {
            unsafe last.pointee.next = block
        } else {
            unsafe head = block
        }
        unsafe tail = block
    }

    @inlinable
    package mutating func popFirst() -> Signal? {
        guard let block = unsafe head else { return nil }
        unsafe head = block.pointee.next
        if unsafe head == nil { unsafe tail = nil }
        return unsafe Signal(owning: block)
    }

    /// Takes everything out of `other`, numbering it from `sequence` on.
    package mutating func take(_ other: inout SignalQueue, numberingFrom sequence: inout UInt64) {
        var next = unsafe other.head
        while let block = unsafe next {
            sequence += 1
            unsafe block.pointee.sequence = sequence
            unsafe next = block.pointee.next
        }
        append(contentsOf: &other)
    }

    /// Removes the first signal that `matches`, or returns nil.
    ///
    /// O(its place): what comes after it is not looked at.
    package mutating func removeFirst(where matches: (borrowing Signal) -> Bool) -> Signal? {
        var before = SignalQueue()
        while let signal = popFirst() {
            if matches(signal) {
                before.append(contentsOf: &self)
                swap(&self, &before)
                return signal
            }
            before.append(signal)
        }
        swap(&self, &before)
        return nil
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
    package mutating func move(
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
    package mutating func merge(_ other: inout SignalQueue) {
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
