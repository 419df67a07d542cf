// What a connection has to send and the socket has not taken yet.

import Posix

/// Unsent bytes in order: one buffer, so that what is answered in one batch leaves in one write, and
/// perhaps one large body behind it.
///
/// A large body is not copied: it is the array that the answer came with, which others may share (a
/// file of the cache). Only its beginning is, so that a head does not leave alone.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// A large body that follows `bytes`, from `bodySent` on; empty where there is none.
    private var body: [UInt8] = []
    private var bodySent = 0

    /// A buffer larger than this is given back once it is empty: most connections are idle.
    private static let keptBytes = 1_024
    /// A body larger than this is not copied.
    private static let copiedBytes = 65_536
    /// How much of a large body is copied, to be sent with its head.
    private static let firstBytes = 16_384

    var count: Int { bytes.count - sent + body.count - bodySent }
    var isEmpty: Bool { count == 0 }
    /// Whether a large body waits; appending more would copy it.
    var holdsBody: Bool { !body.isEmpty }

    /// Lets `body` append; it must not remove or change what is there.
    mutating func append<Value>(_ body: (inout [UInt8]) -> Value) -> Value {
        flatten()
        compact()
        return body(&bytes)
    }

    mutating func append(_ content: [UInt8]) {
        flatten()
        compact()
        if bytes.isEmpty {
            bytes = content
        } else if content.count <= Self.copiedBytes {
            bytes.append(contentsOf: content)
        } else {
            bytes.append(contentsOf: content[..<Self.firstBytes])
            body = content
            bodySent = Self.firstBytes
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
            let transfer =
                sent < bytes.count
                ? try Self.send(bytes, from: sent, to: socket, by: layer)
                : try Self.send(body, from: bodySent, to: socket, by: layer)
            guard case .bytes(let count) = transfer else { return total }
            advance(by: count)
            total += count
        }
        clear()
        return total
    }

    private static func send(
        _ bytes: [UInt8],
        from: Int,
        to socket: borrowing FileDescriptor,
        by layer: any SocketLayer
    ) throws(Errno) -> Transfer {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(Errno) -> Transfer in
            // SAFETY: the array lives during the call; `from` is within it.
            let raw = UnsafeRawBufferPointer(buffer)
            return try unsafe layer.send(socket, UnsafeRawBufferPointer(rebasing: raw[from...]))
        }
    }

    /// Lends up to `countMax` unsent bytes, at least one, which then count as sent.
    mutating func take<Failure: Error>(
        atMost countMax: Int,
        _ lend: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let isBody = sent == bytes.count
        let from = isBody ? bodySent : sent
        let source = isBody ? body : bytes
        let taken = from..<min(source.count, from + countMax)
        try unsafe source.withUnsafeBufferPointer { buffer throws(Failure) in
            // SAFETY: the array lives during the call; the range is within it.
            let raw = UnsafeRawBufferPointer(buffer)
            try unsafe lend(UnsafeRawBufferPointer(rebasing: raw[taken]))
        }
        advance(by: taken.count)
        if isEmpty { clear() }
    }

    /// Notes that the next `count` bytes, which are in one of the two, were sent.
    private mutating func advance(by count: Int) {
        if sent < bytes.count {
            sent += count
            return
        }
        bodySent += count
        guard bodySent == body.count else { return }
        (body, bodySent) = ([], 0)
    }

    mutating func clear() {
        (body, bodySent) = ([], 0)
        sent = 0
        if bytes.capacity > Self.keptBytes {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    /// Makes room behind a large body for what comes after all.
    private mutating func flatten() {
        guard holdsBody else { return }
        bytes.append(contentsOf: body[bodySent...])
        (body, bodySent) = ([], 0)
    }

    /// Drops sent bytes once they are the larger part: each byte is moved at most once on average.
    private mutating func compact() {
        guard sent > 0, sent >= bytes.count - sent else { return }
        bytes.removeFirst(sent)
        sent = 0
    }
}
