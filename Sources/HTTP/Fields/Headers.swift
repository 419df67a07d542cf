/// Field lines in the order they came; names compare without regard to case.
package struct Headers: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    /// The first fields, where they are common ones.
    let common: CommonFields?
    /// Those after them.
    private(set) var own: [Field] = []

    package init() { common = nil }

    /// Begins with fields that other answers have, too.
    package init(_ common: CommonFields) { self.common = common }

    package init(_ fields: [(String, String)]) {
        common = nil
        // Room for what every answer gets besides, so that it grows once.
        own.reserveCapacity(fields.count + 4)
        for (name, value) in fields { append(name, value) }
    }

    private init(_ fields: [Field]) {
        common = nil
        own = fields
    }

    package var fields: [Field] {
        guard let common else { return own }
        return common.fields + own
    }

    /// How many fields there are.
    package var count: Int { (common?.fields.count ?? 0) + own.count }

    package mutating func reserveCapacity(_ count: Int) {
        own.reserveCapacity(count)
    }

    package mutating func append(_ name: String, _ value: String) {
        own.append(Field(name: name, value: value))
    }

    /// Replaces every field of that name by one, or adds it.
    package mutating func set(_ name: String, _ value: String) {
        if self[name] != nil { remove(name) }
        append(name, value)
    }

    package mutating func remove(_ name: String) {
        if common?[name] != nil { self = Headers(fields) }
        own.removeAll { Headers.same($0.name, name) }
    }

    /// The first value of that name, or nil.
    package subscript(name: String) -> String? {
        if let value = common?[name] { return value }
        return own.first { Headers.same($0.name, name) }?.value
    }

    package func all(_ name: String) -> [String] {
        fields.filter { Headers.same($0.name, name) }.map(\.value)
    }

    package static func == (left: Headers, right: Headers) -> Bool { left.fields == right.fields }

    /// Compares two field names as ASCII without regard to case (RFC 9110, 5.1).
    package static func same(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        if left == right { return true }
        let (left, right) = (left.utf8Span.span, right.utf8Span.span)
        for index in left.indices
        where ByteClass.lowered(left[index]) != ByteClass.lowered(right[index]) {
            return false
        }
        return true
    }
}

/// Fields that many answers have, made into bytes once and for all.
package final class CommonFields: Sendable {
    let fields: [Headers.Field]
    /// The fields as HTTP/1 writes them.
    let lines: [UInt8]

    /// Keeps a program's own fields; that they are none about the connection is its business.
    package init(_ fields: [(String, String)]) {
        self.fields = fields.map { Headers.Field(name: $0, value: $1) }
        var lines: [UInt8] = []
        for (name, value) in fields {
            precondition(!ResponseEncoder.isOurs(name), "the connection writes \(name)")
            ResponseEncoder.appendField(name, value, to: &lines)
        }
        self.lines = lines
    }

    subscript(name: String) -> String? {
        fields.first { Headers.same($0.name, name) }?.value
    }
}
