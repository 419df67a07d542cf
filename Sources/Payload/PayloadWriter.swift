/// Writes values into one growing block of memory that it owns.
///
/// The block may begin with room for a header (`headerBytes`), so that a message and its payload
/// are one allocation: `release()` hands that block over. What is not released is freed.
@safe
@frozen
public struct PayloadWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline let headerBytes: Int
    @usableFromInline var used: Int

    /// Bytes in use, the header's included.
    @inlinable
    public var count: Int { used }

    /// Makes a writer whose block starts with `headerBytes` bytes left alone (8-byte aligned).
    @inlinable
    public init(headerBytes: Int = 0, reserving: Int = 64) {
        capacity = headerBytes + max(reserving, 16)
        unsafe base = .allocate(byteCount: capacity, alignment: 8)
        self.headerBytes = headerBytes
        used = headerBytes
    }

    @inlinable
    deinit {
        unsafe base.deallocate()
    }

    /// Bytes of payload written so far.
    @inlinable @inline(__always)
    public var payloadCount: Int { used - headerBytes }

    /// The finished block.
    ///
    /// The caller must `deallocate()` it; `count` bytes are in use.
    @inlinable
    public consuming func release() -> (block: UnsafeMutableRawPointer, count: Int) {
        let result = unsafe (base, used)
        discard self
        return unsafe result
    }

    /// The payload as an array of its own; the header's bytes are left out.
    public consuming func finish() -> Payload {
        let start = unsafe UnsafeRawPointer(base + headerBytes)
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: payloadCount))
        return Payload(bytes: bytes)
    }

    // MARK: Values

    /// Writes nil.
    @inlinable @inline(__always)
    public mutating func writeNil() { writeByte(PayloadTag.nothing) }
    /// Writes `json.null`.
    @inlinable
    public mutating func writeNull() { writeByte(PayloadTag.null) }
    /// Writes a boolean.
    @inlinable @inline(__always)
    public mutating func write(_ value: Bool) {
        writeByte(value ? PayloadTag.yes : PayloadTag.no)
    }

    /// Writes an integer.
    @inlinable @inline(__always)
    public mutating func write(_ value: Int64) {
        if PayloadTag.smallIntegers.contains(Int(value)) {
            writeByte(UInt8(truncatingIfNeeded: Int(value) + PayloadTag.smallIntegerBias))
            return
        }
        reserve(9)
        unsafe base.storeBytes(of: PayloadTag.integer, toByteOffset: used, as: UInt8.self)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: used + 1, as: Int64.self)
        used += 9
    }

    /// Writes a float.
    @inlinable @inline(__always)
    public mutating func write(_ value: Double) {
        reserve(9)
        unsafe base.storeBytes(of: PayloadTag.float, toByteOffset: used, as: UInt8.self)
        unsafe base.storeBytes(
            of: value.bitPattern.littleEndian,
            toByteOffset: used + 1,
            as: UInt64.self
        )
        used += 9
    }

    /// Writes a string value; any bytes, UTF-8 or not.
    @inlinable @inline(__always)
    public mutating func writeString(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count <= PayloadTag.shortStringBytesMax {
            writeByte(PayloadTag.shortString | UInt8(truncatingIfNeeded: bytes.count))
        } else {
            reserve(5)
            unsafe base.storeBytes(of: PayloadTag.string, toByteOffset: used, as: UInt8.self)
            unsafe base.storeBytes(
                of: UInt32(bytes.count).littleEndian,
                toByteOffset: used + 1,
                as: UInt32.self
            )
            used += 5
        }
        unsafe append(bytes)
    }

    /// Writes a text as a string value.
    public mutating func write(_ value: String) {
        var copy = value
        copy.withUTF8 { unsafe writeString(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a string value.
    public mutating func writeString(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe writeString($0) }
    }

    /// Starts a table; write its sequence's values, then its pairs, then call `endTable`.
    @inlinable @inline(__always)
    public mutating func beginTable(_ mark: TableMark = .plain) -> TablePosition {
        reserve(PayloadTag.tableHeaderBytes)
        let position = TablePosition(offset: used)
        unsafe base.storeBytes(of: PayloadTag.table, toByteOffset: used, as: UInt8.self)
        unsafe base.storeBytes(of: mark.rawValue, toByteOffset: used + 1, as: UInt8.self)
        used += PayloadTag.tableHeaderBytes
        return position
    }

    /// Fills in how many values and pairs were written since `beginTable` returned `position`.
    @inlinable @inline(__always)
    public mutating func endTable(_ position: TablePosition, sequence: Int, pairs: Int) {
        unsafe base.storeBytes(
            of: UInt32(sequence).littleEndian,
            toByteOffset: position.offset + 2,
            as: UInt32.self
        )
        unsafe base.storeBytes(
            of: UInt32(pairs).littleEndian,
            toByteOffset: position.offset + 6,
            as: UInt32.self
        )
    }

    /// Starts an error object: write message, kind, retryable, details and stack after it.
    public mutating func beginError() { writeByte(PayloadTag.error) }

    /// Copies values that are encoded already.
    public mutating func writeEncoded(_ payload: Payload) {
        unsafe payload.bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Appends raw bytes with no tag.
    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        if let source = bytes.baseAddress {
            unsafe (base + used).copyMemory(from: source, byteCount: bytes.count)
        }
        used += bytes.count
    }

    @inlinable @inline(__always)
    mutating func writeByte(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used += 1
    }

    @inlinable @inline(__always)
    mutating func reserve(_ bytes: Int) {
        if used + bytes > capacity { grow(bytes) }
    }

    @usableFromInline
    mutating func grow(_ bytes: Int) {
        let grown = max(capacity * 2, used + bytes)
        let block = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 8)
        unsafe block.copyMemory(from: base, byteCount: used)
        unsafe base.deallocate()
        unsafe base = block
        capacity = grown
    }
}

/// Where a table began in its writer.
public struct TablePosition: Sendable {
    @usableFromInline let offset: Int

    @inlinable
    init(offset: Int) { self.offset = offset }
}
