// Answers the server makes by itself: what it refuses, and why.

import HTTP

/// A refusal by the server: `Handler.refuse` makes an answer of it.
package struct Fault: Error, Sendable, Equatable {
    package let status: Int
    /// A stable word for programs: `headers-too-large`.
    package let code: String
    /// A sentence for people.
    package let detail: String
    /// What `Retry-After` says, in seconds; nil leaves the field out.
    package let retryAfterSeconds: Int?

    package init(status: Int, code: String, detail: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }

    static let headTimeout = Fault(
        status: 408,
        code: "request-timeout",
        detail: "The request's head did not arrive in time."
    )
    static let bodyTimeout = Fault(
        status: 408,
        code: "request-timeout",
        detail: "The request's body did not arrive in time."
    )
    static let unanswered = Fault(
        status: 500,
        code: "internal",
        detail: "The request was not answered."
    )
    static let connectionLimit = Fault(
        status: 503,
        code: "connection-limit",
        detail: "Too many connections are open.",
        retryAfterSeconds: 1
    )
    static let streamLimit = Fault(
        status: 503,
        code: "stream-limit",
        detail: "Too many streams are open from this address.",
        retryAfterSeconds: 5
    )
}

extension Fault {
    /// What the parser refused.
    init(_ fault: HTTP1Fault) {
        self.init(status: fault.status, code: fault.code, detail: fault.detail)
    }
}
