// A client that says exactly what it is told, and reads answers as a client of HTTP/1.1 does.

import Posix
import TLS
import Testing

@testable import HTTPServer

/// An answer as it came over the wire.
struct Answer: Equatable {
    var status: Int
    var fields: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(_ name: String) -> String? { fields[name.lowercased()] }
}

/// What went wrong while reading; tests fail with it.
enum ClientFailure: Error, Equatable {
    /// The server closed its side before the answer was complete.
    case ended
    /// Nothing came within the client's timeout.
    case silence
    case nonsense(String)
}

/// One blocking connection to a server under test.
///
/// `@unchecked Sendable`: a test may send on one thread and read on another, never more.
final class TestClient: @unchecked Sendable {
    private var socket: FileDescriptor?
    private var buffer: [UInt8] = []
    private var tls: TLSSession?
    /// Whether the server said, by TLS, that it sends no more.
    private(set) var heardEnd = false

    convenience init(_ server: HTTPServer) throws {
        try self.init(to: try #require(server.boundAddresses.first))
    }

    init(to address: SocketAddress) throws {
        socket = try FileDescriptor.connected(to: address, timeoutMilliseconds: 10_000)
    }

    init(toPath path: String) throws {
        socket = try FileDescriptor.connected(toPath: path, timeoutMilliseconds: 10_000)
    }

    /// Speaks TLS; the handshake is made here.
    convenience init(_ server: HTTPServer, over context: TLSContext) throws {
        try self.init(server)
        let session = try #require(TLSSession(context, host: "localhost"))
        var hello: [UInt8] = []
        session.begin(into: &hello)
        try send(hello)
        tls = session
        while session.isHandshaking {
            guard try readMore() else { throw ClientFailure.ended }
        }
    }

    /// Says, by TLS, that nothing more comes.
    func sayEnd() throws {
        var sealed: [UInt8] = []
        tls?.close(into: &sealed)
        try sendAsItIs(sealed)
    }

    private func withSocket<Value>(
        _ body: (borrowing FileDescriptor) throws -> Value
    ) throws -> Value {
        switch socket {
        case .some(let open): try body(open)
        case .none: throw ClientFailure.ended
        }
    }

    private func receive(into chunk: inout [UInt8]) throws -> Transfer {
        try chunk.withUnsafeMutableBytes { buffer in
            try withSocket { try $0.read(into: buffer) }
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        guard let tls else { return try sendAsItIs(bytes) }
        var sealed: [UInt8] = []
        try bytes.withUnsafeBytes { try tls.send($0, into: &sealed) }
        try sendAsItIs(sealed)
    }

    func sendAsItIs(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let transfer = try bytes.withUnsafeBytes { buffer in
                try withSocket { try $0.send(UnsafeRawBufferPointer(rebasing: buffer[sent...])) }
            }
            guard case .bytes(let count) = transfer else { throw ClientFailure.silence }
            sent += count
        }
    }

    func get(_ path: String, _ fields: String = "") throws -> Answer {
        try send("GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        return try answer()
    }

    /// Reads one answer; `toHead` for the answer to HEAD, which has no content.
    func answer(toHead: Bool = false) throws -> Answer {
        let head = try readHead()
        var body: [UInt8] = []
        if toHead || head.status == 204 || head.status == 304 || head.status < 200 { return head }
        if let length = head["Content-Length"] {
            body = try read(count: try #require(Int(length)))
        } else if head["Transfer-Encoding"] == "chunked" {
            while let chunk = try readChunk() { body += chunk }
        } else {
            body = try readToEnd()
        }
        return Answer(status: head.status, fields: head.fields, body: body)
    }

    /// Reads one answer, and the interim ones before it.
    func finalAnswer() throws -> Answer {
        while true {
            let answer = try answer()
            if answer.status >= 200 { return answer }
        }
    }

    func readHead() throws -> Answer {
        let lines = try readLines()
        let parts = try #require(lines.first).split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw ClientFailure.nonsense(lines.first ?? "")
        }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            fields[pair[0].lowercased()] = String(pair[1].dropFirst())
        }
        return Answer(status: status, fields: fields, body: [])
    }

    /// Nil for the last chunk.
    func readChunk() throws -> [UInt8]? {
        let line = try readLine()
        guard let size = Int(line, radix: 16) else { throw ClientFailure.nonsense(line) }
        let content = try read(count: size)
        guard try readLine().isEmpty else { throw ClientFailure.nonsense("chunk") }
        return size == 0 ? nil : content
    }

    private func readLines() throws -> [String] {
        var lines: [String] = []
        while true {
            let line = try readLine()
            if line.isEmpty { return lines }
            lines.append(line)
        }
    }

    func readLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                guard end > 0, buffer[end - 1] == 13 else { throw ClientFailure.nonsense("LF") }
                let line = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            guard try readMore() else { throw ClientFailure.ended }
        }
    }

    func read(count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try readMore() else { throw ClientFailure.ended }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    func readToEnd() throws -> [UInt8] {
        while try readMore() {}
        defer { buffer = [] }
        return buffer
    }

    /// Whatever has come, one byte at least.
    func readSome() throws -> [UInt8] {
        if buffer.isEmpty, try !readMore() { throw ClientFailure.ended }
        defer { buffer = [] }
        return buffer
    }

    /// Whether the server closes its side without another byte.
    func isEnded() throws -> Bool { try readToEnd().isEmpty }

    /// Says whether anything came before the end; an aborted connection counts as ended.
    private func readMore() throws -> Bool {
        if heardEnd { return false }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        do {
            switch try receive(into: &chunk) {
            case .wouldBlock: throw ClientFailure.silence
            case .bytes(0): return false
            case .bytes(let count): try take(chunk[..<count])
            }
            return true
        } catch let error as Errno where error == .connectionReset {
            return false
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>) throws {
        guard let tls else { return buffer += bytes }
        var replies: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16_384)
        let received = bytes.withUnsafeBytes { bytes in
            room.withUnsafeMutableBytes { room in
                tls.receive(bytes, replies: &replies, room: room) { buffer += $0 }
            }
        }
        try sendAsItIs(replies)
        switch received {
        case .needsMore: break
        case .ended: heardEnd = true
        case .failed(let fault): throw fault
        }
    }

    func shutdownSending() throws { try withSocket { try $0.shutdownSending() } }
    func setBuffers(receiveBytes: Int32) throws {
        try withSocket { try $0.setBuffers(receiveBytes: receiveBytes) }
    }
    func close() { socket = nil }

    /// Closes with an RST.
    func abort() throws {
        try withSocket { try $0.setAbortOnClose() }
        socket = nil
    }
}
