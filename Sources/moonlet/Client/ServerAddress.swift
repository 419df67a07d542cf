// Where the server is, as `--server` and MOONLET_SERVER write it.

/// A server's base URL, taken apart.
struct ServerAddress: Equatable, Sendable, CustomStringConvertible {
    static let defaultURL = "http://127.0.0.1:7070"

    /// A host name or an IP address, without brackets.
    var host: String
    var port: UInt16
    /// Whether TLS is spoken.
    var isSecure = false
    /// The socket that is used instead of host and port.
    var path: String?

    /// The host and port as the Host field and URLs write them (RFC 3986, 3.2.2).
    var authority: String {
        if path != nil { return host }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    var description: String {
        if let path { return "unix:\(path)" }
        return "\(isSecure ? "https" : "http")://\(authority)"
    }

    /// Parses `http://HOST[:PORT][/]`, the same with `https`, or `unix:PATH`.
    ///
    /// Without a port it is 80 or 443, without a scheme `http` is meant. Fails with a usage error
    /// that says what is wrong.
    init(parsing text: String) throws(CommandFailure) {
        if text.hasPrefix("unix:") {
            guard text.utf8.count > 5 else {
                throw .usage("--server unix: needs a path, as in unix:/run/moonlet.sock.")
            }
            // What the Host field says, which the server knows as its own.
            (host, port, path) = ("localhost", 0, String(text.dropFirst(5)))
            return
        }
        var rest = text[...]
        if let scheme = text.range(ofSeparator: "://") {
            switch text[..<scheme.lowerBound].lowercased() {
            case "http": break
            case "https": isSecure = true
            default:
                throw .usage(
                    "--server must begin with http://, https:// or unix:, and '\(text)' does not."
                )
            }
            rest = text[scheme.upperBound...]
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let (host, port) = Self.split(rest)
        guard !host.isEmpty,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x40 }),
            let number = port.isEmpty ? (isSecure ? 443 : 80) : UInt16(port), number > 0
        else {
            throw .usage("--server must be like \(Self.defaultURL), and '\(text)' is not.")
        }
        self.host = String(host)
        self.port = number
    }

    /// Splits an authority into host and port; the port is empty where there is none.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring) {
        if authority.hasPrefix("["), let bracket = authority.firstIndex(of: "]") {
            let host = authority[authority.index(after: authority.startIndex)..<bracket]
            let rest = authority[authority.index(after: bracket)...]
            // "x" is no port, so that "[::1]x" fails.
            return (host, rest.isEmpty ? "" : rest.hasPrefix(":") ? rest.dropFirst() : "x")
        }
        guard let colon = authority.lastIndex(of: ":") else { return (authority, "") }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }
}

extension String {
    /// The range of the first `separator` in the string, or nil.
    fileprivate func range(ofSeparator separator: String) -> Range<String.Index>? {
        guard let start = indices.first(where: { self[$0...].hasPrefix(separator) }) else {
            return nil
        }
        return start..<index(start, offsetBy: separator.count)
    }
}
