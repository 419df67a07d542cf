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

    /// The request, without its body.
    ///
    /// - `method` is as sent; ask `HTTPMethod.isKnown` before routing it.
    /// - `path` is `/...`, or `*` for `OPTIONS *`; its percent-encoding is well formed, and decodes to
    ///   UTF-8 without NUL.
    /// - `query` is not checked yet (see `QueryString`).
    /// - `authority` is "" where HTTP/1.0 sent none or the Host field was empty. Its syntax is checked:
    ///   `Authority(authority)` is nil only for "".
    /// - In `headers`, a value that is not UTF-8 has U+FFFD in place of what is wrong.
    package var request: Request
    /// Whether the client means to use the connection again.
    package var keepAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool
    package var bodyKind: BodyKind
}
