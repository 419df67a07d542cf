import Glibc
import Testing

@testable import Posix

@Suite struct `A socket` {
    private func loopback(_ host: String = "127.0.0.1") throws -> SocketAddress {
        try #require(try SocketAddress.resolve(host: host, port: 0).first)
    }

    @Test(arguments: ["127.0.0.1", "::1", "[::1]", "localhost"])
    func `listens on a port the kernel picks, and carries bytes both ways`(host: String) throws {
        let listener = try FileDescriptor.listening(on: try loopback(host))
        let address = try listener.localAddress()
        #expect(address.port != 0)
        #expect(address.isLoopback)
        #expect(try listener.accept() == nil)
        let client = try FileDescriptor.connected(to: address, timeoutMilliseconds: 5_000)
        _ = try listener.waitReadable(timeoutMilliseconds: 5_000)
        guard let accepted = try listener.accept() else {
            Issue.record("nothing to accept")
            return
        }
        #expect(accepted.peer == (try client.localAddress()))
        let server = accepted.take()
        #expect(try receive(server) == nil)
        #expect(try send("ping", to: client) == .bytes(4))
        _ = try server.waitReadable(timeoutMilliseconds: 5_000)
        #expect(try receive(server) == "ping")
        #expect(try send("pong", to: server) == .bytes(4))
        #expect(try receive(client) == "pong")
        try client.shutdownSending()
        _ = try server.waitReadable(timeoutMilliseconds: 5_000)
        #expect(try receive(server) == "")
    }

    @Test func `to a closed peer is an error, not a signal`() throws {
        let listener = try FileDescriptor.listening(on: try loopback())
        let client = try FileDescriptor.connected(
            to: try listener.localAddress(),
            timeoutMilliseconds: 5_000
        )
        _ = try listener.waitReadable(timeoutMilliseconds: 5_000)
        guard let accepted = try listener.accept() else {
            Issue.record("nothing to accept")
            return
        }
        let server = accepted.take()
        try server.setAbortOnClose()
        server.close()
        _ = try client.waitReadable(timeoutMilliseconds: 5_000)
        #expect(throws: Errno.connectionReset) { try receive(client) }
        #expect(throws: Errno.brokenPipe) { try send("x", to: client) }
    }

    @Test func `refused says so`() throws {
        let listener = try FileDescriptor.listening(on: try loopback())
        let address = try listener.localAddress()
        listener.close()
        #expect(throws: Errno.connectionRefused) {
            _ = try FileDescriptor.connected(to: address, timeoutMilliseconds: 5_000).number
        }
    }

    @Test func `shares its port only when both say so`() throws {
        let first = try FileDescriptor.listening(on: try loopback(), sharedPort: true)
        let address = try first.localAddress()
        #expect(throws: Errno.addressInUse) {
            _ = try FileDescriptor.listening(on: address).number
        }
        let second = try FileDescriptor.listening(on: address, sharedPort: true)
        #expect(try second.localAddress() == address)
    }

    @Test func `waits for an answer no longer than its timeout`() throws {
        let listener = try FileDescriptor.listening(on: try loopback())
        let client = try FileDescriptor.connected(
            to: try listener.localAddress(),
            timeoutMilliseconds: 20
        )
        #expect(try receive(client) == nil)
    }
}

@Suite struct `A socket address` {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:80", true), ("10.1.2.3", "10.1.2.3:80", false),
        ("::1", "[::1]:80", true), ("[2001:db8::1]", "[2001:db8::1]:80", false),
        ("::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80", true), ("0.0.0.0", "0.0.0.0:80", false),
    ])
    func `reads and reads back`(text: String, description: String, isLoopback: Bool) throws {
        let address = try #require(try SocketAddress.resolve(host: text, port: 80).first)
        #expect(address.description == description)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "[]", "a\0b", "256.1.1.1.1", "no such host"])
    func `that is none is refused`(text: String) {
        #expect(throws: Errno.hostNotFound) { try SocketAddress.resolve(host: text, port: 80) }
        #expect("\(Errno.hostNotFound)" == "The name cannot be resolved")
        // What a network answers is something else.
        #expect(Errno.hostNotFound != Errno(EHOSTUNREACH))
    }

    @Test func `mapped to IPv6 is the same address without its wrapping`() throws {
        let mapped = try #require(try SocketAddress.resolve(host: "::ffff:10.1.2.3", port: 1).first)
        #expect(mapped.unmapped == [10, 1, 2, 3])
    }
}

/// Nil for would-block, empty at the end.
func receive(_ descriptor: borrowing FileDescriptor) throws -> String? {
    var buffer = [UInt8](repeating: 0, count: 1024)
    var transfer = Transfer.wouldBlock
    try buffer.withUnsafeMutableBufferPointer { target throws(Errno) in
        transfer = try descriptor.read(into: UnsafeMutableRawBufferPointer(target))
    }
    guard case .bytes(let count) = transfer else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
}

@discardableResult
func send(_ text: String, to descriptor: borrowing FileDescriptor) throws -> Transfer {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { source throws(Errno) in
        try descriptor.send(UnsafeRawBufferPointer(source))
    }
}
