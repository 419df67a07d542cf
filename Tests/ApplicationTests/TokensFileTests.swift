import Access
import Application
import Foundation
import Testing

@Suite struct TokensFileTests {
    private static let digest = Digest(of: "x").hexadecimal

    private static func read(_ text: String, taken: [String] = []) throws(AppProblems) -> [Token] {
        try TokensFile.tokens(in: text, file: "tokens.yaml", taken: taken)
    }

    @Test func `tokens are read with their scopes and ends`() throws {
        let tokens = try Self.read(
            """
            # who may do what
            - name: ci
              sha256: \(Self.digest)
              scopes: [read, "spawn:app.jobs:*"]
              expires: 2027-01-01T01:00:00+01:00
            - {name: "ops@night", sha256: '\(Digest(of: "y").hexadecimal.uppercased())', scopes: [admin]}
            """
        )
        #expect(tokens.map(\.name) == ["ci", "ops@night"])
        #expect(tokens.map(\.digest) == [Digest(of: "x"), Digest(of: "y")])
        #expect(tokens[0].scopes == [Scope(.read), Scope(.spawn, Pattern("app.jobs:*"))])
        // 2027-01-01 00:00 UTC.
        #expect(tokens.map(\.expiresAt) == [1_798_761_600_000_000_000, nil])
    }

    @Test(arguments: ["2027-01-01", "2027-01-01T00:00:00Z", "'2026-12-31T23:00:00-01:00'"])
    func `an end is a date or a time of a day`(_ text: String) throws {
        let entry = "- {name: a, sha256: \(Self.digest), scopes: [read], expires: \(text)}"
        #expect(try Self.read(entry).first?.expiresAt == 1_798_761_600_000_000_000)
    }

    @Test func `an empty list lets nobody in, and no list is an error`() throws {
        #expect(try Self.read("[]").isEmpty)
        #expect(throws: AppProblems.self) { try Self.read("") }
    }

    /// A file and what is said of it; `DIGEST` is a good one.
    private static let bad: [(String, String)] = [
        ("", "tokens.yaml: error: expected a list of tokens"),
        ("name: a", "tokens.yaml: error: expected a list of tokens"),
        ("- a", ":1:3: error: token: expected a mapping, found \"a\""),
        ("- [", "not YAML"),
        ("- {sha256: DIGEST, scopes: [read]}", ":1:3: error: token: name is missing"),
        ("- {name: a, scopes: [read]}", ":1:3: error: token: sha256 is missing"),
        ("- {name: a, sha256: DIGEST}", ":1:3: error: token: scopes is missing"),
        ("- {name: a, sha256: DIGEST, scopes: []}", "scopes: expected at least one"),
        ("- {name: a, sha256: DIGEST, scopes: read}", "scopes: expected a list"),
        (
            "- name: a\n  sha256: DIGEST\n  scopes: [red]",
            ":3:12: error: token: scopes: unknown scope"
        ),
        ("- {name: a, sha256: DIGEST, scopes: [admin:x]}", "admin cannot be narrowed"),
        (
            "- name: a\n  sha256: hunter2\n  scopes: [read]",
            ":2:11: error: token: sha256: expected 64"
        ),
        ("- {name: 'a b', sha256: DIGEST, scopes: [read]}", "name: expected up to 64"),
        ("- {name: \"a\\nb\", sha256: DIGEST, scopes: [read]}", "name: expected up to 64"),
        (
            "- name: a\n  sha256: DIGEST\n  scopes: [read]\n  expire: 2027-01-01",
            ":4:3: error: token: unknown field \"expire\"; did you mean \"expires\"?"
        ),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: soon}", "expires: expected a date"),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: }", "expires: expected a date"),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: ~}", "expires: expected a date"),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: 2027-13-01}", "expires: expected"),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: 1969-01-01}", "expires: expected"),
        ("- {name: a, sha256: DIGEST, scopes: [read], expires: [1]}", "expires: expected a date"),
        (
            "- {name: a, sha256: DIGEST, scopes: [read]}\n- {name: a, sha256: OTHER, scopes: [read]}",
            ":2:3: error: a second token named \"a\""
        ),
        (
            "- {name: a, sha256: DIGEST, scopes: [read]}\n- {name: b, sha256: DIGEST, scopes: [read]}",
            ":2:3: error: \"b\" is the same token as \"a\""
        ),
        ("- {name: MOONLET_TOKEN, sha256: DIGEST, scopes: [read]}", "a second token named"),
    ]

    @Test(arguments: bad.indices)
    func `what is wrong is told with its line, and the secret is not repeated`(_ index: Int) {
        let (text, problem) = Self.bad[index]
        let file = text.replacing("DIGEST", with: Self.digest)
            .replacing("OTHER", with: Digest(of: "y").hexadecimal)
        do {
            _ = try Self.read(file, taken: ["MOONLET_TOKEN"])
            Issue.record("read without an error")
        } catch {
            #expect("\(error)".contains(problem), "\(error)")
            #expect(!"\(error)".contains("hunter2"))
        }
    }

    @Test func `all problems are told together, and a missing file is one`() {
        do {
            _ = try Self.read("- {name: a}\n- {sha256: b, scopes: [c]}")
            Issue.record("read without an error")
        } catch {
            #expect(error.problems.count == 5)
            #expect(!error.problems.contains { $0.isWarning })
        }
        #expect(throws: AppProblems.self) { try TokensFile.read(path: "/nowhere/tokens.yaml") }
    }
}
