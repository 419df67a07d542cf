/// One request as a handler sees it: whole, checked, whichever protocol carried it.
package struct Request: Sendable, Equatable {
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
