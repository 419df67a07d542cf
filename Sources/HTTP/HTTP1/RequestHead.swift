/// One request's head, checked: what is asked of whom, and how the body is framed.
package struct RequestHead: Sendable, Equatable {
    /// How a body follows the head.
    package enum BodyKind: Sendable, Equatable {
        /// No body: neither Content-Length nor Transfer-Encoding was sent.
        case none
        /// That many bytes; may be 0.
        case length(Int)
        /// Chunks, the last one empty.
        case chunked
    }

    /// The method as sent; ask `HTTPMethod.isKnown` before routing it.
    package var method: String
    /// The path, still percent-encoded: `/...`, or `*` for `OPTIONS *`.
    ///
    /// Its percent-encoding is well formed, and decodes to UTF-8 without NUL.
    package var path: String
    /// What followed `?`, still percent-encoded and not yet checked (see `QueryString`); nil
    /// without `?`.
    package var query: String?
    /// The target's authority if it had one, else the Host field.
    ///
    /// "" where HTTP/1.0 sent neither or the Host field was empty. Its syntax is checked:
    /// `Authority(authority)` is nil only for "".
    package var authority: String
    /// The fields in the order sent; a value that is not UTF-8 has U+FFFD in place of what is wrong.
    package var headers: Headers
    package var version: ProtocolVersion
    /// Whether the client means to use the connection again.
    package var keepAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool
    package var bodyKind: BodyKind

    /// Whether the content has a coding such as gzip, which nothing here decodes: answer 415.
    ///
    /// Source: RFC 9110, 8.4 and 15.5.16.
    package var contentIsEncoded: Bool {
        headers.all("Content-Encoding").contains { !Headers.same($0, "identity") }
    }

    /// The whole request, as a handler sees it.
    package func request(body: [UInt8]) -> Request {
        Request(
            method: method,
            path: path,
            query: query,
            authority: authority,
            headers: headers,
            body: body,
            version: version
        )
    }
}
