// What a connection has to send and the socket has not taken yet.

import Posix

/// Unsent bytes in order; one buffer, so that what is answered in one batch leaves in one write.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var sent = 0

    /// A buffer larger than this is given back once it is empty: most connections are idle.
    private static let keptBytes = 4_096

    var count: Int { bytes.count - sent }
    var isEmpty: Bool { bytes.count == sent }

    /// Lets `body` append; it must not remove or change what is there.
    mutating func append<Value>(_ body: (inout [UInt8]) -> Value) -> Value {
        compact()
        return body(&bytes)
    }

    mutating func append(_ content: [UInt8]) {
        compact()
        if bytes.isEmpty {
            bytes = content
        } else {
            bytes.append(contentsOf: content)
        }
    }

    /// Hands the unsent bytes to the socket, as many as it takes now.
    ///
    /// Answers how many it took; fewer than `count` means that it is full.
    mutating func send(
        to socket: borrowing FileDescriptor,
        by layer: any SocketLayer
    ) throws(Errno) -> Int {
        var total = 0
        while !isEmpty {
            let from = sent
            let transfer = try unsafe bytes.withUnsafeBufferPointer {
                buffer throws(Errno) -> Transfer in
                // SAFETY: the array lives during the call; `from` is within it.
                let raw = UnsafeRawBufferPointer(buffer)
                return try unsafe layer.send(socket, UnsafeRawBufferPointer(rebasing: raw[from...]))
            }
            guard case .bytes(let count) = transfer else { return total }
            sent += count
            total += count
        }
        clear()
        return total
    }

    /// Lends up to `countMax` unsent bytes, which then count as sent.
    mutating func take<Failure: Error>(
        atMost countMax: Int,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let taken = sent..<min(bytes.count, sent + countMax)
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(Failure) in
            // SAFETY: the array lives during the call; the range is within it.
            let raw = UnsafeRawBufferPointer(buffer)
            try unsafe body(UnsafeRawBufferPointer(rebasing: raw[taken]))
        }
        sent = taken.upperBound
        if isEmpty { clear() }
    }

    mutating func clear() {
        sent = 0
        if bytes.capacity > Self.keptBytes {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    /// Drops sent bytes once they are the larger part: each byte is moved at most once on average.
    private mutating func compact() {
        guard sent > 0, sent >= count else { return }
        bytes.removeFirst(sent)
        sent = 0
    }
}
