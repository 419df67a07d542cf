/// One request as a handler sees it: whole, checked, whichever protocol carried it.
package struct Request: Sendable {
    /// The method, as sent: methods are case-sensitive (RFC 9110, 9.1).
    package var method: String
    /// The path, still percent-encoded, beginning with `/`; without the query.
    package var path: String
    /// What followed `?`, still percent-encoded; nil where there was no `?`.
    package var query: String?
    /// The host the request is for: the target's authority, else the Host field.
    package var authority: String
    package var headers: Headers
    /// The body with transfer coding removed; empty where there was none.
    package var body: [UInt8]
    package var version: ProtocolVersion
    /// The address at the other end of the connection, a proxy's perhaps; empty where it has none.
    package var peer: String
    /// Whether the connection is encrypted.
    package var isSecure: Bool

    package init(
        method: String,
        path: String,
        query: String? = nil,
        authority: String = "",
        headers: Headers = Headers(),
        body: [UInt8] = [],
        version: ProtocolVersion = .http11,
        peer: String = "",
        isSecure: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.authority = authority
        self.headers = headers
        self.body = body
        self.version = version
        self.peer = peer
        self.isSecure = isSecure
    }
}

/// The protocol a request came by.
package enum ProtocolVersion: Sendable, Equatable {
    case http10
    case http11
    case http2
}

/// Field lines in the order they came; names compare without regard to case.
package struct Headers: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String
    }
    package private(set) var fields: [Field] = []

    package init() {}

    package init(_ fields: [(String, String)]) {
        // Room for what every answer gets besides, so that it grows once.
        self.fields.reserveCapacity(fields.count + 4)
        for (name, value) in fields { append(name, value) }
    }

    package mutating func reserveCapacity(_ count: Int) {
        fields.reserveCapacity(count)
    }

    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces every field of that name by one, or adds it.
    package mutating func set(_ name: String, _ value: String) {
        if fields.contains(where: { Headers.same($0.name, name) }) { remove(name) }
        append(name, value)
    }

    package mutating func remove(_ name: String) {
        fields.removeAll { Headers.same($0.name, name) }
    }

    /// The first value of that name, or nil.
    package subscript(name: String) -> String? {
        fields.first { Headers.same($0.name, name) }?.value
    }

    package func all(_ name: String) -> [String] {
        fields.filter { Headers.same($0.name, name) }.map(\.value)
    }

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
