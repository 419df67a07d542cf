// One request of an HTTP/2 connection, from its head to the end of its answer.

import HTTP

/// A stream as the session sees it.
///
/// It may be closed while a handler still works on it: then it stays, and counts, until the handler
/// answers or lets go, so that a client which resets its streams gets no more work out of us than
/// one which waits (CVE-2023-44487, CVE-2025-8671).
final class HTTP2Stream {
    /// The stream's number; as the sequence of an exchange it is never used again either.
    let id: Int32
    let isHead: Bool
    /// The request until it is handed out; where its body is streamed, its head until that ends.
    var request: Request?
    var isHandedOut = false
    /// How large its head is, and whether it counts among those that are held.
    let headBytes: Int
    var holdsHead = false
    /// Who takes the body once it is whole; nil for the handler.
    var then: (@Sendable ([UInt8], any Exchange) -> Void)?
    /// Whether the body is still coming and wanted.
    var isReceiving = false
    var bodyBytesMax = 0
    /// Who takes the body as it comes; nil where it is collected.
    var receiver: (any BodyReceiver)?
    /// What came for the receiver while it, or its answer's reader, could take no more.
    var backlog: [[UInt8]] = []
    var bodyCount = 0
    var bodyHasEnded = false
    /// Bytes of body whose room was not given back to the client.
    var unreleasedBytes = 0
    /// Since when, and with how many bytes, the present window of the body's progress runs.
    var windowStart: UInt64 = 0
    var windowBytes = 0

    var isAnswered = false
    var isClosed = false
    var watch = AnswerWatch()

    /// Until when the client may take to notice that its body is not wanted.
    var lingersUntil: UInt64?

    /// The answer's content while it is sent.
    var outgoing: HTTP2Outgoing?
    var pump: StreamPump?
    /// Since when, and from how many bytes sent, the present window of the answer's progress runs.
    var stallStart: UInt64 = 0
    var stallBytes = 0

    init(id: Int32, isHead: Bool, headBytes: Int) {
        self.id = id
        self.isHead = isHead
        self.headBytes = headBytes
    }

    var sequence: UInt64 { UInt64(id) }

    /// Whether the request was handed out at its head, and its body as it came.
    var isStreamed = false

    /// Whether a handler has it and has not answered.
    var isWithHandler: Bool { isHandedOut && !isAnswered }
}
