/// One value of `--listen`.
enum ListenSetting: Equatable {
    case host(String, UInt16)
    /// A path, and the permission bits of its file.
    case unix(path: String, mode: UInt32)
    /// The number of a listening socket that another program left open.
    case inherited(Int32)

    /// Only the user who runs the server.
    static let usualMode: UInt32 = 0o600

    /// Reads `HOST:PORT`, `[::1]:PORT`, `:PORT`, a bare port, `unix:PATH`, `unix:PATH?mode=660` or
    /// `fd:N`; throws a usage failure that says what is wrong.
    init(parsing text: String) throws(CommandFailure) {
        if text.hasPrefix("unix:") {
            self = try Self.unix(text)
        } else if text.hasPrefix("fd:") {
            guard let number = Int32(text.dropFirst(3)), number >= 3 else {
                throw .usage("listen: fd:N takes a number from 3 on, not \"\(text)\"")
            }
            self = .inherited(number)
        } else {
            self = try Self.host(text)
        }
    }

    private static func unix(_ text: String) throws(CommandFailure) -> ListenSetting {
        let parts = text.dropFirst(5).split(
            separator: "?",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        guard let path = parts.first, !path.isEmpty else {
            throw .usage("listen: unix: needs a path, as in unix:/run/moonlet.sock")
        }
        guard parts.count == 2 else { return .unix(path: String(path), mode: usualMode) }
        let digits = parts[1].dropFirst(5)
        guard parts[1].hasPrefix("mode="), (3...4).contains(digits.utf8.count),
            let mode = UInt32(digits, radix: 8), mode <= 0o777
        else {
            throw .usage(
                "listen: after the path only ?mode= may come, as in ?mode=660: \"\(text)\""
            )
        }
        return .unix(path: String(path), mode: mode)
    }

    private static func host(_ text: String) throws(CommandFailure) -> ListenSetting {
        if let scheme = text.firstRange(of: "://") {
            let place = text[scheme.upperBound...].prefix { $0 != "/" }
            throw .usage("listen takes no URL: say \(place) instead of \"\(text)\"")
        }
        let failure = CommandFailure.usage(
            "listen must be HOST:PORT, unix:PATH or fd:N, as in 127.0.0.1:7070, not \"\(text)\""
        )
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = UInt16(text) else { throw failure }
            return .host("127.0.0.1", port)
        }
        guard let port = UInt16(text[text.index(after: colon)...]) else { throw failure }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return .host(host.isEmpty ? "0.0.0.0" : String(host), port)
    }
}
