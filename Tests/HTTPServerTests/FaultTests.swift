import HTTP
import Posix
import Testing

@testable import HTTPServer

@Suite struct `Out of descriptors` {
    @Test(arguments: [
        Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace,
    ])
    func `a server waits without spinning and serves again`(error: Errno) throws {
        let sockets = FaultySockets()
        sockets.onAcceptCall = { $0 == 1 ? .error(error) : nil }
        try withServer(sockets: sockets) { server in
            // The first call takes the connection, the second fails in its place.
            let first = try TestClient(server)
            #expect(try first.get("/").status == 200)
            let second = try TestClient(server)
            #expect(try second.get("/").status == 200)
            // Four calls find the two connections; a spin would make thousands.
            #expect(sockets.acceptCalls < 10)
        }
    }

    @Test func `a connection that closes lets the next in at once`() throws {
        let sockets = FaultySockets()
        let isFull = Shared(false)
        sockets.onAcceptCall = { _ in isFull.get() ? .error(.tooManyOpenFiles) : nil }
        try withServer(sockets: sockets) { server in
            let first = try TestClient(server)
            #expect(try first.get("/").status == 200)
            isFull.update { $0 = true }
            let before = sockets.acceptCalls
            let second = try TestClient(server)
            try second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it was refused by the kernel") { sockets.acceptCalls > before }
            isFull.update { $0 = false }
            first.close()
            #expect(try second.answer().status == 200)
        }
    }
}

@Suite struct `A faulty network` {
    @Test func `a connection that dies before it is taken does not end the listening`() throws {
        let sockets = FaultySockets()
        sockets.onAcceptCall = { $0 % 2 == 0 ? .error(.connectionAborted) : nil }
        try withServer(sockets: sockets) { server in
            for _ in 0..<10 {
                let client = try TestClient(server)
                #expect(try client.get("/").status == 200)
            }
        }
    }

    @Test func `a byte at a time changes nothing`() throws {
        let sockets = FaultySockets()
        sockets.onReadCall = { _ in .short }
        sockets.onSendCall = { _ in .short }
        try withServer(sockets: sockets) { server in
            let client = try TestClient(server)
            for index in 0..<20 { #expect(try client.get("/\(index)").text == "GET /\(index) ") }
        }
    }

    @Test func `readiness that was not true changes nothing`() throws {
        let sockets = FaultySockets()
        sockets.onReadCall = { $0 % 3 == 0 ? nil : .wouldBlock }
        sockets.onSendCall = { $0 % 3 == 0 ? .short : .wouldBlock }
        try withServer(sockets: sockets) { server in
            let client = try TestClient(server)
            for index in 0..<5 { #expect(try client.get("/\(index)").text == "GET /\(index) ") }
        }
    }

    @Test func `a failure of any one call ends that connection and no other`() throws {
        let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
        for failing in 0..<6 {
            for inRead in [true, false] {
                let sockets = FaultySockets()
                let fault = { @Sendable (index: Int) -> FaultySockets.Fault? in
                    index == failing ? .error(inRead ? .connectionReset : .brokenPipe) : nil
                }
                if inRead { sockets.onReadCall = fault } else { sockets.onSendCall = fault }
                try withServer(sockets: sockets) { server in
                    let client = try TestClient(server)
                    var answered = 0
                    while answered < 10 {
                        guard (try? client.send(request)) != nil,
                            (try? client.answer().status) == 200
                        else { break }
                        answered += 1
                    }
                    #expect(answered == failing)
                    eventually("it is closed") { server.connectionCount == 0 }
                    let fresh = try TestClient(server).get("/b")
                    #expect(fresh.text == "GET /b ")
                }
            }
        }
    }

    @Test func `an event of an earlier owner of the descriptor is ignored`() throws {
        final class StalePoller: Poller {
            let real: Epoll
            init() throws(Errno) { real = try Epoll() }
            func add(_ token: PollToken, _ interest: Readiness) throws(Errno) {
                try real.add(token, interest)
            }
            func change(_ token: PollToken, _ interest: Readiness) throws(Errno) {
                try real.change(token, interest)
            }
            func remove(_ token: PollToken) throws(Errno) { try real.remove(token) }
            func wait(_ events: inout [PollEvent], timeoutMilliseconds: Int32) throws(Errno) {
                try real.wait(&events, timeoutMilliseconds: timeoutMilliseconds)
                let stale = events.map { event in
                    let token = PollToken(
                        registration: event.token.registration &+ 1_000,
                        descriptor: event.token.descriptor
                    )
                    return PollEvent(token: token, readiness: [.readable, .closed])
                }
                events = stale + events
            }
        }
        let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
        let server = HTTPServer(
            ServerConfiguration(addresses: [address]),
            handler: echo,
            logger: quiet,
            makePoller: { () throws(Errno) in try StalePoller() }
        )
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server)
        for index in 0..<10 { #expect(try client.get("/\(index)").text == "GET /\(index) ") }
    }
}
