import Access
import HTTP

/// Answers a call, or returns nil and sees to it that `call.respond` is called later.
typealias Endpoint = @Sendable (Call, Context) throws(Problem) -> Response?

/// One method of one path, and what a request for it may carry.
///
/// An object: each request holds its route, and a struct's fields would be copied each time.
final class Route: Sendable {
    enum Body: Sendable {
        /// A body is not looked at, and may be small (`Entrance.ignoredBytesMax`).
        case none
        case optional
        case required
        /// Lines of JSON, which are not collected but handed on as they come.
        case lines
    }

    /// What a narrowed scope (`spawn:app.jobs:*`) does to a route.
    enum Narrowing: Sendable {
        /// Nothing short of the whole right will do.
        case refused
        /// The endpoint keeps to it: `Call.checkTarget`, `Call.extent`.
        case heeded
    }

    let method: String
    /// `/v1/processes/{id}`, as in openapi.yaml.
    let pattern: String
    /// What a token must allow; nil where none is needed.
    let right: Right?
    let narrowing: Narrowing
    /// The query parameters it knows; any other is an error.
    let query: [String]
    let body: Body
    /// The largest body, where the server's limit is more than it needs.
    let bodyBytesMax: Int?
    /// Whether it heeds an `Idempotency-Key`.
    let isIdempotent: Bool
    let endpoint: Endpoint

    init(
        _ method: String,
        _ pattern: String,
        needs right: Right?,
        narrowing: Narrowing = .refused,
        query: [String] = [],
        body: Body = .none,
        bodyBytesMax: Int? = nil,
        isIdempotent: Bool = false,
        _ endpoint: @escaping Endpoint
    ) {
        self.method = method
        self.pattern = pattern
        self.right = right
        self.narrowing = narrowing
        self.query = query
        self.body = body
        self.bodyBytesMax = bodyBytesMax
        self.isIdempotent = isIdempotent
        self.endpoint = endpoint
    }

    /// Whether a request for it can change anything.
    var isMutating: Bool { method != "GET" }
}
