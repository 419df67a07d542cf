import HTTP
import Synchronization

/// The fields every answer carries whatever its endpoint.
struct ResponseDress: Sendable {
    let requestID: String
    /// The origin of a listed site that asked, for CORS; nil for everyone else.
    let corsOrigin: String?
    /// What the answer counts as: see `Routes.labels`.
    var label = 0

    /// A browser takes an answer for what it says it is.
    static let nosniff = ("X-Content-Type-Options", "nosniff")

    func dressed(_ response: Response) -> Response {
        var response = response
        response.label = label
        response.headers.set("X-Request-Id", requestID)
        let (name, value) = ResponseDress.nosniff
        if response.headers[name] == nil { response.headers.append(name, value) }
        if let corsOrigin {
            response.headers.set("Access-Control-Allow-Origin", corsOrigin)
            response.headers.append("Vary", "Origin")
            response.headers.set(
                "Access-Control-Expose-Headers",
                "Idempotency-Replayed, Location, Retry-After, X-Request-Id"
            )
        }
        return response
    }
}

/// What requests are called in the log and in their answers.
///
/// Ids made here are a random word of this run and a count: unique, and cheap to make.
final class RequestIDs: Sendable {
    private let prefix: String
    private let count = Atomic<UInt64>(0)

    init(_ random: () -> UInt64) {
        prefix = String(random() & 0xFFFF_FFFF, radix: 36) + "-"
    }

    /// The client's own id where it is sane, else a new one.
    func id(of request: Request) -> String {
        if let sent = request.headers["X-Request-Id"], isPlainWord(sent, bytesMax: 128) {
            return sent
        }
        return next()
    }

    /// An id of ours.
    func next() -> String {
        prefix + String(count.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
