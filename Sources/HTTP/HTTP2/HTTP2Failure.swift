/// Why a connection is ended: an error code for GOAWAY and a word for whoever looks at the wire.
package struct HTTP2Failure: Error, Sendable, Equatable {
    /// An error code of RFC 9113, 7.
    package var code: UInt32
    package var reason: String

    package init(code: UInt32, reason: String) {
        self.code = code
        self.reason = reason
    }

    static func calm(_ what: String) -> HTTP2Failure {
        HTTP2Failure(code: HTTP2ErrorCode.enhanceYourCalm, reason: "too many " + what)
    }
}

/// The error codes that this server sends itself.
///
/// Source: RFC 9113, 7.
package enum HTTP2ErrorCode {
    package static let noError: UInt32 = 0x0
    package static let protocolError: UInt32 = 0x1
    package static let internalError: UInt32 = 0x2
    package static let refusedStream: UInt32 = 0x7
    package static let cancel: UInt32 = 0x8
    package static let enhanceYourCalm: UInt32 = 0xB
}
