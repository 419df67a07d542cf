// A client that says exactly what it is told, byte by byte, and reads what comes back.

import Foundation
import Glibc
import Posix

/// An answer as it came over the wire.
struct HTTPAnswer {
    var status: Int
    /// Names in lower case.
    var fields: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { JSON(parsing: body) }
    /// The problem's code; empty where the body is no problem.
    var code: String { json["code"].text }
    subscript(_ name: String) -> String? { fields[name.lowercased()] }
}

/// What went wrong on a connection.
enum WireFailure: Error, Equatable {
    /// The server closed its side before the answer was complete.
    case ended
    /// Nothing came within the timeout.
    case silence
    case nonsense(String)
}

/// One blocking connection to a server under test; for one thread.
final class RawConnection {
    private var socket: FileDescriptor?
    private var buffer = ByteQueue()
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    init(
        port: UInt16,
        timeoutSeconds: Double = 20,
        receiveBytes: Int32? = nil
    ) throws {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: port)[0]
        socket = try FileDescriptor.connected(
            to: address,
            timeoutMilliseconds: Int32(timeoutSeconds * 1_000)
        )
        if let receiveBytes { try withSocket { try $0.setBuffers(receiveBytes: receiveBytes) } }
    }

    convenience init(_ server: RunningServer, receiveBytes: Int32? = nil) throws {
        try self.init(port: server.port, receiveBytes: receiveBytes)
    }

    private func withSocket<Value>(
        _ body: (borrowing FileDescriptor) throws -> Value
    ) throws -> Value {
        switch socket {
        case .some(let open): try body(open)
        case .none: throw WireFailure.ended
        }
    }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let transfer = try bytes.withUnsafeBytes { buffer in
                try withSocket { try $0.send(UnsafeRawBufferPointer(rebasing: buffer[sent...])) }
            }
            guard case .bytes(let count) = transfer else { throw WireFailure.silence }
            sent += count
        }
    }

    /// Sends what the server may refuse half-way: a closed connection is no failure here.
    func sendAsFarAsItGoes(_ bytes: [UInt8]) {
        try? send(bytes)
    }

    func shutdownSending() throws { try withSocket { try $0.shutdownSending() } }
    func close() { socket = nil }

    /// Closes with an RST.
    func abort() throws {
        try withSocket { try $0.setAbortOnClose() }
        socket = nil
    }

    // MARK: Reading

    /// Reads one answer; interim ones (1xx) are answers too.
    ///
    /// `toHead` for the answer to a HEAD, which has no content.
    func answer(toHead: Bool = false) throws -> HTTPAnswer {
        var answer = try readHead()
        let hasNone = answer.status < 200 || answer.status == 204 || answer.status == 304
        if toHead || hasNone { return answer }
        if let length = answer["Content-Length"] {
            guard let count = Int(length) else { throw WireFailure.nonsense(length) }
            answer.body = try read(count: count)
        } else if answer["Transfer-Encoding"] == "chunked" {
            while let chunk = try readChunk() { answer.body += chunk }
        } else {
            answer.body = try readToEnd()
        }
        return answer
    }

    func readHead() throws -> HTTPAnswer {
        let first = try readLine()
        let parts = first.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw WireFailure.nonsense(first)
        }
        var fields: [String: String] = [:]
        while case let line = try readLine(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw WireFailure.nonsense(line) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[line[..<colon].lowercased()] = String(value)
        }
        return HTTPAnswer(status: status, fields: fields, body: [])
    }

    /// The content of the next chunk; nil for the last.
    func readChunk() throws -> [UInt8]? {
        let line = try readLine()
        guard let size = Int(line, radix: 16) else { throw WireFailure.nonsense(line) }
        let content = try read(count: size)
        guard try readLine().isEmpty else { throw WireFailure.nonsense("chunk") }
        return size == 0 ? nil : content
    }

    func readLine() throws -> String {
        while true {
            if var line = buffer.takeLine() {
                guard line.popLast() == 13 else { throw WireFailure.nonsense("LF") }
                return String(decoding: line, as: UTF8.self)
            }
            guard try readMore() else { throw WireFailure.ended }
        }
    }

    func read(count: Int) throws -> [UInt8] {
        while true {
            if let bytes = buffer.take(count) { return bytes }
            guard try readMore() else { throw WireFailure.ended }
        }
    }

    func readToEnd() throws -> [UInt8] {
        while try readMore() {}
        return buffer.takeAll()
    }

    /// Whatever has come, one byte at least.
    func readSome() throws -> [UInt8] {
        guard try readMore() else { throw WireFailure.ended }
        return buffer.takeAll()
    }

    /// Whether the server closes its side without another byte; an abort is a close.
    func isClosedByServer() -> Bool {
        do {
            return try readToEnd().isEmpty
        } catch {
            return false
        }
    }

    private func readMore() throws -> Bool {
        do {
            let transfer = try chunk.withUnsafeMutableBytes { bytes in
                try withSocket { try $0.read(into: bytes) }
            }
            switch transfer {
            case .wouldBlock: throw WireFailure.silence
            case .bytes(0): return false
            case .bytes(let count): buffer.append(chunk[..<count])
            }
            return true
        } catch let error as Errno where error == .connectionReset {
            return false
        }
    }
}

extension RawConnection {
    /// Sends one request with a Host, and a body where there is one, and reads the answer.
    func request(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        fields: [String] = []
    ) throws -> HTTPAnswer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for field in fields { head += field + "\r\n" }
        if let body {
            if !fields.contains(where: { $0.hasPrefix("Content-Type:") }) {
                head += "Content-Type: application/json\r\n"
            }
            head += "Content-Length: \(body.utf8.count)\r\n"
        }
        try send(head + "\r\n" + (body ?? ""))
        return try answer(toHead: method == "HEAD")
    }
}

extension RunningServer {
    /// One request on a connection of its own.
    func request(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        fields: [String] = []
    ) throws -> HTTPAnswer {
        try RawConnection(self).request(method, path, body, fields: fields)
    }

    func get(_ path: String) throws -> HTTPAnswer { try request("GET", path) }

    /// Runs an entry to its end.
    func exec(_ body: String) throws -> HTTPAnswer { try request("POST", "/v1/exec", body) }

    /// Spawns and returns the pid.
    func spawn(_ body: String) throws -> String {
        let answer = try request("POST", "/v1/processes", body)
        guard answer.status == 201 else {
            throw ServerTrouble(description: "spawn: \(answer.status) \(answer.text)")
        }
        return answer.json["pid"].text
    }

    /// How long `/livez` takes to answer 200, in milliseconds, on a connection of its own.
    func liveMilliseconds() throws -> Double {
        let watch = Stopwatch()
        let answer = try get("/livez")
        guard answer.status == 200 else {
            throw ServerTrouble(description: "/livez: \(answer.status) \(answer.text)")
        }
        return watch.milliseconds
    }
}
