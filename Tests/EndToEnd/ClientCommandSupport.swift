// What the tests of the client commands share: the real binary, and a server that follows a script.

import Foundation
import Posix
import Synchronization

/// One run of the built `moonlet`, or of a program of the system.
struct CommandRun {
    var code: Int32
    var output: String
    var errors: String
    /// All it said.
    var said: String { output + errors }

    /// The binary that `swift test` built next to the test bundle.
    static var binary: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("moonlet")
    }

    /// Runs the command, or another program, to its end.
    static func of(
        _ arguments: [String],
        program: String = binary.path,
        environment: [String: String] = [:],
        input: String = ""
    ) throws -> CommandRun {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        // What commands are told fits the pipe, too.
        let told = Pipe()
        try told.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try told.fileHandleForWriting.close()
        process.standardInput = told
        try process.run()
        // What a command says on standard error fits the pipe, so one after the other is enough.
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return CommandRun(
            code: process.terminationStatus,
            output: String(decoding: printed, as: UTF8.self),
            errors: String(decoding: complained, as: UTF8.self)
        )
    }
}

/// What the scripted server answers on one connection.
struct ScriptedReply {
    var bytes: String
    /// Whether the connection stays open until the client closes it.
    var holds = false

    static func json(
        _ status: Int,
        _ body: String,
        type: String = "application/json"
    ) -> ScriptedReply {
        ScriptedReply(
            bytes: "HTTP/1.1 \(status) Text\r\nContent-Type: \(type)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    static func problem(_ status: Int, _ code: String, _ extra: String = "") -> ScriptedReply {
        json(
            status,
            "{\"type\":\"/problems/\(code)\",\"title\":\"T\",\"status\":\(status),"
                + "\"detail\":\"The detail.\",\"code\":\"\(code)\",\"request_id\":\"r\","
                + "\"retryable\":false\(extra)}",
            type: "application/problem+json"
        )
    }

    /// A stream in chunks, so that decoding them is part of each test.
    static func events(_ pieces: [String], holds: Bool = false) -> ScriptedReply {
        let chunks = pieces.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
        return ScriptedReply(
            bytes: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n" + chunks.joined()
                + (holds ? "" : "0\r\n\r\n"),
            holds: holds
        )
    }
}

/// A server on loopback that answers connections with a script, and notes what it was asked.
final class ScriptedServer: Sendable {
    let url: String
    private let listener: Listener
    private let asked = Mutex<[String]>([])

    /// The requests so far, head and body as they came.
    var requests: [String] { asked.withLock { $0 } }

    /// Starts to answer, one reply for each connection, in order.
    init(_ replies: [ScriptedReply]) throws {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        listener = Listener(try .listening(on: address))
        url = "http://\(try listener.socket.localAddress())"
        Thread.detachNewThread { [self] in
            for reply in replies { try? serve(reply) }
        }
    }

    /// An address nobody listens on: the port was free a moment ago.
    static func unusedURL() throws -> String {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        return "http://\(try FileDescriptor.listening(on: address).localAddress())"
    }

    private func serve(_ reply: ScriptedReply) throws {
        guard try listener.socket.waitReadable(timeoutMilliseconds: 10_000),
            let accepted = try listener.socket.accept()
        else { return }
        let socket = accepted.take()
        var request: [UInt8] = []
        while !Self.isWhole(request), try Self.read(socket, into: &request) {}
        asked.withLock { $0.append(String(decoding: request, as: UTF8.self)) }
        _ = try Array(reply.bytes.utf8).withUnsafeBytes { try socket.send($0) }
        while reply.holds, try Self.read(socket, into: &request) {}
    }

    /// Appends what comes next; false at the end.
    private static func read(
        _ socket: borrowing FileDescriptor,
        into request: inout [UInt8]
    ) throws -> Bool {
        guard try socket.waitReadable(timeoutMilliseconds: 10_000) else { return false }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let transfer = try buffer.withUnsafeMutableBytes { try socket.read(into: $0) }
        guard case .bytes(let count) = transfer, count > 0 else { return false }
        request += buffer[..<count]
        return true
    }

    /// Whether the head and as much body as it announces are there.
    private static func isWhole(_ request: [UInt8]) -> Bool {
        let text = String(decoding: request, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        let length = text.components(separatedBy: "\r\n")
            .first { $0.hasPrefix("Content-Length: ") }?.dropFirst(16)
        return text[end.upperBound...].utf8.count >= length.flatMap { Int($0) } ?? 0
    }

    /// Gives the listening socket, which has one owner, a place both threads can reach.
    private final class Listener: Sendable {
        let socket: FileDescriptor

        init(_ socket: consuming FileDescriptor) {
            self.socket = socket
        }
    }
}
