import Synchronization

/// Who may do what: the tokens in force, and who is logged in with one.
///
/// A secret is looked up by its digest, which is made outside the lock. A session stands for its
/// token: it ends with it, and allows what the token allows now. Any thread may call; the lock is a
/// leaf.
package final class Gatekeeper: Sendable {
    /// How many sessions there may be, and how long they last.
    package struct Limits: Sendable {
        package var sessionNanoseconds: UInt64 = 12 * 3_600 * 1_000_000_000
        package var sessionsMax = 1_024
        package var sessionsPerTokenMax = 64
        /// Failures to log in that a peer has at once, and how long it takes to get another.
        package var loginBurst = 10
        package var loginIntervalNanoseconds: UInt64 = 1_000_000_000

        package init() {}
    }

    /// The time as the gatekeeper needs it: nanoseconds since 1970, and monotonic.
    package struct Moment: Sendable {
        package var wall: UInt64
        package var monotonic: UInt64

        package init(wall: UInt64, monotonic: UInt64) {
            self.wall = wall
            self.monotonic = monotonic
        }
    }

    private struct State {
        var tokens: TokenTable
        var sessions: SessionTable
        var attempts: AttemptLimiter
    }

    package let limits: Limits
    private let state: Mutex<State>
    private let random: @Sendable () -> UInt64

    /// Makes one with the tokens of the start; `random` must be unpredictable.
    package init(
        _ tokens: [Token],
        limits: Limits = Limits(),
        random: @escaping @Sendable () -> UInt64
    ) {
        self.limits = limits
        self.random = random
        state = Mutex(
            State(
                tokens: TokenTable(tokens),
                sessions: SessionTable(
                    perTokenMax: limits.sessionsPerTokenMax,
                    sessionsMax: limits.sessionsMax,
                    lifetimeNanoseconds: limits.sessionNanoseconds
                ),
                attempts: AttemptLimiter(
                    burst: limits.loginBurst,
                    intervalNanoseconds: limits.loginIntervalNanoseconds,
                    peersMax: 1_024
                )
            )
        )
    }

    /// Puts these tokens in force, and ends the sessions of those that are gone.
    package func replace(_ tokens: [Token]) {
        let table = TokenTable(tokens)
        state.withLock { state in
            state.tokens = table
            state.sessions.keep { table.find($0) != nil }
        }
    }

    // MARK: Who asks

    /// Whose token a text is.
    package func identify(token text: String, at now: Moment) throws(Refusal) -> Identity {
        let digest = Digest(of: text)
        let tokens = state.withLock { $0.tokens }
        return Identity(try Gatekeeper.good(tokens.find(digest), at: now), session: nil)
    }

    /// Whose session a secret is.
    package func identify(session secret: String, at now: Moment) throws(Refusal) -> Identity {
        let digest = Digest(of: secret)
        let found = state.withLock { state -> (TokenTable, Digest)? in
            let token = state.sessions.token(of: digest, now: now.monotonic)
            return token.map { (state.tokens, $0) }
        }
        guard let (tokens, token) = found else { throw .unknownSession }
        return Identity(try Gatekeeper.good(tokens.find(token), at: now), session: digest)
    }

    private static func good(_ token: Token?, at now: Moment) throws(Refusal) -> Token {
        guard let token else { throw .unknownToken }
        if token.isExpired(at: now.wall) { throw .tokenExpired }
        return token
    }

    /// Throws once an identity, which was good, is not any more; for what goes on for long.
    ///
    /// Also when its token allows something else now: whoever asks again is judged anew.
    package func recheck(_ identity: Identity, at now: Moment) throws(Refusal) {
        let (token, hasSession) = state.withLock { state -> (Token?, Bool) in
            let session = identity.session.map {
                state.sessions.token(of: $0, now: now.monotonic) != nil
            }
            return (state.tokens.find(identity.token.digest), session ?? true)
        }
        let present = try Gatekeeper.good(token, at: now)
        guard hasSession else { throw .unknownSession }
        guard present.grant == identity.token.grant else { throw .unknownToken }
    }

    // MARK: Sessions

    /// Begins a session for a token's holder and returns its secret.
    ///
    /// The secret is new: what the client brought is never taken for one. `previous`, the session it
    /// had until now, ends. Only failures are counted: behind one address there may be many, and a
    /// right token is nobody's guess. A wrong one past the limit is told nothing of why.
    package func logIn(
        token text: String,
        peer: String,
        replacing previous: String?,
        at now: Moment
    ) throws(Refusal) -> (secret: String, identity: Identity) {
        let identity: Identity
        do throws(Refusal) {
            identity = try identify(token: text, at: now)
        } catch {
            let mayFail = state.withLock { $0.attempts.admit(peer, now: now.monotonic) }
            throw mayFail ? error : .tooManyAttempts
        }
        let secret = Secret.make(random)
        let digest = Digest(of: secret)
        let old = previous.map { Digest(of: $0) }
        state.withLock { state in
            if let old { state.sessions.end(old) }
            state.sessions.begin(digest, for: identity.token.digest, now: now.monotonic)
        }
        return (secret, Identity(identity.token, session: digest))
    }

    /// Ends a session; nil where there is none, else the token it stood for.
    @discardableResult
    package func logOut(session secret: String, at now: Moment) -> Token? {
        let digest = Digest(of: secret)
        return state.withLock { state in
            let token = state.sessions.token(of: digest, now: now.monotonic)
            state.sessions.end(digest)
            return token.flatMap { state.tokens.find($0) }
        }
    }

    var sessionCount: Int { state.withLock { $0.sessions.openCount } }
}

/// Who asks: the holder of a token, who showed it or is logged in with it.
package struct Identity: Sendable {
    package let token: Token
    /// The digest of the session's secret; nil where the token itself was shown.
    let session: Digest?

    init(_ token: Token, session: Digest?) {
        self.token = token
        self.session = session
    }

    package var isSession: Bool { session != nil }
}

/// Why nobody is let in.
package enum Refusal: Error, Sendable, Equatable {
    case unknownToken
    case tokenExpired
    /// It ended, or there never was one.
    case unknownSession
    /// This peer has failed too often.
    case tooManyAttempts
}

/// New secrets.
package enum Secret {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// 43 characters that need no quoting anywhere: 258 random bits.
    package static func make(_ random: () -> UInt64) -> String {
        var bytes: [UInt8] = []
        while bytes.count < 43 {
            var word = random()
            // Ten digits of six bits; four bits are left over.
            for _ in 0..<min(10, 43 - bytes.count) {
                bytes.append(digits[Int(word & 63)])
                word >>= 6
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
