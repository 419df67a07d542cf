// Clients that speak TLS where it is not spoken, and the other way round.

/// A client that took the port for one of the other kind, as its first byte shows.
enum MixUp {
    case clearToTLS
    case tlsToClear

    /// Nil where nothing speaks against the client.
    ///
    /// TLS begins with a handshake record (22; RFC 8446, 5.1), a request with the letter of a method.
    init?(first byte: UInt8, isSecure: Bool) {
        switch byte {
        case 22 where !isSecure: self = .tlsToClear
        case 0x41...0x5A where isSecure: self = .clearToTLS
        default: return nil
        }
    }

    var fault: Fault {
        switch self {
        case .clearToTLS:
            Fault(
                status: 400,
                code: "invalid-request",
                detail: "This port speaks TLS: use https:// in the URL."
            )
        case .tlsToClear:
            Fault(
                status: 400,
                code: "invalid-request",
                detail: "This port speaks no TLS: use http:// in the URL."
            )
        }
    }
}
