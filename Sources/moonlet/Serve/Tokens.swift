import Access
import Application
import Glibc
import Logging

/// The tokens of the settings: MOONLET_TOKEN, and those of the tokens file.
struct Tokens {
    /// What the log calls the holder of MOONLET_TOKEN.
    private static let variable = "MOONLET_TOKEN"
    /// Fewer characters can be guessed.
    private static let charactersMin = 16

    private let own: Token?
    private let file: String?
    private let logger: Logger

    /// Takes the token of the environment in; throws a usage failure where it can be none.
    init(_ settings: ServeSettings, _ logger: Logger) throws(CommandFailure) {
        file = settings.tokenFile
        self.logger = logger
        guard let text = settings.token else {
            own = nil
            return
        }
        // Somebody meant to close the server, and a variable came out empty.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .usage(
                "MOONLET_TOKEN must be visible ASCII characters, and at least one: make a token "
                    + "with `moonlet token`, or unset the variable"
            )
        }
        if text.utf8.count < Tokens.charactersMin {
            logger.warning("MOONLET_TOKEN is short enough to be guessed: use `moonlet token`")
        }
        own = Token(name: Tokens.variable, digest: Digest(of: text), scopes: [Scope(.admin)])
    }

    /// Who is let in at the start; nil where nobody is asked.
    func gatekeeper() throws(CommandFailure) -> Gatekeeper? {
        guard own != nil || file != nil else { return nil }
        do throws(AppProblems) {
            return Gatekeeper(try read()) {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            }
        } catch {
            throw .usage("\(error)")
        }
    }

    /// All tokens now; throws what is wrong with the file, each problem with its line.
    func read() throws(AppProblems) -> [Token] {
        let others = try file.map { path throws(AppProblems) in
            let tokens = try TokensFile.read(path: path, taken: [Tokens.variable])
            tell(of: tokens, in: path)
            return tokens
        }
        return (own.map { [$0] } ?? []) + (others ?? [])
    }

    /// Says how many there are, and what an owner would want to know of the file.
    ///
    /// That others may read it is nothing to worry about: it has digests of random tokens.
    private func tell(of tokens: [Token], in path: String) {
        let metadata: Logger.Metadata = ["file": "\(path)", "count": "\(tokens.count)"]
        if tokens.isEmpty {
            logger.warning("the tokens file has no token: it lets nobody in", metadata: metadata)
        } else {
            logger.info("tokens were read", metadata: metadata)
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & (S_IWGRP | S_IWOTH) != 0 else {
            return
        }
        logger.warning(
            "others than its owner may write the tokens file, and let themselves in: chmod go-w",
            metadata: ["file": "\(path)"]
        )
    }
}

extension ServeSettings {
    /// Whether requests need a token.
    var hasTokens: Bool { token != nil || tokenFile != nil }
}
