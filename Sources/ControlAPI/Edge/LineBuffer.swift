/// Cuts bytes that come in pieces into lines, and keeps no line that is too long.
///
/// A line ends with LF, or with the end of all; the LF is not part of it. Memory: the piece that was
/// added last, and less than one line. A value: no lock.
struct LineBuffer: Sendable {
    /// What `next` found.
    enum Line: Equatable {
        /// At these indices of `bytes`.
        case whole(Range<Int>)
        /// A line of more than `lineBytesMax` bytes, which were not kept.
        case tooLong
    }

    /// A buffer larger than this is given back once it is empty.
    private static let keptBytes = 1 << 17

    private let lineBytesMax: Int
    private(set) var bytes: [UInt8] = []
    /// The first byte of the next line, and how far its end was looked for.
    private var start = 0
    private var scanned = 0
    /// Whether the rest of a line that is too long is still to come.
    private var isSkipping = false
    private(set) var isEnded = false

    init(lineBytesMax: Int) {
        self.lineBytesMax = lineBytesMax
    }

    mutating func append(_ piece: Span<UInt8>) {
        bytes.removeFirst(start)
        scanned -= start
        start = 0
        if bytes.isEmpty, bytes.capacity > LineBuffer.keptBytes { bytes = [] }
        // SAFETY: the bytes are lent for the call, and copied in it.
        unsafe piece.withUnsafeBufferPointer { buffer in
            unsafe bytes.append(contentsOf: buffer)
        }
    }

    /// Says that nothing more comes: what is left is a line, unless it is nothing.
    mutating func end() { isEnded = true }

    /// Whether `next` has something to look at: false from a nil of `next` to the next `append`.
    var hasMore: Bool { scanned < bytes.count || isEnded && (start < bytes.count || isSkipping) }

    /// The next line, or nil when more bytes are needed.
    mutating func next() -> Line? {
        while scanned < bytes.count {
            let isEnd = bytes[scanned] == UInt8(ascii: "\n")
            scanned += 1
            if isEnd { return cut(before: scanned - 1) }
        }
        if isEnded, start < bytes.count || isSkipping { return cut(before: bytes.count) }
        if bytes.count - start > lineBytesMax {
            isSkipping = true
            start = bytes.count
        }
        return nil
    }

    /// Takes the line that ends before `end`.
    private mutating func cut(before end: Int) -> Line {
        let line = start..<end
        start = scanned
        if isSkipping || line.count > lineBytesMax {
            isSkipping = false
            return .tooLong
        }
        return .whole(line)
    }
}
