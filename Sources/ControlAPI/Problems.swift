import Access
import HTTP
import HTTPServer
import JSON

// Every status and code an answer of this server can carry: the one place that chooses them.
// It mirrors openapi.yaml: the table of what any request can meet, and the operations' own codes.

/// What programs branch on: a problem's `code`.
enum ProblemCode: String, Sendable, CaseIterable {
    case invalidJSON = "invalid-json"
    case invalidQuery = "invalid-query"
    case invalidRequest = "invalid-request"
    case unauthorized
    case insufficientScope = "insufficient-scope"
    case crossSiteRequest = "cross-site-request"
    case processNotFound = "process-not-found"
    case nameNotFound = "name-not-found"
    case entryNotFound = "entry-not-found"
    case hostNotFound = "host-not-found"
    case routeNotFound = "route-not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case requestTimeout = "request-timeout"
    case nameTaken = "name-taken"
    case targetExited = "target-exited"
    case callerTerminated = "caller-terminated"
    case idempotencyInProgress = "idempotency-in-progress"
    case payloadTooLarge = "payload-too-large"
    case uriTooLong = "uri-too-long"
    case unsupportedMediaType = "unsupported-media-type"
    case expectationFailed = "expectation-failed"
    case hostNotAllowed = "host-not-allowed"
    case idempotencyKeyReused = "idempotency-key-reused"
    case mailboxFull = "mailbox-full"
    case tooManyLogins = "too-many-logins"
    case headersTooLarge = "headers-too-large"
    case internalFault = "internal"
    case notImplemented = "not-implemented"
    case versionNotSupported = "http-version-not-supported"
    case processLimit = "process-limit"
    case streamLimit = "stream-limit"
    case connectionLimit = "connection-limit"
    case fileUnavailable = "file-unavailable"
    case draining
    case notReady = "not-ready"
    case callTimeout = "call-timeout"
    case execTimeout = "exec-timeout"

    /// The HTTP status, unless the problem says otherwise (a spawn's 422).
    var status: Int { row.status }
    /// The same words for each problem of this code.
    var title: String { row.title }
    /// Whether the same request may succeed later.
    var isRetryable: Bool { row.retryable }

    private var row: (status: Int, title: String, retryable: Bool) {
        switch self {
        case .invalidJSON: (400, "Invalid JSON", false)
        case .invalidQuery: (400, "Invalid query", false)
        case .invalidRequest: (422, "Invalid request", false)
        case .unauthorized: (401, "Unauthorized", false)
        case .insufficientScope: (403, "Insufficient scope", false)
        case .crossSiteRequest: (403, "Cross-site request", false)
        case .processNotFound: (404, "Process not found", false)
        case .nameNotFound: (404, "Name not found", false)
        case .entryNotFound: (404, "Entry not found", false)
        case .hostNotFound: (404, "Host not found", false)
        case .routeNotFound: (404, "Route not found", false)
        case .methodNotAllowed: (405, "Method not allowed", false)
        case .notAcceptable: (406, "Not acceptable", false)
        case .requestTimeout: (408, "Request timeout", true)
        case .nameTaken: (409, "Name taken", false)
        case .targetExited: (409, "Target exited", false)
        case .callerTerminated: (409, "Caller terminated", false)
        case .idempotencyInProgress: (409, "Idempotency in progress", true)
        case .payloadTooLarge: (413, "Payload too large", false)
        case .uriTooLong: (414, "URI too long", false)
        case .unsupportedMediaType: (415, "Unsupported media type", false)
        case .expectationFailed: (417, "Expectation failed", false)
        case .hostNotAllowed: (421, "Host not allowed", false)
        case .idempotencyKeyReused: (422, "Idempotency key reused", false)
        case .mailboxFull: (429, "Mailbox full", true)
        case .tooManyLogins: (429, "Too many logins", true)
        case .headersTooLarge: (431, "Headers too large", false)
        case .internalFault: (500, "Internal error", false)
        case .notImplemented: (501, "Not implemented", false)
        case .versionNotSupported: (505, "HTTP version not supported", false)
        case .processLimit: (503, "Process limit", true)
        case .streamLimit: (503, "Stream limit", true)
        case .connectionLimit: (503, "Connection limit", true)
        case .fileUnavailable: (503, "File unavailable", true)
        case .draining: (503, "Draining", true)
        case .notReady: (503, "Not ready", true)
        case .callTimeout: (504, "Call timeout", true)
        case .execTimeout: (504, "Exec timeout", true)
        }
    }
}

