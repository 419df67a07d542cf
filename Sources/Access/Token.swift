/// One secret that opens the server, as the server knows it: by its digest.
package final class Token: Sendable {
    /// What the log calls it; unique.
    package let name: String
    package let digest: Digest
    package let scopes: [Scope]
    /// The first moment it is no longer good, in nanoseconds since 1970; nil for never.
    package let expiresAt: UInt64?
    /// What it is and all it allows, as one word: another secret or other scopes are another grant.
    package let grant: Digest
    private let extents: [Right: Extent]

    package init(name: String, digest: Digest, scopes: [Scope], expiresAt: UInt64? = nil) {
        self.name = name
        self.digest = digest
        self.scopes = scopes
        self.expiresAt = expiresAt
        grant = Token.grant(digest, scopes)
        let rights = Right.allCases.map { ($0, Token.extent(of: $0, in: scopes)) }
        extents = Dictionary(uniqueKeysWithValues: rights)
    }

    /// How far the token's holder may go.
    package func extent(of right: Right) -> Extent { extents[right] ?? .none }

    package func isExpired(at wall: UInt64) -> Bool { expiresAt.map { wall >= $0 } ?? false }

    private static func grant(_ digest: Digest, _ scopes: [Scope]) -> Digest {
        // With their lengths: no two lists of scopes read the same.
        let texts = scopes.map(\.description).map { "\($0.utf8.count):\($0)" }
        return Digest(of: digest.hexadecimal + texts.joined())
    }

    private static func extent(of right: Right, in scopes: [Scope]) -> Extent {
        if scopes.contains(Scope(.admin)) || scopes.contains(Scope(right)) { return .full }
        let patterns = scopes.filter { $0.right == right }.compactMap(\.pattern)
        return patterns.isEmpty ? .none : .narrowed(patterns)
    }
}

/// The tokens in force: a value, replaced as a whole.
struct TokenTable: Sendable {
    private let tokens: [Token]

    init(_ tokens: [Token]) { self.tokens = tokens }

    /// Finds the token of a digest; looks at every one, so that time tells nothing of which.
    func find(_ digest: Digest) -> Token? {
        var found: Token?
        for token in tokens where token.digest.isSame(as: digest) { found = token }
        return found
    }
}
