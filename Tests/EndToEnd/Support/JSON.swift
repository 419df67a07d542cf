import Foundation

/// A JSON value as tests ask about it: a step to where nothing is gives `.missing`, never a trap.
enum JSON: Equatable, CustomStringConvertible {
    case missing
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(parsing text: String) { self.init(parsing: Array(text.utf8)) }

    init(parsing bytes: [UInt8]) {
        let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        self = value.map(JSON.init(any:)) ?? .missing
    }

    private init(any value: Any) {
        switch value {
        case is NSNull: self = .null
        case let text as String: self = .string(text)
        case let items as [Any]: self = .array(items.map(JSON.init(any:)))
        case let members as [String: Any]: self = .object(members.mapValues(JSON.init(any:)))
        case let number as NSNumber:
            switch String(cString: number.objCType) {
            case "c", "B": self = .bool(number.boolValue)
            case "d", "f": self = .double(number.doubleValue)
            default: self = .integer(number.int64Value)
            }
        default: self = .missing
        }
    }

    subscript(_ name: String) -> JSON {
        if case .object(let members) = self { members[name] ?? .missing } else { .missing }
    }

    subscript(_ index: Int) -> JSON {
        if case .array(let items) = self, items.indices.contains(index) {
            items[index]
        } else {
            .missing
        }
    }

    /// Empty for anything but a string.
    var text: String { if case .string(let text) = self { text } else { "" } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// Any number; nil for other values.
    var number: Double? {
        if case .double(let value) = self { value } else { integer.map(Double.init) }
    }
    /// Empty for anything but an array.
    var items: [JSON] { if case .array(let items) = self { items } else { [] } }
    var isMissing: Bool { self == .missing }

    var description: String {
        switch self {
        case .missing: "missing"
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let text): "\"\(text)\""
        case .array(let items): "\(items)"
        case .object(let members): "\(members)"
        }
    }
}
