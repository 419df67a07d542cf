import Access
import Foundation
import Logging
import Synchronization
import Testing

@testable import ControlAPI

/// Tokens for a desk: each is its own name.
enum Keys {
    static func gatekeeper(
        _ tokens: [String: [String]],
        until ends: [String: UInt64] = [:],
        _ change: (inout Gatekeeper.Limits) -> Void = { _ in }
    ) throws -> Gatekeeper {
        var limits = Gatekeeper.Limits()
        change(&limits)
        return Gatekeeper(try all(tokens, until: ends), limits: limits) {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
    }

    static func all(
        _ tokens: [String: [String]],
        until ends: [String: UInt64] = [:]
    ) throws -> [Token] {
        try tokens.map { name, scopes in
            Token(
                name: name,
                digest: Digest(of: name),
                scopes: try scopes.map { try Scope(parsing: $0) },
                expiresAt: ends[name]
            )
        }
    }

    /// The field that shows a token.
    static func show(_ token: String) -> [(String, String)] {
        [("Authorization", "Bearer \(token)")]
    }
}

extension Desk {
    /// A desk where these tokens are on.
    convenience init(tokens: [String: [String]]) throws {
        let keeper = try Keys.gatekeeper(tokens)
        self.init { $0.gatekeeper = keeper }
    }

    /// Logs in and returns the cookie's `name=value`.
    func logIn(_ token: String, headers: [(String, String)] = []) throws -> String {
        let answer = try ask("POST", "/v1/login", #"{"token": "\#(token)"}"#, headers: headers)
        #expect(answer.status == 204)
        let cookie = try #require(answer.header("Set-Cookie"))
        return String(cookie.prefix { $0 != ";" })
    }
}

/// A log that keeps its lines.
final class Notebook: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var fields: [String: String]
    }

    private let kept = Mutex<[Line]>([])
    var lines: [Line] { kept.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { [self] _ in Handler(notebook: self) }
    }

    private struct Handler: LogHandler {
        let notebook: Notebook
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level,
                message: "\(event.message)",
                fields: (event.metadata ?? [:]).mapValues { "\($0)" }
            )
            notebook.kept.withLock { $0.append(line) }
        }
    }
}
