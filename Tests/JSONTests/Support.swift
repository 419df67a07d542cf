import JSON
import Payload

/// A Lua value as a test writes it down.
indirect enum Value: Equatable, Sendable {
    case nothing
    case null
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case text(String)
    case bytes([UInt8])
    case table(TableMark, sequence: [Value] = [], pairs: [Pair] = [])
    case error([Value])

    struct Pair: Equatable, Sendable {
        let key: Value
        let value: Value
    }

    static func list(_ elements: [Value]) -> Value { .table(.array, sequence: elements) }

    static func object(_ members: [(String, Value)]) -> Value {
        .table(.object, pairs: members.map { Pair(key: .text($0.0), value: $0.1) })
    }

    /// A table with no mark.
    static func plain(_ sequence: [Value] = [], _ pairs: [(Value, Value)] = []) -> Value {
        .table(.plain, sequence: sequence, pairs: pairs.map { Pair(key: $0.0, value: $0.1) })
    }

    var payload: Payload {
        var writer = PayloadWriter()
        write(&writer)
        return writer.finish()
    }

    private func write(_ writer: inout PayloadWriter) {
        switch self {
        case .nothing: writer.writeNil()
        case .null: writer.writeNull()
        case .bool(let value): writer.write(value)
        case .int(let value): writer.write(value)
        case .float(let value): writer.write(value)
        case .text(let value): writer.write(value)
        case .bytes(let value): writer.writeString(value)
        case .table(let mark, let sequence, let pairs):
            let position = writer.beginTable(mark)
            for value in sequence { value.write(&writer) }
            for pair in pairs {
                pair.key.write(&writer)
                pair.value.write(&writer)
            }
            writer.endTable(position, sequence: sequence.count, pairs: pairs.count)
        case .error(let fields):
            writer.beginError()
            for field in fields { field.write(&writer) }
        }
    }

    /// The value's JSON text.
    func json(_ dialect: PayloadJSON.Dialect = .script) throws(PathFault) -> String {
        String(decoding: try PayloadJSON.encode(payload, dialect), as: UTF8.self)
    }
}

/// The payload of a JSON text.
func decoded(
    _ text: String,
    _ dialect: PayloadJSON.Dialect = .script
) throws(PayloadJSON.DecodingFault) -> Payload {
    let bytes = Array(text.utf8)
    return try PayloadJSON.decode(bytes.span, dialect)
}

/// Repeatable randomness: the same seed, the same values.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
