/// Writes pieces into room that was made for all of them.
///
/// An array that is appended to a piece at a time asks each time whether it is its owner's alone and
/// has room; for a response's head that was more work than the writing.
@safe
struct RoomWriter: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    fileprivate init(_ room: UnsafeMutableRawBufferPointer, _ start: UnsafeMutableRawPointer) {
        unsafe self.start = start
        capacity = room.count
    }

    mutating func put(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe put($0) }
    }

    mutating func put(_ text: String) {
        // SAFETY: the bytes are copied inside the closure.
        unsafe text.utf8Span.span.withUnsafeBytes { unsafe put($0) }
    }

    mutating func put(literal text: StaticString) {
        // SAFETY: a literal of more than one character is bytes that stay.
        unsafe put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func put(_ byte: UInt8) {
        precondition(count < capacity, "more is written than there is room for")
        unsafe start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Writes a number of zero or more in decimal digits.
    mutating func put(decimal number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            put(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= capacity - count, "more is written than there is room for")
        guard let source = bytes.baseAddress else { return }
        unsafe (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}

extension Array where Element == UInt8 {
    /// Appends what `body` writes, at most `room` bytes.
    mutating func append(room: Int, _ body: (inout RoomWriter) -> Void) {
        append(addingCapacity: room) { span in
            unsafe span.withUnsafeMutableBufferPointer { buffer, count in
                let free = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]
                )
                guard let start = free.baseAddress else { return }
                var writer = unsafe RoomWriter(free, start)
                body(&writer)
                count += writer.count
            }
        }
    }
}