/// One refusal, before it is bytes.
struct Problem: Error, Sendable {
    /// A member beyond those every problem has.
    enum Extra: Sendable {
        case text(String)
        case number(Int)
        case errors([BodyError])
        case json([UInt8])
    }

    var code: ProblemCode
    var status: Int
    /// A sentence about this very problem, cut where what it names is long.
    var detail: String
    var extras: [(name: String, value: Extra)] = []
    /// Fields the answer carries besides (`Allow`).
    var fields: [(String, String)] = []
    /// What `Retry-After` says where the status asks for it, in seconds.
    var retryAfterSeconds = 1

    private static let detailBytesMax = 512

    init(_ code: ProblemCode, _ detail: String, status: Int? = nil) {
        self.code = code
        self.detail = shortened(detail, bytesMax: Problem.detailBytesMax)
        self.status = status ?? code.status
    }

    private init(_ code: ProblemCode, at pointer: String, _ detail: String) {
        self.init(code, detail, status: 422)
        extras = [("errors", .errors([BodyError(pointer: pointer, detail: detail)]))]
    }
}

// MARK: The request itself

extension Problem {
    static func invalidJSON(_ fault: JSONFault) -> Problem {
        var problem = Problem(.invalidJSON, "The body is not JSON: \(fault.detail).")
        problem.extras = [("line", .number(fault.line)), ("column", .number(fault.column))]
        return problem
    }

    static func invalidQuery(_ detail: String) -> Problem { Problem(.invalidQuery, detail) }

    static func invalidRequest(_ errors: [BodyError]) -> Problem {
        let count = errors.count == 1 ? "1 error" : "\(errors.count) errors"
        var problem = Problem(.invalidRequest, "The request body has \(count).")
        problem.extras = [("errors", .errors(errors))]
        return problem
    }

    /// One mistake at one place of the body (RFC 6901 pointer; empty for the whole).
    static func invalidRequest(at pointer: String, _ detail: String) -> Problem {
        .invalidRequest([BodyError(pointer: pointer, detail: detail)])
    }

    static func crossSite(_ detail: String) -> Problem { Problem(.crossSiteRequest, detail) }

    /// Source: RFC 6750, 3: without any token there is no error to name.
    static func unauthorized(_ refusal: Refusal?) -> Problem {
        let (detail, error) =
            switch refusal {
            case nil: ("This needs a token: send Authorization: Bearer TOKEN.", "")
            case .tokenExpired: ("The token has expired.", ", error=\"invalid_token\"")
            case .unknownSession: ("The session has ended.", ", error=\"invalid_token\"")
            default: ("The token is not known.", ", error=\"invalid_token\"")
            }
        var problem = Problem(.unauthorized, detail)
        problem.fields = [("WWW-Authenticate", "Bearer realm=\"moonlet\"\(error)")]
        return problem
    }

    /// 400, as it cannot be told which of them is meant.
    ///
    /// Source: RFC 6750, 3.1, `invalid_request`.
    static func severalCredentials(_ detail: String) -> Problem {
        Problem(.invalidRequest, detail, status: 400)
    }

    static func insufficientScope(_ scope: String, for subject: String) -> Problem {
        var problem = Problem(
            .insufficientScope,
            "The token's scopes do not cover \(scope) for \(subject)."
        )
        problem.extras = [("scope", .text(scope))]
        problem.fields = [
            (
                "WWW-Authenticate",
                "Bearer realm=\"moonlet\", error=\"insufficient_scope\", scope=\"\(scope)\""
            )
        ]
        return problem
    }

