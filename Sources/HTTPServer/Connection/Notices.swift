// What connections have to tell the operator, however many there are.

import Logging
import Synchronization

/// Log lines about connections: one in ten seconds of each kind, with how many it stands for.
final class Notices: Sendable {
    private struct Kind {
        var quietUntil: UInt64
        var untold = 0
    }

    private let logger: Logger
    private let kinds = Mutex<[String: Kind]>([:])

    private static let quietNanoseconds: UInt64 = 10_000_000_000

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Logs `message`, one of a fixed few, with the reason of this connection.
    func note(_ message: String, _ reason: String, now: UInt64) {
        let untold = kinds.withLock { kinds -> Int? in
            if var kind = kinds[message], now < kind.quietUntil {
                kind.untold += 1
                kinds[message] = kind
                return nil
            }
            defer { kinds[message] = Kind(quietUntil: now + Self.quietNanoseconds) }
            return kinds[message]?.untold ?? 0
        }
        guard let untold else { return }
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if untold > 0 { metadata["untold"] = "\(untold)" }
        logger.info("\(message)", metadata: metadata)
    }
}
