/// The content of one answer, as far as it was made and not yet sent.
///
/// Made by `HTTP2Codec.answer`; filled by whoever has it, emptied by the codec.
package final class HTTP2Outgoing {
    package let stream: Int32
    private var bytes: [UInt8]
    private var sent = 0
    /// Whether `bytes` ends the content.
    private(set) var isComplete: Bool
    /// Whether all of it was there from the beginning.
    let isWhole: Bool
    /// Whether the codec waits for more to be appended.
    var isDeferred = false
    /// Where the codec keeps it.
    var index = 0
    /// How many bytes were framed since the answer began.
    package private(set) var takenBytes = 0

    init(stream: Int32, bytes: [UInt8], isComplete: Bool) {
        self.stream = stream
        self.bytes = bytes
        self.isComplete = isComplete
        isWhole = isComplete
    }

    /// How many bytes wait for the client's window, or their turn.
    package var pendingBytes: Int { bytes.count - sent }

    func append(_ more: [UInt8]) {
        if sent == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            sent = 0
        } else if sent >= pendingBytes {
            // Each byte is moved at most once on average.
            bytes.removeFirst(sent)
            sent = 0
        }
        bytes.append(contentsOf: more)
    }

    func complete() { isComplete = true }

    /// Moves the next `count` bytes, which are there, to `output`.
    func take(_ count: Int, into output: inout [UInt8]) {
        output.append(contentsOf: bytes[sent..<sent + count])
        sent += count
        takenBytes += count
        // What is framed now waits in the output; a large buffer beside it would double it.
        if sent == bytes.count, bytes.capacity > Self.keptBytes {
            bytes = []
            sent = 0
        }
    }

    /// A buffer larger than this is given back once all of it is framed.
    private static let keptBytes = 16_384
}
