import HTTP
import Synchronization

/// The fields every answer carries whatever its endpoint.
struct ResponseDress: Sendable {
    let requestID: String
    /// The origin of a listed site that asked, for CORS; nil for everyone else.
    let corsOrigin: String?

    func dressed(_ response: Response) -> Response {
        var response = response
        response.headers.set("X-Request-Id", requestID)
        response.headers.set("X-Content-Type-Options", "nosniff")
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
        prefix = String(random() & 0xFFFF_FFFF, radix: 36)
    }

    /// The client's own id where it is sane, else a new one.
    func id(of request: Request) -> String {
        if let sent = request.headers["X-Request-Id"], RequestIDs.isSane(sent) { return sent }
        return "\(prefix)-\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// Whether an id is 1 to 128 letters, digits, dots, underscores and hyphens.
    private static func isSane(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
