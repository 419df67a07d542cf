/// What a connection brought next.
///
/// For each stream: `.request` or `.refused` once; after a `.request` with a body any number of
/// `.body` and then `.bodyEnded`; `.closed` once, at any time after the first, and nothing after it.
package enum HTTP2Event: Sendable {
    /// A request's head, complete and checked.
    case request(HTTP2RequestHead)
    /// A head that cannot be served; the stream waits for the answer to it.
    case refused(stream: Int32, HTTP1Fault, isHead: Bool)
    /// More of a body, never empty; say `release` when the room is free again.
    case body(stream: Int32, [UInt8])
    /// The body is whole.
    case bodyEnded(stream: Int32)
    /// The answer was sent whole before the body had come: the stream stays open on the client's side.
    case answeredEarly(stream: Int32)
    /// The stream is over: answered whole, reset by either side, or ended with the connection.
    case closed(stream: Int32)
    /// The answer to a PING of ours: `ping`, or the one of `beginShutdown`.
    case pong
}

/// A request's head on one stream.
package struct HTTP2RequestHead: Sendable {
    /// The stream's number, odd and rising.
    package var stream: Int32
    /// The request, its body empty.
    package var request: Request
    /// How large its fields are together (RFC 9113, 6.5.2), however few bytes they came in.
    package var fieldBytes: Int
    /// Whether a body follows.
    package var hasBody: Bool
    /// How long the body says it is; nil where it does not.
    package var contentLength: Int?
    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool
}
