import Access
import HTTP
import ProcessRuntime

/// Finds out who sends a request: by a token in `Authorization`, or by the session in a cookie.
///
/// Each request is looked at for itself, whatever came before it on its connection. A token goes
/// before a cookie: who shows one means it, and a wrong one is not made good by a cookie. A browser
/// adds the cookie by itself, so a request that changes something and has nothing but a cookie must
/// prove that a page of this server sent it.
struct Authentication: Sendable {
    private let gatekeeper: Gatekeeper
    private let guardian: SiteGuard
    private let clock: any RuntimeClock

    init(_ gatekeeper: Gatekeeper, _ guardian: SiteGuard, _ clock: any RuntimeClock) {
        self.gatekeeper = gatekeeper
        self.guardian = guardian
        self.clock = clock
    }

    private var now: Gatekeeper.Moment {
        Gatekeeper.Moment(wall: clock.wall(), monotonic: clock.now())
    }

    /// Who sends a request; throws `unauthorized` for nobody.
    func identify(_ request: Request) throws(Problem) -> Identity {
        if let token = try Authentication.bearer(request) {
            do throws(Refusal) {
                return try gatekeeper.identify(token: token, at: now)
            } catch {
                throw .unauthorized(error)
            }
        }
        guard let secret = try SessionCookie.secret(in: request) else { throw .unauthorized(nil) }
        let identity: Identity
        do throws(Refusal) {
            identity = try gatekeeper.identify(session: secret, at: now)
        } catch {
            throw .unauthorized(error)
        }
        try guardian.checkOwnPage(request)
        return identity
    }

    /// The token of `Authorization: Bearer`; nil where there is no such field, or another scheme.
    ///
    /// Source: RFC 6750, 2.1 and 3.1; RFC 9110, 11.1: the scheme's case does not matter.
    private static func bearer(_ request: Request) throws(Problem) -> String? {
        guard let field = request.headers["Authorization"] else { return nil }
        guard request.headers.all("Authorization").count == 1 else {
            throw .severalCredentials("The request has more than one Authorization field.")
        }
        let scheme = field.prefix { $0 != " " }
        guard Headers.same(String(scheme), "Bearer") else { return nil }
        let token = field[scheme.endIndex...].drop { $0 == " " }
        guard !token.isEmpty else { throw .unauthorized(.unknownToken) }
        return String(token)
    }

    /// Why what a stream's reader was let in with is good no longer, as its `bye` says; nil while it
    /// is.
    func farewell(_ identity: Identity) -> String? {
        refusal(of: identity).map { $0 == .tokenExpired ? "token-expired" : "unauthorized" }
    }

    /// Why somebody who was let in would not be now; nil where that one would.
    func refusal(of identity: Identity) -> Refusal? {
        do throws(Refusal) {
            try gatekeeper.recheck(identity, at: now)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Sessions

    /// Begins a session and returns its cookie.
    func logIn(token: String, _ request: Request) throws(Problem) -> (String, Identity) {
        let previous = (try? SessionCookie.secret(in: request)) ?? nil
        do throws(Refusal) {
            let (secret, identity) = try gatekeeper.logIn(
                token: token,
                peer: request.peer,
                replacing: previous,
                at: now
            )
            let seconds = gatekeeper.limits.sessionNanoseconds / 1_000_000_000
            let cookie = SessionCookie.text(
                secret,
                seconds: seconds,
                isSecure: SessionCookie.cameByTLS(request)
            )
            return (cookie, identity)
        } catch {
            throw error == .tooManyAttempts ? .tooManyLogins() : .unauthorized(error)
        }
    }

    /// Ends the session that a request names; nil where it names none, else whose it was.
    func logOut(_ request: Request) -> Token? {
        // Several: none of them is sure to be the client's own.
        guard let secret = try? SessionCookie.secret(in: request) else { return nil }
        return gatekeeper.logOut(session: secret, at: now)
    }
}

/// The cookie a browser holds while its user is logged in.
enum SessionCookie {
    private static let name = "moonlet_session"

    /// The one session a request names; nil for none.
    ///
    /// Two mean that somebody else put one beside ours (another server on this host may, for the
    /// ports of a host share their cookies); which is whose cannot be told, so neither counts.
    static func secret(in request: Request) throws(Problem) -> String? {
        var found: Substring?
        // HTTP/2 may cut the field into several (RFC 9113, 8.2.3).
        for field in request.headers.all("Cookie") {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard pair.hasPrefix(name + "=") else { continue }
                if found != nil {
                    throw .severalCredentials("The request has more than one \(name) cookie.")
                }
                found = pair.dropFirst(name.utf8.count + 1)
            }
        }
        return found.map(String.init)
    }

    /// `Set-Cookie` for a new session.
    static func text(_ secret: String, seconds: UInt64, isSecure: Bool) -> String {
        "\(name)=\(secret); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// `Set-Cookie` that takes it away.
    static let end = "\(name)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"

    /// Whether the page has TLS between it and us, or a proxy before us.
    ///
    /// A client may lie about it, and gets a cookie that its browser will not send.
    static func cameByTLS(_ request: Request) -> Bool {
        request.isSecure
            || request.headers["X-Forwarded-Proto"].map { Headers.same($0, "https") } ?? false
            || request.headers["Origin"]?.lowercased().hasPrefix("https://") ?? false
    }
}
