// fuzz: payload Sources/Payload
//
// Any bytes as orders for a value, written as a payload. Oracles: what is read is what was written, to
// the last byte; stepping over it ends where reading it ends; and a payload inside another is the
// same value there. (Bytes of others are never read as a payload: it is written here only.)

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzPayload(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var orders = Orders(bytes: Array(UnsafeBufferPointer(start: start, count: count)))
    let value = orders.value(depth: 0)
    var writer = PayloadWriter()
    value.write(to: &writer)
    let payload = writer.finish()
    check(payload, value)
    var outer = PayloadWriter(headerBytes: 64, reserving: count)
    let table = outer.beginTable(.object)
    outer.write("before")
    outer.writeEncoded(payload)
    outer.write(Int64.min)
    outer.endTable(table, sequence: 1, pairs: 1)
    let (block, bytes) = outer.release()
    defer { block.deallocate() }
    let inside = UnsafeRawBufferPointer(start: block + 64, count: bytes - 64)
    var reader = PayloadReader(inside)
    let whole = Value.table(.object, [.string(Array("before".utf8))], [value, .integer(.min)])
    precondition(Value(&reader) == whole && reader.isAtEnd, "a payload inside another changed")
    return 0
}

private func check(_ payload: Payload, _ value: Value) {
    payload.withReader { reader in
        precondition(Value(&reader) == value, "what is read is not what was written")
        precondition(reader.isAtEnd, "bytes are left")
    }
    payload.withReader { reader in
        reader.skip()
        precondition(reader.isAtEnd, "a step over a value ends elsewhere")
    }
    precondition(payload.isNil == (value == .nothing), "nil is not nil")
    if case .string(let bytes) = value {
        precondition(payload.text == String(validating: bytes, as: UTF8.self), "another text")
    } else {
        precondition(payload.text == nil, "a text that is none")
    }
}

/// A value as the test sees it; a float by its bits, as NaN is a value too.
private indirect enum Value: Equatable {
    case nothing
    case null
    case boolean(Bool)
    case integer(Int64)
    case float(UInt64)
    case string([UInt8])
    /// Keys and values of the pairs in turn.
    case table(TableMark, [Value], [Value])
    case error([Value])

    func write(to writer: inout PayloadWriter) {
        switch self {
        case .nothing: writer.writeNil()
        case .null: writer.writeNull()
        case .boolean(let value): writer.write(value)
        case .integer(let value): writer.write(value)
        case .float(let bits): writer.write(Double(bitPattern: bits))
        case .string(let bytes): writer.writeString(bytes)
        case .table(let mark, let sequence, let pairs):
            let table = writer.beginTable(mark)
            for value in sequence + pairs { value.write(to: &writer) }
            writer.endTable(table, sequence: sequence.count, pairs: pairs.count / 2)
        case .error(let values):
            writer.beginError()
            for value in values { value.write(to: &writer) }
        }
    }

    init(_ reader: inout PayloadReader) {
        switch reader.next() {
        case .nothing: self = .nothing
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value.bitPattern)
        case .string(let bytes): self = .string(Array(bytes))
        case .table(let mark, let sequence, let pairs):
            let first = (0..<sequence).map { _ in Value(&reader) }
            self = .table(mark, first, (0..<2 * pairs).map { _ in Value(&reader) })
        case .error: self = .error((0..<5).map { _ in Value(&reader) })
        }
    }
}

/// Bytes as orders: what is not there is zero.
private struct Orders {
    let bytes: [UInt8]
    var place = 0

    mutating func byte() -> UInt8 {
        defer { place += 1 }
        return place < bytes.count ? bytes[place] : 0
    }

    mutating func word() -> UInt64 {
        // A length and so many bytes, so that small numbers and all around them are likely.
        (0..<Int(byte() % 9)).reduce(0) { word, _ in word << 8 | UInt64(byte()) }
    }

    mutating func value(depth: Int) -> Value {
        let kind = byte()
        // Past the depth that values may have, only those that hold none.
        switch depth < payloadDepthMax ? kind % 10 : kind % 7 {
        case 0: return .nothing
        case 1: return .null
        case 2: return .boolean(byte() % 2 == 1)
        case 3: return .integer(Int64(bitPattern: word()))
        case 4: return .integer(-Int64(truncatingIfNeeded: word() >> 1))
        case 5: return .float(word())
        case 6:
            let count = Int(byte()) << (byte() % 4 == 0 ? 4 : 0)
            return .string((0..<count).map { _ in byte() })
        case 7, 8:
            let mark = TableMark(rawValue: byte() % 3) ?? .plain
            let (sequence, pairs) = (Int(byte() % 5), Int(byte() % 4))
            let first = (0..<sequence).map { _ in value(depth: depth + 1) }
            return .table(mark, first, (0..<2 * pairs).map { _ in value(depth: depth + 1) })
        default: return .error((0..<5).map { _ in value(depth: depth + 1) })
        }
    }
}
