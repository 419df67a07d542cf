import HTTP

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
                "Location, Retry-After, X-Request-Id"
            )
        }
        return response
    }
}

/// What a request is called in the log and in its answer.
enum RequestID {
    /// The client's own id where it is sane, else one of 16 hexadecimal digits.
    static func of(_ request: Request, _ random: () -> UInt64) -> String {
        if let sent = request.headers["X-Request-Id"], isSane(sent) { return sent }
        let digits = String(random(), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
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
