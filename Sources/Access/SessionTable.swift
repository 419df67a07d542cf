/// Who is logged in: random secrets that browsers hold as cookies, each standing for a token.
///
/// Kept by the digest of the secret, so that looking one up tells nothing by its time, and the
/// server's memory opens nothing. All live equally long, so the oldest are the first to end. A value:
/// no lock, no clock.
struct SessionTable: Sendable {
    private struct Session {
        let token: Digest
        /// Monotonic nanoseconds.
        let endsAt: UInt64
        /// Rises by one a session.
        let number: UInt64
    }

    private let perTokenMax: Int
    private let sessionsMax: Int
    private let lifetimeNanoseconds: UInt64
    private var sessions: [Digest: Session] = [:]
    private var count: UInt64 = 0

    /// Makes an empty table; beyond `perTokenMax` of a token, and `sessionsMax` of all, the oldest
    /// ends.
    init(perTokenMax: Int, sessionsMax: Int, lifetimeNanoseconds: UInt64) {
        self.perTokenMax = perTokenMax
        self.sessionsMax = sessionsMax
        self.lifetimeNanoseconds = lifetimeNanoseconds
    }

    var openCount: Int { sessions.count }

    /// Begins one; linear in the number of sessions.
    mutating func begin(_ secret: Digest, for token: Digest, now: UInt64) {
        sessions = sessions.filter { $0.value.endsAt > now }
        let own = sessions.filter { $0.value.token == token }
        if own.count >= perTokenMax {
            dropOldest(of: own)
        } else if sessions.count >= sessionsMax {
            dropOldest(of: sessions)
        }
        count += 1
        sessions[secret] = Session(token: token, endsAt: now + lifetimeNanoseconds, number: count)
    }

    private mutating func dropOldest(of some: [Digest: Session]) {
        if let oldest = some.min(by: { $0.value.number < $1.value.number }) {
            sessions[oldest.key] = nil
        }
    }

    /// The digest of the token a session stands for; nil where there is no such session (any more).
    func token(of secret: Digest, now: UInt64) -> Digest? {
        guard let session = sessions[secret], session.endsAt > now else { return nil }
        return session.token
    }

    mutating func end(_ secret: Digest) { sessions[secret] = nil }

    /// Ends every session whose token is not kept.
    mutating func keep(where isKept: (Digest) -> Bool) {
        sessions = sessions.filter { isKept($0.value.token) }
    }
}
