/// Whether two stretches of memory hold the same bytes.
///
/// For names of a few bytes, which are compared with every message: eight at a time, no call.
@inlinable @inline(__always)
public func haveSameBytes(
    _ one: UnsafeRawBufferPointer,
    _ other: UnsafeRawBufferPointer
) -> Bool {
    guard one.count == other.count else { return false }
    guard let first = one.baseAddress, let second = other.baseAddress else {
        return true
    }
    var place = 0
    while place + 8 <= one.count {
        let left = unsafe first.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        let right = unsafe second.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        if left != right { return false }
        place += 8
    }
    while place < one.count {
        if unsafe first.load(fromByteOffset: place, as: UInt8.self)
            != second.load(fromByteOffset: place, as: UInt8.self)
        {
            return false
        }
        place += 1
    }
    return true
}
