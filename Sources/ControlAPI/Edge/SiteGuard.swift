import HTTP

/// Keeps other people's web pages out: loopback is no boundary for a browser.
///
/// Two attacks are met. *DNS rebinding*: a page's own domain is made to resolve to this server;
/// its requests then name that domain as Host, which is refused whatever the path. *Cross-site
/// requests*: a page sends a mutating request; browsers say so in `Origin` or `Sec-Fetch-Site`.
struct SiteGuard: Sendable {
    private let hosts: Set<String>
    /// The same, as bytes to compare.
    private let hostBytes: [[UInt8]]
    private let allowsAnyAddress: Bool
    private let origins: Set<String>

    init(_ configuration: ControlConfiguration) {
        let own = ["localhost", "127.0.0.1", "[::1]"]
        hosts = Set(own + configuration.allowedHosts.map(SiteGuard.host))
        hostBytes = hosts.map { Array($0.utf8) }
        allowsAnyAddress = configuration.allowsAnyAddress
        origins = Set(configuration.corsOrigins.map { $0.lowercased() })
    }

    /// Throws `host-not-allowed` unless the request names a host of ours; ports do not matter, as
    /// they may be mapped.
    func checkHost(_ request: Request) throws(Problem) {
        if isUsual(request.authority) { return }
        guard let authority = Authority(request.authority) else {
            throw .hostNotAllowed(request.authority)
        }
        let host = SiteGuard.host(authority.host)
        if hosts.contains(host) || allowsAnyAddress && SiteGuard.isAddress(host) { return }
        throw .hostNotAllowed(request.authority)
    }

    /// Whether `authority` is one of the hosts as they are written, and perhaps a port.
    ///
    /// Nearly every request's is, and this takes no memory; the other forms are looked at in full.
    private func isUsual(_ authority: String) -> Bool {
        let bytes = authority.utf8Span.span
        var end = bytes.count
        while end > 0, (0x30...0x39).contains(bytes[end - 1]) { end -= 1 }
        // Nothing, or a port of at most four digits, which needs no range check.
        if end > 0, bytes[end - 1] == UInt8(ascii: ":"), bytes.count - end <= 4 {
            return isHost(bytes.extracting(..<(end - 1)))
        }
        return isHost(bytes)
    }

    private func isHost(_ bytes: Span<UInt8>) -> Bool {
        hostBytes.contains { sameBytes($0, bytes) }
    }

    /// Throws `cross-site-request` for a mutating request that another site's page sent.
    func checkSite(_ request: Request) throws(Problem) {
        if HTTPMethod.isSafe(request.method) { return }
        if corsOrigin(request) != nil { return }
        if let origin = request.headers["Origin"], !isSame(origin, request.authority) {
            throw .crossSite("Origin \(origin) is not this server.")
        }
        if let site = request.headers["Sec-Fetch-Site"], site != "same-origin", site != "none" {
            throw .crossSite("The request comes from a page of another site (\(site)).")
        }
    }

    /// Throws `cross-site-request` for a mutating request unless a page of this very server sent it.
    ///
    /// Stricter than `checkSite`: silence proves nothing, a listed site is not this one, and a page
    /// from another port of this host is of the same site and not of the same origin.
    func checkOwnPage(_ request: Request) throws(Problem) {
        if HTTPMethod.isSafe(request.method) { return }
        if let origin = request.headers["Origin"] {
            if isSame(origin, request.authority) { return }
            throw .crossSite("Origin \(origin) is not this server, and a cookie came along.")
        }
        if request.headers["Sec-Fetch-Site"] == "same-origin" { return }
        throw .crossSite(
            "With a cookie and no token a request must say by its Origin that this server's page "
                + "sent it."
        )
    }

    /// The request's origin where it is a listed one.
    func corsOrigin(_ request: Request) -> String? {
        guard !origins.isEmpty, let origin = request.headers["Origin"] else { return nil }
        return origins.contains(origin.lowercased()) ? origin : nil
    }

    /// Whether an origin's host and port are the ones the request is for.
    private func isSame(_ origin: String, _ own: String) -> Bool {
        let parts = origin.lowercased().split(
            separator: "://",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        guard parts.count == 2, let from = Authority(String(parts[1])), let to = Authority(own)
        else { return false }
        // Behind a TLS proxy the scheme is the proxy's: a missing port is the origin's default.
        let usual = parts[0] == "https" ? 443 : 80
        return from.host == to.host && (from.port ?? usual) == (to.port ?? usual)
    }

    /// A host as it is compared: lower case, an IPv6 address in brackets, no port, no last dot.
    private static func host(_ text: String) -> String {
        var host = text.lowercased()
        if host.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1, !host.hasPrefix("[") {
            host = "[\(host)]"
        }
        if let authority = Authority(host) { host = authority.host }
        if host.hasSuffix(".") { host.removeLast() }
        return host
    }

    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
