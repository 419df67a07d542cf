import HTTP

/// Answers a call, or returns nil and sees to it that `call.respond` is called later.
typealias Endpoint = @Sendable (Call, Context) throws(Problem) -> Response?

/// One method of one path, and what a request for it may carry.
struct Route: Sendable {
    enum Body: Sendable {
        /// A body is not looked at.
        case none
        case optional
        case required
        /// Lines of JSON, which are not collected but handed on as they come.
        case lines
    }

    let method: String
    /// `/v1/processes/{id}`, as in openapi.yaml.
    let pattern: String
    /// The query parameters it knows; any other is an error.
    let query: [String]
    let body: Body
    /// Whether it heeds an `Idempotency-Key`.
    let isIdempotent: Bool
    let endpoint: Endpoint

    init(
        _ method: String,
        _ pattern: String,
        query: [String] = [],
        body: Body = .none,
        isIdempotent: Bool = false,
        _ endpoint: @escaping Endpoint
    ) {
        self.method = method
        self.pattern = pattern
        self.query = query
        self.body = body
        self.isIdempotent = isIdempotent
        self.endpoint = endpoint
    }
}
