import Testing

@testable import Access

@Suite struct ScopeTests {
    @Test(arguments: [
        ("read", Scope(.read)), ("admin", Scope(.admin)), ("events", Scope(.events)),
        ("spawn:app.jobs:*", Scope(.spawn, Pattern("app.jobs:*"))),
        ("send:printer", Scope(.send, Pattern("printer"))),
        ("control:a b", Scope(.control, Pattern("a b"))), ("spawn:*", Scope(.spawn)),
    ])
    func `a scope is a right and perhaps an entry or a name`(text: String, scope: Scope) throws {
        #expect(try Scope(parsing: text) == scope)
        #expect(try Scope(parsing: scope.description) == scope)
    }

    @Test(arguments: [
        "", ":", "Read", "write", " read", "read ", "read:", "admin:app:*", "spawn:a*b",
        "spawn:**", "spawn:*a", "spawn:a*\u{301}", "read\u{301}:a",
        "spawn:" + String(repeating: "x", count: 513), "spawn app:*",
    ])
    func `anything else is none`(_ text: String) {
        #expect(throws: ScopeFault.self) { try Scope(parsing: text) }
    }

    @Test func `patterns are the same only byte by byte`() {
        #expect(Pattern("\u{E9}") != Pattern("e\u{301}"))
        #expect(Pattern("a*") != Pattern("a") && Pattern("a*") == Pattern("a*"))
    }

    /// Scopes; what is asked; how far it goes.
    private static let extents: [([String], Right, Extent)] = [
        ([], .read, .none),
        (["read"], .read, .full),
        (["read"], .spawn, .none),
        (["admin"], .control, .full),
        (["spawn:a:*"], .spawn, .narrowed([Pattern("a:*")])),
        (["spawn:a:*"], .send, .none),
        (["spawn:a:*", "spawn:b"], .spawn, .narrowed([Pattern("a:*"), Pattern("b")])),
        (["spawn:a:*", "spawn"], .spawn, .full),
        (["spawn:a:*", "spawn:*"], .spawn, .full),
        (["spawn:a:*", "admin"], .spawn, .full),
        (["read", "send"], .admin, .none),
    ]

    @Test(arguments: extents.indices)
    func `the widest of a token's scopes counts`(_ index: Int) throws {
        let (scopes, right, extent) = Self.extents[index]
        let token = Token(
            name: "t",
            digest: Digest(of: "t"),
            scopes: try scopes.map { try Scope(parsing: $0) }
        )
        #expect(token.extent(of: right) == extent)
    }

    @Test(arguments: [
        ("app:*", "app:a", [], true), ("app:*", "app", [], false), ("app:*", "app:", [], true),
        ("app:a", "app:a", [], true), ("app:a", "app:ab", [], false),
        ("app:a", "other", ["x", "app:a"], true), ("app:*", "other", ["x"], false),
        ("app:*", "App:a", [], false),
        // Bytes: the same letter in two spellings is two names.
        ("caf\u{E9}", "cafe\u{301}", [], false), ("cafe\u{301}", "caf\u{E9}", [], false),
        ("caf\u{E9}*", "cafe\u{301}s", [], false), ("cafe*", "cafe\u{301}", [], true),
        ("cafe\u{301}", "x", ["cafe\u{301}"], true), ("\u{212B}", "\u{C5}", [], false),
        ("cafe*", "cafe\u{301}s", [], true),
    ])
    func `a narrowed right covers by entry or by name`(
        pattern: String,
        entry: String,
        names: [String],
        isCovered: Bool
    ) {
        let extent = Extent.narrowed([Pattern(pattern)])
        #expect(extent.covers(entry: entry, names: names) == isCovered)
        #expect(Extent.full.covers(entry: entry, names: names))
        #expect(!Extent.none.covers(entry: entry, names: names))
    }
}
