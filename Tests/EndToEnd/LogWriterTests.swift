import Foundation
import Glibc
import Posix
import Testing

@testable import moonlet

/// The log's thread: lines that somebody reads late, or never.
@Suite struct LogWriterTests {
    /// A pipe whose writing end a writer has.
    private final class Outlet {
        /// F_SETPIPE_SZ of fcntl(2).
        private static let setPipeSize: Int32 = 1_031

        let writer: LogWriter
        private var reader: Int32
        private var bytes: [UInt8] = []

        init(linesMax: Int = 1_000, bytesMax: Int = 1 << 20, blocking: Bool = true) {
            var ends: [Int32] = [0, 0]
            let made = pipe(&ends)
            precondition(made == 0)
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                if !blocking { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
            }
            reader = ends[0]
            // As small as the system has them.
            _ = fcntl(ends[1], Self.setPipeSize, 4_096)
            writer = LogWriter(
                FileDescriptor(taking: ends[1]),
                linesMax: linesMax,
                bytesMax: bytesMax
            ) { Array("lost \($0)\n".utf8) }
        }

        deinit { leave() }

        /// Closes the reading end.
        func leave() {
            if reader >= 0 { close(reader) }
            reader = -1
        }

        /// The next line, without its end.
        func line() -> String {
            var buffer = [UInt8](repeating: 0, count: 1_000)
            while true {
                if let end = bytes.firstIndex(of: 0x0A) {
                    defer { bytes.removeSubrange(...end) }
                    return String(decoding: bytes[..<end], as: UTF8.self)
                }
                let got = read(reader, &buffer, buffer.count)
                if got < 0, errno == EAGAIN || errno == EINTR {
                    poll(nil, 0, 1)
                    continue
                }
                guard got > 0 else { return "the end" }
                bytes += buffer[..<got]
            }
        }
    }

    private static func line(_ number: Int, bytes: Int = 10) -> [UInt8] {
        Array(("\(number)" + String(repeating: "x", count: bytes) + "\n").utf8)
    }

    @Test(arguments: [true, false])
    func `lines come whole and in order, whatever the descriptor takes at once`(
        _ blocking: Bool
    ) {
        let outlet = Outlet(blocking: blocking)
        // Each more than the pipe holds.
        for number in 0..<20 { outlet.writer.add(Self.line(number, bytes: 9_000)) }
        for number in 0..<20 {
            #expect(outlet.line() == "\(number)" + String(repeating: "x", count: 9_000))
        }
        #expect(outlet.writer.flush(within: 20_000_000_000))
    }

    @Test(arguments: [(1_000, 20_000), (50, 1 << 20)])
    func `what finds no room is lost, and a line says how many`(_ linesMax: Int, _ bytesMax: Int) {
        let outlet = Outlet(linesMax: linesMax, bytesMax: bytesMax)
        for number in 0..<2_000 { outlet.writer.add(Self.line(number, bytes: 200)) }
        #expect(!outlet.writer.flush(within: 1_000_000))
        var (kept, lost): ([String], Int) = ([], 0)
        while kept.count + lost < 2_000 {
            let line = outlet.line()
            guard line != "the end" else { break }
            if line.hasPrefix("lost ") {
                lost += Int(line.dropFirst("lost ".count)) ?? 0
            } else {
                kept.append(line)
            }
        }
        // As many as fit are there, the first of them all.
        #expect(kept.count + lost == 2_000 && lost > 1_000)
        #expect(kept.count >= min(linesMax, bytesMax / 205))
        #expect(kept.first?.hasPrefix("0x") == true)
        outlet.writer.add(Self.line(7))
        #expect(outlet.line() == "7xxxxxxxxxx")
    }

    @Test func `a reader that is gone costs its lines and nothing else`() {
        let outlet = Outlet(linesMax: 10)
        outlet.leave()
        for number in 0..<1_000 { outlet.writer.add(Self.line(number)) }
        #expect(outlet.writer.flush(within: 20_000_000_000))
    }

    // MARK: The real program

    /// A server whose log is a pipe.
    private final class Piped {
        let process = Process()
        let pipe = Pipe()
        private(set) var text = ""

        init(_ flags: [String]) throws {
            process.executableURL = URL(fileURLWithPath: RunningServer.binary)
            process.arguments =
                ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"] + flags
            process.environment = [:]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = pipe
            try process.runUnmasked()
            Leftovers.add(server: process.processIdentifier)
            try pipe.fileHandleForWriting.close()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }

        /// Reads the log up to the line that has the port, and no further.
        func port() throws -> UInt16 {
            while true {
                text += String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
                let lines = text.split(separator: "\n").map { JSON(parsing: String($0)) }
                if let line = lines.first(where: { $0["msg"].text == "listening" }) {
                    let address = line["address"].text
                    return try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
                }
                guard process.isRunning else { throw ServerTrouble(description: text) }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a log that nobody reads stops neither the answers nor the end`() throws {
        let server = try Piped(["--log-level", "debug"])
        let connection = try RawConnection(port: try server.port())
        // A pipe holds some 300 of their lines.
        for number in 0..<2_000 {
            try connection.send("GET /nothing/\(number) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try connection.answer().status == 404)
        }
        kill(server.process.processIdentifier, SIGTERM)
        let end = Stopwatch()
        let hasEnded: Bool? = waitFor(seconds: 15) { server.process.isRunning ? nil : true }
        #expect(hasEnded == true && end.milliseconds < 5_000)
        #expect(server.process.terminationStatus == 0)
        // What did get out is whole, but for the line the end found half written.
        let rest = String(
            decoding: server.pipe.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        let lines = (server.text + rest).split(separator: "\n").dropLast()
        #expect(lines.count > 100)
        #expect(lines.allSatisfy { JSON(parsing: String($0)) != .missing })
    }

    @Test(.timeLimit(.minutes(1)))
    func `closed standard streams are nobody else's`() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", #"exec "$0" serve --listen 127.0.0.1:0 <&- >&- 2>&-"#, RunningServer.binary,
        ]
        process.environment = [:]
        try process.runUnmasked()
        let pid = process.processIdentifier
        Leftovers.add(server: pid)
        defer { kill(pid, SIGKILL) }
        func target(_ number: Int) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(number)")
        }
        let isMended: Bool? = waitFor(seconds: 20) {
            let program = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(pid)/exe"
            )
            let isOurs = program?.hasSuffix("/moonlet") == true
            return isOurs && (0...2).allSatisfy { target($0) == "/dev/null" } ? true : nil
        }
        #expect(isMended == true)
    }

    @Test(.timeLimit(.minutes(1)))
    func `the last lines are there at the end`() throws {
        let server = try Piped([])
        _ = try server.port()
        kill(server.process.processIdentifier, SIGTERM)
        let rest = server.pipe.fileHandleForReading.readDataToEndOfFile()
        #expect(String(decoding: rest, as: UTF8.self).contains(#""msg":"stopped""#))
    }
}