    static func tooManyLogins() -> Problem {
        Problem(.tooManyLogins, "Too many failures to log in from this address: wait a second.")
    }

    static func routeNotFound(_ path: String) -> Problem {
        Problem(.routeNotFound, "Nothing lives at \(path).")
    }

    /// Not 404: nobody knows whether there is such a file.
    static func fileUnavailable(_ reason: String) -> Problem {
        Problem(.fileUnavailable, "The file cannot be read now: \(reason).")
    }

    static func malformedPath() -> Problem {
        Problem(.invalidRequest, "The path's percent-encoding is malformed.", status: 400)
    }

    static func notImplemented(_ method: String) -> Problem {
        Problem(.notImplemented, "No path of this server has a method \(method).")
    }

    static func methodNotAllowed(_ method: String, allow: [String]) -> Problem {
        let allowed = allow.joined(separator: ", ")
        var problem = Problem(
            .methodNotAllowed,
            "\(method) is not allowed here; allowed: \(allowed)."
        )
        problem.fields = [("Allow", allowed)]
        return problem
    }

    static func notAcceptable(_ offers: [String]) -> Problem {
        Problem(.notAcceptable, "This can be had as \(offers.joined(separator: " or ")).")
    }

    static func payloadTooLarge(limit: Int) -> Problem {
        Problem(.payloadTooLarge, "The body may have at most \(limit) bytes.")
    }

    static func lineTooLong(limit: Int) -> Problem {
        Problem(.payloadTooLarge, "A line may have at most \(limit) bytes.")
    }

    /// The server's own refusal; a code unknown here is `internal`.
    ///
    /// A status and a code together are the server's choice (a malformed head is `invalid-request`
    /// with 400).
    init(_ fault: Fault) {
        let code = ProblemCode(rawValue: fault.code) ?? .internalFault
        self.init(code, fault.detail, status: fault.status)
        retryAfterSeconds = fault.retryAfterSeconds ?? retryAfterSeconds
    }

    static func unsupportedMediaType() -> Problem {
        Problem(
            .unsupportedMediaType,
            "The body must be JSON: send Content-Type: application/json."
        )
    }

    static func notLines() -> Problem {
        Problem(
            .unsupportedMediaType,
            "The body must be lines of JSON: send Content-Type: application/x-ndjson."
        )
    }

    /// A body of lines whose end did not come.
    static func bodyCutOff() -> Problem {
        Problem(.invalidRequest, "The body was cut off before its end.", status: 400)
    }

    /// A body that is worked on as it comes cannot be compared with an earlier one before.
    static func noIdempotencyKey() -> Problem {
        Problem(
            .invalidRequest,
            "Idempotency-Key is not supported here: the messages are sent as they come.",
            status: 400
        )
    }

    /// Source: RFC 9110, 15.5.16: the answer "ought" to say which codings are accepted.
    static func unsupportedCoding() -> Problem {
        var problem = Problem(
            .unsupportedMediaType,
            "The body must not be compressed: send it without Content-Encoding."
        )
        problem.fields = [("Accept-Encoding", "identity")]
        return problem
    }

    static func hostNotAllowed(_ host: String) -> Problem {
        let named = host.isEmpty ? "An empty Host" : "Host \(host)"
        return Problem(
            .hostNotAllowed,
            "\(named) is no address of this server; MOONLET_ALLOWED_HOSTS lists further ones."
        )
    }

    /// 400, as for the path: it is the head that is wrong, and there is no pointer to give.
    static func badIdempotencyKey() -> Problem {
        Problem(
            .invalidRequest,
            "Idempotency-Key must be one field of 1 to 255 printable ASCII characters.",
            status: 400
        )
    }

    static func idempotencyInProgress() -> Problem {
        Problem(.idempotencyInProgress, "A request with this Idempotency-Key is still at work.")
    }

    static func idempotencyKeyReused() -> Problem {
        Problem(
            .idempotencyKeyReused,
            "This Idempotency-Key was used with another path or another body."
        )
    }

