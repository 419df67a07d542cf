/// Why a request cannot be read: what to answer before the connection is closed.
///
/// After any fault the stream's framing is unknown or unwanted, so the connection must be closed
/// once the answer is sent. The codes are those of API.md; where it has none, these:
///
/// | status | code | when |
/// | --- | --- | --- |
/// | 400 | `invalid-request` | a syntax or framing fault |
/// | 413 | `payload-too-large` | the body is, or says it will be, over its limit |
/// | 414 | `uri-too-long` | the request target is over its limit |
/// | 417 | `expectation-failed` | an `Expect` other than `100-continue` |
/// | 431 | `headers-too-large` | the head or the trailers are over their limits |
/// | 501 | `not-implemented` | CONNECT, a method name over its limit, a transfer coding but chunked |
/// | 505 | `http-version-not-supported` | a well-formed version that is not 1.x |
package struct HTTP1Fault: Error, Sendable, Equatable {
    /// The HTTP status to answer.
    package var status: Int
    /// The problem's code, stable for programs.
    package var code: String
    /// What is wrong and where, for people; printable ASCII, never a raw byte of the client's.
    package var detail: String

    package init(status: Int, code: String, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    static func invalid(_ detail: String) -> HTTP1Fault {
        HTTP1Fault(status: 400, code: "invalid-request", detail: detail)
    }

    /// A byte that may not stand where it stands; `offset` counts from `part`'s first byte.
    static func unexpected(
        _ byte: UInt8,
        in place: String,
        at offset: Int,
        of part: String
    ) -> HTTP1Fault {
        .invalid("unexpected \(ByteClass.name(byte)) in \(place), byte \(offset) of the \(part)")
    }

    package static func payloadTooLarge(limit: Int) -> HTTP1Fault {
        HTTP1Fault(
            status: 413,
            code: "payload-too-large",
            detail: "the body is larger than the \(limit) bytes allowed here"
        )
    }

    static func targetTooLong(limit: Int) -> HTTP1Fault {
        HTTP1Fault(
            status: 414,
            code: "uri-too-long",
            detail: "the request target is longer than \(limit) bytes"
        )
    }

    static func expectationFailed() -> HTTP1Fault {
        HTTP1Fault(
            status: 417,
            code: "expectation-failed",
            detail: "the only expectation known here is 100-continue"
        )
    }

    static func headersTooLarge(_ detail: String) -> HTTP1Fault {
        HTTP1Fault(status: 431, code: "headers-too-large", detail: detail)
    }

    static func notImplemented(_ detail: String) -> HTTP1Fault {
        HTTP1Fault(status: 501, code: "not-implemented", detail: detail)
    }

    static func versionNotSupported() -> HTTP1Fault {
        HTTP1Fault(
            status: 505,
            code: "http-version-not-supported",
            detail: "this connection speaks HTTP/1.0 and HTTP/1.1"
        )
    }
}
