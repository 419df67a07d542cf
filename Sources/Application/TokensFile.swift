package import Access
internal import GoTime
internal import Yams

/// A tokens file: a YAML list of who may do what.
///
///     - name: ci
///       sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
///       scopes: [read, "spawn:app.jobs:*"]
///       expires: 2027-01-01T00:00:00Z
///
/// Whatever is not understood is an error here, unknown fields too: a slip in `expires` must not
/// make a token that never ends.
package enum TokensFile {
    /// Each request looks at every token.
    private static let tokensMax = 1_000
    private static let fields = ["name", "sha256", "scopes", "expires"]

    /// Reads a file; throws all that is wrong with it, each with its line.
    ///
    /// `taken` are names that no token here may have.
    package static func read(
        path: String,
        taken: [String] = []
    ) throws(AppProblems) -> [Token] {
        let text: String
        do throws(AppFiles.FileFault) {
            text = try AppFiles.text(atPath: path, bytesMax: YAML.bytesMax)
        } catch {
            let place = AppPlace(file: path)
            let problem = Problem(place: place, message: error.reason, isWarning: false)
            throw AppProblems(problems: [problem])
        }
        return try tokens(in: text, file: path, taken: taken)
    }

    /// Reads the text of a file; `file` is what problems call it.
    package static func tokens(
        in text: String,
        file: String,
        taken: [String] = []
    ) throws(AppProblems) -> [Token] {
        let log = ProblemLog()
        let tokens = parse(text, FileReading(file: file, log: log), taken)
        guard log.problems.isEmpty else {
            let problems = log.sorted.map { problem in
                Problem(place: problem.place, message: problem.message, isWarning: false)
            }
            throw AppProblems(problems: problems)
        }
        return tokens
    }

    private static func parse(
        _ text: String,
        _ reading: FileReading,
        _ taken: [String]
    ) -> [Token] {
        let root: Node?
        do throws(Problem) {
            root = try YAML.parse(text, file: reading.file)
        } catch {
            reading.log.error(error.message, at: error.place)
            return []
        }
        let place = AppPlace(file: reading.file)
        guard let items = root?.sequence else {
            reading.log.error(
                "expected a list of tokens with name, sha256, scopes",
                at: place
            )
            return []
        }
        guard items.count <= tokensMax else {
            reading.log.error("more than \(tokensMax) tokens", at: place)
            return []
        }
        var names = Set(taken)
        var digests: [Digest: String] = [:]
        return items.compactMap { item in
            guard let token = Self.token(item, reading) else { return nil }
            if !names.insert(token.name).inserted {
                reading.error("a second token named \"\(token.name)\"", at: item)
            }
            if let other = digests.updateValue(token.name, forKey: token.digest) {
                reading.error("\"\(token.name)\" is the same token as \"\(other)\"", at: item)
            }
            return token
        }
    }

    private static func token(_ node: Node, _ reading: FileReading) -> Token? {
        guard let fields = Fields(node, "token", reading) else { return nil }
        fields.finish(known: TokensFile.fields)
        let name = Self.name(fields)
        let digest = Self.digest(fields)
        let scopes = Self.scopes(fields)
        // Not by `fields`, to which a field left empty is one left out.
        let written = node.mapping?.first { $0.key.scalar?.string == "expires" }?.value
        let expiry = written.map { Self.expiry($0, reading) }
        // All four have been looked at by now, so that all that is wrong is told.
        guard let name, let digest, let scopes, expiry != .some(nil) else { return nil }
        return Token(name: name, digest: digest, scopes: scopes, expiresAt: expiry ?? nil)
    }

    private static func name(_ fields: Fields) -> String? {
        guard let node = fields.required("name", "what the log is to call it"),
            let name = fields.text("name")
        else { return nil }
        let isWord =
            (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        if !isWord {
            fields.reading.error("token: name: expected up to 64 letters, digits, signs", at: node)
        }
        return isWord ? name : nil
    }

    private static func digest(_ fields: Fields) -> Digest? {
        guard let node = fields.required("sha256", "64 hexadecimal digits"),
            let text = fields.text("sha256")
        else { return nil }
        let digest = Digest(hexadecimal: text)
        if digest == nil {
            // Not repeated: somebody may have put the token itself here.
            fields.reading.error("token: sha256: expected 64 hexadecimal digits", at: node)
        }
        return digest
    }

    private static func scopes(_ fields: Fields) -> [Scope]? {
        guard let node = fields.required("scopes", "a list such as [read, events]") else {
            return nil
        }
        let texts = fields.texts("scopes")
        if texts.isEmpty { fields.reading.error("token: scopes: expected at least one", at: node) }
        let scopes = texts.compactMap { text, node -> Scope? in
            do throws(ScopeFault) {
                return try Scope(parsing: text)
            } catch {
                fields.reading.error("token: scopes: \(error)", at: node)
                return nil
            }
        }
        return scopes.isEmpty ? nil : scopes
    }

    /// Nanoseconds since 1970; nil, and a problem, for what is no date.
    private static func expiry(_ node: Node, _ reading: FileReading) -> UInt64? {
        let text = node.scalar?.string ?? ""
        for layout in ["2006-01-02T15:04:05Z07:00", "2006-01-02"] {
            guard let time = try? GoTimeValue.parse(layout: layout, value: text),
                let nanoseconds = time.unixNanoseconds, nanoseconds >= 0
            else { continue }
            return UInt64(nanoseconds)
        }
        reading.error(
            "token: expires: expected a date such as 2027-01-01 or 2027-01-01T12:00:00Z",
            at: node
        )
        return nil
    }
}
