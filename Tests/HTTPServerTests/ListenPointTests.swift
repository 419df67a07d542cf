import Foundation
import Glibc
import Posix
import TLS
import TestCertificates
import Testing

@testable import HTTPServer

@Suite struct `A place to listen at` {
    private let files: TestCertificates
    private var path: String { files.path("s") }
    private var unix: ListenPoint { .unix(path: path, mode: 0o600) }

    init() throws { files = try TestCertificates() }

    private func loopback() throws -> SocketAddress {
        try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
    }

    private func started(
        _ points: [ListenPoint],
        _ configure: (inout ServerConfiguration) -> Void = { _ in }
    ) throws -> HTTPServer {
        var configuration = ServerConfiguration(points)
        configure(&configuration)
        let server = HTTPServer(configuration, handler: echo, logger: quiet)
        try server.start()
        return server
    }

    @Test(arguments: [1, 3]) func `may be one of several`(threads: Int) throws {
        let server = try started([.address(try loopback()), unix, .address(try loopback())]) {
            $0.ioThreads = threads
        }
        defer { server.stop() }
        #expect(server.boundAddresses.count == 2)
        for address in server.boundAddresses {
            #expect(try TestClient(to: address).get("/a").text == "GET /a ")
        }
        let clients = try (0..<20).map { _ in try TestClient(toPath: path) }
        for client in clients { #expect(try client.get("/b").text == "GET /b ") }
    }

    @Test func `at a path has no limit for one peer, as all there would be one`() throws {
        let server = try started([unix, .address(try loopback())]) {
            $0.connectionsPerPeerMax = 2
            $0.connectionsMax = 8
        }
        defer { server.stop() }
        let here = try (0..<6).map { _ in try TestClient(toPath: path) }
        for client in here { #expect(try client.get("/b").text == "GET /b ") }
        let there = try (0..<2).map { _ in try TestClient(to: server.boundAddresses[0]) }
        for client in there { #expect(try client.get("/b").text == "GET /b ") }
        // The limit of all is one of these, too.
        #expect(try TestClient(toPath: path).get("/b").status == 503)
    }

    @Test func `at a path leaves no file behind`() throws {
        let stopped = try started([unix])
        #expect(SocketFile(path: path) != nil)
        stopped.stop()
        #expect(SocketFile(path: path) == nil)
        let drained = try started([unix])
        defer { drained.stop() }
        let client = try TestClient(toPath: path)
        _ = try client.get("/")
        #expect(drained.drain(within: 5_000 * millisecond))
        #expect(SocketFile(path: path) == nil)
        // Nobody removes what the next server put there.
        let next = try started([unix])
        defer { next.stop() }
        drained.stop()
        #expect(SocketFile(path: path) != nil)
    }

    @Test func `that cannot be had starts nothing and leaves nothing`() throws {
        let server = try started([.address(try loopback())])
        defer { server.stop() }
        let taken = ListenPoint.address(try #require(server.boundAddresses.first))
        #expect(throws: ListenFault(taken, .addressInUse)) { try started([unix, taken]) }
        #expect(SocketFile(path: path) == nil)
    }

    @Test func `at a path is never TLS`() throws {
        let context = ReloadableContext(
            try TLSContext(
                certificateFile: files.path("cert.pem"),
                keyFile: files.path("key.pem"),
                protocols: ["http/1.1"]
            )
        )
        let server = try started([.address(try loopback()), unix]) { $0.tls = context }
        defer { server.stop() }
        #expect(try TestClient(toPath: path).get("/").status == 200)
        let trust = try TLSContext(trusting: files.path("ca.pem"))
        #expect(try TestClient(server, over: trust).get("/").status == 200)
    }

    @Test(arguments: [1, 2]) func `may be inherited`(threads: Int) throws {
        let listener = try FileDescriptor.listening(on: try loopback())
        let address = try listener.localAddress()
        let server = try started([.inherited(dup(listener.number))]) { $0.ioThreads = threads }
        defer { server.stop() }
        #expect(server.boundAddresses == [address])
        #expect(try TestClient(server).get("/").status == 200)
    }

    @Test func `says in words why it is none`() {
        let faults: [(ListenFault, String)] = [
            (
                ListenFault(.unix(path: "/s", mode: 0o600), .addressInUse),
                "cannot listen on unix:/s: another server listens there"
            ),
            (
                ListenFault(.unix(path: "/s", mode: 0o600), .exists),
                "cannot listen on unix:/s: there is a file that is no socket"
            ),
            (
                ListenFault(.inherited(3), .notSocket),
                "cannot listen on fd:3: that is no socket that listens"
            ),
            (ListenFault(nil, .tooManyOpenFiles), "Too many open files (errno 24)"),
        ]
        for (fault, words) in faults { #expect("\(fault)" == words) }
    }
}
