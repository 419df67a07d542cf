// JSON as commands look at it: answers read once into plain values, bodies written as text.

import JSON

/// A value of the server's JSON, with objects in the order they came.
indirect enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable, Sendable {
        var name: String
        var value: JSONValue
    }

    /// A page of a thousand processes holds some thousand containers each a handful.
    private static let limits = JSONLimits(depthMax: 256, containersMax: 1_000_000)

    init(parsing bytes: [UInt8]) throws(JSONFault) {
        let document = try JSONDocument(parsing: bytes, limits: Self.limits)
        self = document.withRoot { JSONValue($0) }
    }

    private init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .boolean: self = .boolean(view.bool ?? false)
        case .integer: self = .integer(Int(view.integer ?? 0))
        case .real: self = .real(view.double ?? 0)
        case .string: self = .string(view.string ?? "")
        case .array: self = .array((0..<view.count).compactMap { view[$0].map(JSONValue.init) })
        case .object:
            self = .object(view.members.map { Member(name: $0.name, value: JSONValue($0.value)) })
        }
    }

    /// An object's member; nil where there is none or where this is no object.
    subscript(name: String) -> JSONValue? {
        members.first { $0.name == name }?.value
    }

    var members: [Member] {
        if case .object(let members) = self { return members }
        return []
    }

    var array: [JSONValue]? {
        if case .array(let items) = self { return items }
        return nil
    }

    var string: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    var integer: Int? {
        if case .integer(let number) = self { return number }
        return nil
    }

    /// The string member `name`, which the contract says is there.
    func text(_ name: String) throws(CommandFailure) -> String {
        guard let text = self[name]?.string else {
            throw CommandFailure(
                code: .refused,
                message: "the server's answer has no \"\(name)\"; is it a moonlet server?"
            )
        }
        return text
    }
}

extension JSONValue {
    /// The value as JSON on one line.
    var compactText: String {
        var writer = JSONWriter()
        write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .boolean(let value): writer.value(value)
        case .integer(let value): writer.value(value)
        case .real(let value): writer.value(value)
        case .string(let value): writer.value(value)
        case .array(let items):
            writer.beginArray()
            for item in items { item.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.name)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }
}
