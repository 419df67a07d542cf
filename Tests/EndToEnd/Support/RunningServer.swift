// The real binary serving on a port of its own, as a child process.

import Foundation
import Glibc
import Synchronization

/// What went wrong with the server under test, rather than with what it answered.
struct ServerTrouble: Error, CustomStringConvertible {
    var description: String
}

/// One `moonlet serve` with its log, until `stop` or the end of this object, which kills it.
///
/// MOONLET_BINARY names another binary than the one built next to the tests.
final class RunningServer: Sendable {
    /// As in `http://127.0.0.1:49152`.
    let base: String
    let port: UInt16
    let pid: Int32
    /// From the start of the program to its word that it listens.
    let startNanoseconds: UInt64
    private let end: ProcessEnd
    private let log: CapturedLog

    static var binary: String {
        ProcessInfo.processInfo.environment["MOONLET_BINARY"] ?? CommandRun.binary.path
    }

    /// The project's root, which is the working directory of every server.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Starts to serve `app` (from the project's root) and returns once it listens.
    ///
    /// A `launcher` is a program and arguments that get the whole command as further ones.
    init(
        _ app: String?,
        _ flags: [String] = [],
        environment: [String: String] = [:],
        launcher: [String] = []
    ) throws {
        let (process, errors) = Self.process(app, flags, environment, launcher)
        end = ProcessEnd(of: process)
        log = CapturedLog(reading: errors.fileHandleForReading)
        let start = Stopwatch()
        try process.runUnmasked()
        pid = process.processIdentifier
        Leftovers.add(server: pid)
        // Our copy of the writing end must go, or the log never ends.
        try errors.fileHandleForWriting.close()
        let address = waitFor(seconds: 20) { [log] in
            log.hasEnded ? "" : log.first { $0["msg"].text == "listening" }?["address"].text
        }
        startNanoseconds = start.nanoseconds
        guard let address, let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else {
            kill(pid, SIGKILL)
            throw ServerTrouble(description: "the server did not start:\n\(log.text)")
        }
        base = "http://\(address)"
        self.port = port
    }

    deinit {
        if !end.isReached {
            kill(pid, SIGKILL)
            _ = end.wait(seconds: 10)
        }
    }

    private static func process(
        _ app: String?,
        _ flags: [String],
        _ environment: [String: String],
        _ launcher: [String]
    ) -> (Process, Pipe) {
        let process = Process()
        let command =
            launcher + [binary, "serve"] + (app.map { [$0] } ?? [])
            + ["--listen", "127.0.0.1:0", "--log-format", "json"] + flags
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = root
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        return (process, errors)
    }

    // MARK: The end

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end: the exit code, or nil if it runs on.
    func exitCode(within seconds: Double) -> Int32? { end.wait(seconds: seconds) }

    /// Asks it to stop and waits: the exit code, or nil if it runs on.
    func stop(within seconds: Double = 15) -> Int32? {
        signal(SIGTERM)
        return exitCode(within: seconds)
    }

    var isRunning: Bool { !end.isReached }

    // MARK: What it says and uses

    var logText: String { log.text }
    /// Every line so far; `.missing` for one that is no JSON.
    var logLines: [JSON] { log.lines }

    func logHas(_ words: String, within seconds: Double = 5) -> Bool {
        waitFor(seconds: seconds) { log.text.contains(words) ? true : nil } ?? false
    }

    /// Resident bytes now.
    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// The most bytes that were resident at once.
    var peakBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.split(separator: " ")[1]) }.map { $0 << 10 } ?? 0
    }

    /// Processor time used so far, all threads together.
    var processorSeconds: Double {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // After the name in brackets; utime and stime are fields 14 and 15 of proc(5).
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let kernel = Double(fields[12])
        else { return 0 }
        return (user + kernel) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Open file descriptors now.
    var openFiles: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }
}

/// How a child process ended, for any thread to wait for.
private final class ProcessEnd: Sendable {
    private let code = Mutex<Int32?>(nil)

    /// To be made before the process runs.
    init(of process: Process) {
        process.terminationHandler = { [weak self] process in
            // A death by a signal is told like a shell tells it.
            let isSignal = process.terminationReason == .uncaughtSignal
            let code = process.terminationStatus + (isSignal ? 128 : 0)
            Leftovers.remove(server: process.processIdentifier)
            self?.code.withLock { $0 = code }
        }
    }

    var isReached: Bool { code.withLock { $0 != nil } }

    func wait(seconds: Double) -> Int32? {
        waitFor(seconds: seconds) { code.withLock { $0 } }
    }
}

/// Everything a process writes to a pipe, read by a thread of its own so that it never blocks.
final class CapturedLog: Sendable {
    private struct State {
        var text = ""
        var hasEnded = false
    }

    private let state = Mutex(State())

    init(reading file: FileHandle) {
        // Not for children: one that inherits it would keep the pipe open.
        let descriptor = fcntl(file.fileDescriptor, F_DUPFD_CLOEXEC, 0)
        Thread.detachNewThread { [weak self] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                let piece = String(decoding: buffer[..<count], as: UTF8.self)
                self?.state.withLock { $0.text += piece }
            }
            close(descriptor)
            self?.state.withLock { $0.hasEnded = true }
        }
    }

    var text: String { state.withLock { $0.text } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var lines: [JSON] { text.split(separator: "\n").map { JSON(parsing: String($0)) } }

    func first(_ isWanted: (JSON) -> Bool) -> JSON? { lines.first(where: isWanted) }
}
