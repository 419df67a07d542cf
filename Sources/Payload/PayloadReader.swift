/// One step of reading a payload.
///
/// A table or an error object announces what follows it.
@safe
public enum PayloadItem {
    case nothing
    case null
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    /// Bytes inside the payload's own memory: valid as long as that is.
    case string(UnsafeRawBufferPointer)
    /// `sequence` values and then `pairs` key-value pairs follow.
    case table(TableMark, sequence: Int, pairs: Int)
    /// Five values follow: message, kind, retryable, details, stack.
    case error
}

/// Reads values one item at a time from memory it does not own.
///
/// Payloads are written only by `PayloadWriter` and the Lua codec, so bad bytes are our own broken
/// invariant: reading past the end or an unknown tag traps.
@safe
public struct PayloadReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var place = 0

    /// Reads from `bytes`, which must outlive the reader and every string it returns.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = unsafe bytes
    }

    /// Whether all bytes were read.
    @inlinable
    public var isAtEnd: Bool { unsafe place >= bytes.count }

    /// Reads one item.
    @inlinable @inline(__always)
    public mutating func next() -> PayloadItem {
        let tag = unsafe bytes[place]
        place += 1
        if tag >= PayloadTag.smallInteger {
            return .integer(Int64(Int(tag) - PayloadTag.smallIntegerBias))
        }
        if tag >= PayloadTag.shortString {
            return unsafe .string(take(Int(tag & 0x3F)))
        }
        switch tag {
        case PayloadTag.nothing: return .nothing
        case PayloadTag.null: return .null
        case PayloadTag.no: return .boolean(false)
        case PayloadTag.yes: return .boolean(true)
        case PayloadTag.integer: return .integer(Int64(littleEndian: load(Int64.self)))
        case PayloadTag.float:
            return .float(Double(bitPattern: UInt64(littleEndian: load(UInt64.self))))
        case PayloadTag.string:
            return unsafe .string(take(Int(UInt32(littleEndian: load(UInt32.self)))))
        case PayloadTag.table:
            guard let mark = TableMark(rawValue: load(UInt8.self)) else {
                preconditionFailure("payload: a table with an unknown mark")
            }
            let sequence = Int(UInt32(littleEndian: load(UInt32.self)))
            let pairs = Int(UInt32(littleEndian: load(UInt32.self)))
            return .table(mark, sequence: sequence, pairs: pairs)
        case PayloadTag.error: return .error
        default: preconditionFailure("payload: unknown tag \(tag)")
        }
    }

    /// Steps over whole values.
    public mutating func skip(values count: Int = 1) {
        var values = count
        while values > 0 {
            values -= 1
            switch next() {
            case .table(_, let sequence, let pairs): values += sequence + 2 * pairs
            case .error: values += 5
            default: break
            }
        }
    }

    @inlinable @inline(__always)
    mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T {
        let value = unsafe bytes.loadUnaligned(fromByteOffset: place, as: type)
        place += MemoryLayout<T>.size
        return value
    }

    @inlinable @inline(__always)
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        unsafe precondition(place + count <= bytes.count, "payload: a string runs past the end")
        let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        place += count
        return unsafe slice
    }
}
