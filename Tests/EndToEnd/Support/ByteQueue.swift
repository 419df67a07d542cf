import Glibc

/// Bytes that came and were not read yet: cheap at both ends, also in a debug build.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

    /// The next line without its LF; nil until it is there in full.
    mutating func takeLine() -> [UInt8]? {
        guard count > 0 else { return nil }
        let length = bytes.withUnsafeBytes { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            return memchr(base + start, 10, buffer.count - start).map {
                UnsafeRawPointer($0) - (base + start)
            }
        }
        guard let length else { return nil }
        let line = Array(bytes[start..<start + length])
        drop(length + 1)
        return line
    }

    /// The next `wanted` bytes; nil until they are there.
    mutating func take(_ wanted: Int) -> [UInt8]? {
        guard count >= wanted else { return nil }
        let taken = Array(bytes[start..<start + wanted])
        drop(wanted)
        return taken
    }

    mutating func takeAll() -> [UInt8] {
        defer { drop(count) }
        return Array(bytes[start...])
    }

    private mutating func drop(_ dropped: Int) {
        start += dropped
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 1 << 20 {
            bytes.removeFirst(start)
            start = 0
        }
    }
}
