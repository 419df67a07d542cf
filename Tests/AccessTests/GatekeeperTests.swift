import Synchronization
import Testing

@testable import Access

@Suite struct GatekeeperTests {
    private static func token(
        _ name: String,
        _ text: String,
        _ scopes: [Scope] = [Scope(.admin)],
        until end: UInt64? = nil
    ) -> Token {
        Token(name: name, digest: Digest(of: text), scopes: scopes, expiresAt: end)
    }

    private static func keeper(
        _ tokens: [Token],
        _ change: (inout Gatekeeper.Limits) -> Void = { _ in }
    ) -> Gatekeeper {
        var limits = Gatekeeper.Limits()
        change(&limits)
        return Gatekeeper(tokens, limits: limits) {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
    }

    private static func at(_ seconds: UInt64) -> Gatekeeper.Moment {
        Gatekeeper.Moment(wall: seconds * second, monotonic: seconds * second)
    }

    private static let second: UInt64 = 1_000_000_000

    // MARK: Tokens

    @Test func `a token is known by its text and by nothing else`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha"), Self.token("b", "beta")])
        #expect(try keeper.identify(token: "beta", at: Self.at(1)).token.name == "b")
        for text in ["", "alph", "alphaa", "Alpha", " alpha", "alpha ", "a", "alpha\u{0}"] {
            #expect(throws: Refusal.unknownToken) {
                try keeper.identify(token: text, at: Self.at(1))
            }
        }
    }

    @Test func `a token ends at its moment`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha", until: 10 * Self.second)])
        let identity = try keeper.identify(token: "alpha", at: Self.at(9))
        try keeper.recheck(identity, at: Self.at(9))
        #expect(throws: Refusal.tokenExpired) {
            try keeper.identify(token: "alpha", at: Self.at(10))
        }
        #expect(throws: Refusal.tokenExpired) { try keeper.recheck(identity, at: Self.at(10)) }
    }

    @Test func `an identity lasts until its token is gone or allows something else`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha", [Scope(.events)])])
        let identity = try keeper.identify(token: "alpha", at: Self.at(1))
        keeper.replace([
            Self.token("renamed", "alpha", [Scope(.events)]), Self.token("b", "beta"),
        ])
        try keeper.recheck(identity, at: Self.at(2))
        keeper.replace([Self.token("a", "alpha", [Scope(.read)])])
        #expect(throws: Refusal.unknownToken) { try keeper.recheck(identity, at: Self.at(3)) }
        keeper.replace([])
        #expect(throws: Refusal.unknownToken) { try keeper.recheck(identity, at: Self.at(3)) }
        #expect(throws: Refusal.unknownToken) {
            try keeper.identify(token: "alpha", at: Self.at(3))
        }
    }

    @Test func `a grant is the secret and the scopes, byte by byte`() {
        func grant(_ text: String, _ scopes: [Scope]) -> Digest {
            Self.token("t", text, scopes).grant
        }
        let read = Scope(.read, Pattern("a"))
        #expect(grant("alpha", [read]) == Self.token("other", "alpha", [read], until: 9).grant)
        let others: [(String, [Scope])] = [
            ("beta", [read]), ("alpha", []), ("alpha", [Scope(.read)]),
            ("alpha", [read, Scope(.send)]), ("alpha", [Scope(.read, Pattern("a4:send"))]),
            ("alpha", [Scope(.read, Pattern("\u{E9}"))]),
            ("alpha", [Scope(.read, Pattern("e\u{301}"))]),
        ]
        let grants = others.map { grant($0.0, $0.1) } + [grant("alpha", [read])]
        #expect(Set(grants).count == others.count + 1)
    }

    // MARK: Sessions

    @Test func `a session stands for its token until it ends`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha")]) {
            $0.sessionNanoseconds = 100 * Self.second
        }
        let (secret, _) = try keeper.logIn(
            token: "alpha",
            peer: "p",
            replacing: nil,
            at: Self.at(1)
        )
        let identity = try keeper.identify(session: secret, at: Self.at(100))
        #expect(identity.isSession && identity.token.name == "a")
        try keeper.recheck(identity, at: Self.at(100))
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: secret, at: Self.at(101))
        }
        #expect(throws: Refusal.unknownSession) { try keeper.recheck(identity, at: Self.at(101)) }
        // The secret is no token, and the token is no session.
        #expect(throws: Refusal.unknownToken) {
            try keeper.identify(token: secret, at: Self.at(2))
        }
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: "alpha", at: Self.at(2))
        }
    }

    @Test func `logging out ends the session and what was let in by it`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha")])
        let (secret, identity) = try keeper.logIn(
            token: "alpha",
            peer: "p",
            replacing: nil,
            at: Self.at(1)
        )
        #expect(keeper.logOut(session: "another", at: Self.at(1)) == nil)
        try keeper.recheck(identity, at: Self.at(1))
        #expect(keeper.logOut(session: secret, at: Self.at(1))?.name == "a")
        #expect(keeper.logOut(session: secret, at: Self.at(1)) == nil)
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: secret, at: Self.at(1))
        }
        #expect(throws: Refusal.unknownSession) { try keeper.recheck(identity, at: Self.at(1)) }
    }

    @Test func `a revoked token takes its sessions along, also when it comes back`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha"), Self.token("b", "beta")])
        func logIn(_ token: String) throws -> String {
            try keeper.logIn(token: token, peer: "p", replacing: nil, at: Self.at(1)).secret
        }
        let (first, second) = (try logIn("alpha"), try logIn("beta"))
        keeper.replace([Self.token("b", "beta")])
        keeper.replace([Self.token("a", "alpha"), Self.token("b", "beta")])
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: first, at: Self.at(2))
        }
        #expect(try keeper.identify(session: second, at: Self.at(2)).token.name == "b")
        #expect(keeper.sessionCount == 1)
    }

    @Test func `a login makes a new secret and ends the session that came with it`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha")])
        func logIn(replacing previous: String?) throws -> String {
            try keeper.logIn(
                token: "alpha",
                peer: "p",
                replacing: previous,
                at: Self.at(1)
            ).secret
        }
        let fixed = String(repeating: "x", count: 43)
        let first = try logIn(replacing: fixed)
        #expect(first != fixed)
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: fixed, at: Self.at(1))
        }
        let second = try logIn(replacing: first)
        #expect(second != first && keeper.sessionCount == 1)
        #expect(throws: Refusal.unknownSession) {
            try keeper.identify(session: first, at: Self.at(1))
        }
    }

    @Test func `of too many sessions the oldest of the same token ends`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha"), Self.token("b", "beta")]) {
            $0.sessionsPerTokenMax = 2
            $0.sessionsMax = 3
            $0.loginBurst = 100
        }
        func logIn(_ token: String) throws -> String {
            try keeper.logIn(token: token, peer: "p", replacing: nil, at: Self.at(1)).secret
        }
        func isOpen(_ secret: String) -> Bool {
            (try? keeper.identify(session: secret, at: Self.at(1))) != nil
        }
        let other = try logIn("beta")
        let own = try (0..<3).map { _ in try logIn("alpha") }
        #expect(isOpen(other) && own.map(isOpen) == [false, true, true])
        let more = try logIn("beta")
        #expect(keeper.sessionCount == 3)
        #expect(isOpen(more) && !isOpen(other))
    }

    // MARK: Guessing

    @Test func `wrong tokens are held up, and a right one never`() throws {
        let keeper = Self.keeper([Self.token("a", "alpha")]) { $0.loginBurst = 3 }
        func attempt(_ token: String, _ peer: String, _ seconds: UInt64) -> Refusal? {
            do throws(Refusal) {
                _ = try keeper.logIn(
                    token: token,
                    peer: peer,
                    replacing: nil,
                    at: Self.at(seconds)
                )
                return nil
            } catch {
                return error
            }
        }
        for _ in 0..<3 { #expect(attempt("x", "evil", 1) == .unknownToken) }
        for _ in 0..<50 { #expect(attempt("x", "evil", 1) == .tooManyAttempts) }
        // Others of the address know theirs.
        #expect(attempt("alpha", "evil", 1) == nil)
        #expect(attempt("alpha", "good", 1) == nil)
        // Which gives who guesses nothing: one more a second.
        #expect(attempt("x", "evil", 1) == .tooManyAttempts)
        #expect(attempt("x", "evil", 2) == .unknownToken)
        #expect(attempt("x", "evil", 2) == .tooManyAttempts)
        // Nor do right ones use anything up.
        for _ in 0..<50 { #expect(attempt("alpha", "good", 2) == nil) }
        for _ in 0..<3 { #expect(attempt("x", "good", 2) == .unknownToken) }
        #expect(attempt("x", "good", 2) == .tooManyAttempts)
    }

    @Test func `any number of peers take a bounded place`() {
        var limiter = AttemptLimiter(burst: 2, intervalNanoseconds: 10, peersMax: 8)
        func admit(_ peer: String, _ now: UInt64) -> Bool { limiter.admit(peer, now: now) }
        for peer in 0..<1_000 { #expect(admit("\(peer)", 5)) }
        #expect(limiter.peerCount == 8)
        #expect([admit("999", 5), admit("999", 5)] == [true, false])
        #expect(admit("new", 1_000))
        #expect(limiter.peerCount == 1)
    }

    @Test func `secrets are 43 safe characters from all of the randomness`() {
        let made = (0..<200).map { _ in
            Secret.make {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            }
        }
        #expect(Set(made).count == 200)
        for secret in made {
            #expect(secret.utf8.count == 43)
            #expect(
                secret.allSatisfy {
                    $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))
                }
            )
        }
        // Each word of randomness counts: a source that repeats is seen.
        #expect(Secret.make { 0 } == String(repeating: "A", count: 43))
        #expect(Set(made.flatMap { $0 }).count == 64)
    }
}
