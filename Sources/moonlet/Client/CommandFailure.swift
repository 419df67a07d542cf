// How a client command fails: a sentence for people, an exit code for scripts.

import ArgumentParser

/// Why a command did not do what was asked.
///
/// The message is written to standard error as it is; the program exits with `code`.
struct CommandFailure: Error, Equatable {
    /// The exit codes of all commands; part of the interface (see `moonlet help`).
    enum Code: Int32 {
        case processFailed = 1
        case usage = 2
        case notFound = 3
        case refused = 4
        case unreachable = 5
        case timeout = 124
    }

    var code: Code
    var message: String

    /// The command line makes no sense.
    static func usage(_ message: String) -> CommandFailure {
        CommandFailure(code: .usage, message: message)
    }

    /// The process ran, and failed.
    static func processFailed(_ message: String) -> CommandFailure {
        CommandFailure(code: .processFailed, message: message)
    }

    /// What was waited for did not happen in time.
    static func timeout(_ message: String) -> CommandFailure {
        CommandFailure(code: .timeout, message: message)
    }

    /// Something answers at `address`, but nothing to talk to by TLS.
    static func insecure(_ address: ServerAddress, _ reason: String) -> CommandFailure {
        CommandFailure(code: .unreachable, message: "no TLS with \(address): \(reason)")
    }

    /// There is no server to talk to at `address`, or it went away.
    static func unreachable(_ address: ServerAddress, _ reason: String) -> CommandFailure {
        CommandFailure(
            code: .unreachable,
            message: "no moonlet server at \(address) (\(reason)). "
                + "Start one with: moonlet serve APP"
        )
    }
}