    static func internalFault(_ detail: String) -> Problem { Problem(.internalFault, detail) }
    static func draining() -> Problem { Problem(.draining, "The server is shutting down.") }
    static func notReady(_ detail: String) -> Problem { Problem(.notReady, detail) }

    static func streamLimit(_ limit: Int) -> Problem {
        Problem(.streamLimit, "\(limit) event streams are open already.")
    }
}

// MARK: Processes and names

extension Problem {
    static func processNotFound(_ text: String) -> Problem {
        Problem(.processNotFound, "process not found: \(text)")
    }

    static func nameNotFound(_ name: String) -> Problem {
        Problem(.nameNotFound, "name not registered: \(name)")
    }

    static func nameTaken(_ name: String, owner: String) -> Problem {
        var problem = Problem(.nameTaken, "name already registered: \(name)")
        problem.extras = [("owner", .text(owner))]
        return problem
    }

    /// In a spawn body, where these are 422.
    static func entryNotFound(_ id: String) -> Problem {
        Problem(.entryNotFound, at: "/entry", "entry not found: \(id)")
    }

    static func hostNotFound(_ id: String) -> Problem {
        Problem(.hostNotFound, at: "/host", "host not found: \(id)")
    }

    static func processLimit(_ detail: String) -> Problem { Problem(.processLimit, detail) }
    static func mailboxFull(_ pid: String) -> Problem {
        Problem(.mailboxFull, "mailbox full: \(pid)")
    }

    static func callTimeout(_ pid: String, _ milliseconds: Int64) -> Problem {
        Problem(.callTimeout, "\(pid) did not answer within \(milliseconds) ms.")
    }

    /// `exit` is the target's exit record, unless so many ended since that it is gone.
    static func targetExited(_ pid: String, _ exit: [UInt8]?) -> Problem {
        var problem = Problem(.targetExited, "\(pid) ended and had not answered.")
        if let exit { problem.extras = [("exit", .json(exit))] }
        return problem
    }

    static func callerTerminated(_ pid: String) -> Problem {
        Problem(.callerTerminated, "The call's own pid was terminated: \(pid).")
    }

    static func execTimeout(_ pid: String, _ milliseconds: Int64, detached: Bool) -> Problem {
        let fate = detached ? "runs on" : "was terminated"
        var problem = Problem(
            .execTimeout,
            "\(pid) did not end within \(milliseconds) ms and \(fate)."
        )
        problem.extras = [("pid", .text(pid))]
        return problem
    }
}

// MARK: As bytes

extension Problem {
    /// The document of RFC 9457, section 3, with our members after the standard ones.
    func document(requestID: String) -> [UInt8] {
        var json = JSONWriter(reserving: 320)
        json.beginObject()
        json.member("type", "/problems/\(code.rawValue)")
        json.member("title", code.title)
        writeMembers(to: &json)
        json.member("request_id", requestID)
        json.endObject()
        return json.bytes
    }

    /// Writes what is of this very problem into the object that is open.
    func writeMembers(to json: inout JSONWriter) {
        json.member("status", status)
        json.member("detail", detail)
        json.member("code", code.rawValue)
        for (name, extra) in extras {
            json.key(name)
            switch extra {
            case .text(let text): json.value(text)
            case .number(let number): json.value(number)
            case .json(let bytes): json.raw(bytes)
            case .errors(let errors):
                json.beginArray()
                for error in errors {
                    json.beginObject()
                    json.member("pointer", shortened(error.pointer))
                    json.member("detail", shortened(error.detail))
                    json.endObject()
                }
                json.endArray()
            }
        }
        json.member("retryable", code.isRetryable)
    }

    func response(requestID: String) -> Response {
        var headers = Headers([("Content-Type", "application/problem+json")])
        for (name, value) in fields { headers.append(name, value) }
        if status == 429 || status == 503 {
            headers.append("Retry-After", "\(retryAfterSeconds)")
        }
        return Response(
            status: status,
            headers: headers,
            body: .bytes(document(requestID: requestID))
        )
    }
}
