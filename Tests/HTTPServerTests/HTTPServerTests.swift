import HTTP
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A server` {
    @Test func `tells where it listens, also on IPv6`() throws {
        let addresses = try ["127.0.0.1", "::1"].flatMap {
            try SocketAddress.resolve(host: $0, port: 0)
        }
        let server = HTTPServer(
            ServerConfiguration(addresses: addresses),
            handler: echo,
            logger: quiet
        )
        try server.start()
        defer { server.stop() }
        #expect(server.boundAddresses.map(\.host) == ["127.0.0.1", "::1"])
        for address in server.boundAddresses {
            #expect(address.port != 0)
            let socket = try FileDescriptor.connected(to: address, timeoutMilliseconds: 5_000)
            #expect(socket.number >= 0)
        }
    }

    @Test func `refuses an address that is taken, and starts nothing`() throws {
        try withServer { server in
            let configuration = ServerConfiguration(addresses: server.boundAddresses)
            let second = HTTPServer(configuration, handler: echo, logger: quiet)
            let point = try #require(configuration.listen.first)
            #expect(throws: ListenFault(point, .addressInUse)) { try second.start() }
            #expect(second.boundAddresses.isEmpty)
            let fresh = try TestClient(server).get("/")
            #expect(fresh.status == 200)
        }
    }

    @Test func `serves from several loops on one port`() throws {
        try withServer(configure: { $0.ioThreads = 3 }) { server in
            #expect(server.boundAddresses.count == 1)
            #expect(server.lastProgress.count == 3)
            for index in 0..<60 {
                let client = try TestClient(server)
                #expect(try client.get("/\(index)").text == "GET /\(index) ")
            }
        }
    }

    @Test func `shows that an idle loop lives`() throws {
        try withServer { server in
            let before = server.lastProgress
            eventually("the stamp moves") { server.lastProgress[0] > before[0] }
        }
    }

    @Test(arguments: [true, false])
    func `answers 503 to a connection too many, and takes the next when one has gone`(
        perPeer: Bool
    ) throws {
        let configure = { (configuration: inout ServerConfiguration) in
            if perPeer {
                configuration.connectionsPerPeerMax = 2
            } else {
                configuration.connectionsMax = 2
            }
        }
        try withServer(configure: configure) { server in
            let clients = try (0..<2).map { _ in try TestClient(server) }
            for client in clients { #expect(try client.get("/").status == 200) }
            let refused = try TestClient(server)
            try refused.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try refused.answer()
            #expect(answer.status == 503)
            #expect(answer.text.contains("connection-limit"))
            #expect(answer["Connection"] == "close")
            #expect(try clients[1].get("/").status == 200)
            clients[0].close()
            eventually("there is room") { server.connectionCount == 1 }
            let fresh = try TestClient(server).get("/")
            #expect(fresh.status == 200)
        }
    }

    @Test func `survives aborted connections and leaks no descriptor`() throws {
        let numbers = Shared<Set<Int32>>([])
        let sockets = FaultySockets()
        sockets.onAccept = { number in numbers.update { $0.insert(number) } }
        let handler = TestHandler { _, exchange in
            exchange.respond(
                Response(status: 200, body: .bytes([UInt8](repeating: 120, count: 1 << 20)))
            )
        }
        try withServer(handler, sockets: sockets) { server in
            for _ in 0..<200 {
                let client = try TestClient(server)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.readHead().status == 200)
                try client.abort()
                eventually("it is closed") { server.connectionCount == 0 }
            }
            let fresh = try TestClient(server).get("/")
            #expect(fresh.status == 200)
            // Each would have a number of its own if they leaked; tests beside this take some.
            #expect(numbers.get().count < 100)
        }
    }

    @Test func `stops with connections open`() throws {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { _, exchange in pending.update { $0.append(exchange) } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it has the request") { pending.get().count == 1 }
            server.stop()
            #expect(try client.isEnded())
            // An answer that comes too late goes nowhere.
            pending.get()[0].respond(text("late"))
        }
    }
}

@Suite struct `A draining server` {
    @Test func `answers what is in flight, closes the idle, accepts no more, and is done`() throws {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { request, exchange in
            if request.path == "/now" { return exchange.respond(text("now")) }
            pending.update { $0.append(exchange) }
        }
        try withServer(handler) { server in
            let idle = try TestClient(server)
            #expect(try idle.get("/now").status == 200)
            let busy = try TestClient(server)
            try busy.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it works") { pending.get().count == 1 }
            let drained = Shared<Bool?>(nil)
            let drainer = PosixThread(name: "drain", stackBytes: 1 << 20) {
                let result = server.drain(within: 10_000 * millisecond)
                drained.update { $0 = result }
            }
            #expect(try idle.isEnded())
            idle.close()
            #expect(throws: (any Error).self) { try TestClient(server) }
            #expect(drained.get() == nil)
            pending.get()[0].respond(text("later"))
            let answer = try busy.answer()
            #expect(answer.text == "later")
            #expect(answer["Connection"] == "close")
            busy.close()
            drainer.join()
            #expect(drained.get() == true)
        }
    }

    @Test func `lets the owner of the streams end them`() throws {
        let stream = TestStream()
        let handler = TestHandler { _, exchange in
            exchange.respond(Response(status: 200, body: .stream(stream)))
        }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.onDrain = {
                stream.push("bye")
                stream.end()
            }
        }
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readHead().status == 200)
            let drainer = PosixThread(name: "drain", stackBytes: 1 << 20) {
                server.drain(within: 10_000 * millisecond)
            }
            var received: [UInt8] = []
            while let chunk = try client.readChunk() { received += chunk }
            #expect(received == Array("bye".utf8))
            #expect(try client.isEnded())
            client.close()
            drainer.join()
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `gives up at its deadline`() throws {
        let pending = Shared<[any Exchange]>([])
        let handler = TestHandler { _, exchange in pending.update { $0.append(exchange) } }
        try withServer(handler) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it works") { pending.get().count == 1 }
            #expect(!server.drain(within: 50 * millisecond))
            pending.update { $0 = [] }
        }
    }
}

@Suite struct `The life of a server` {
    @Test func `that cannot listen at one place leaves no other listening`() throws {
        let free = try withServer { try #require($0.boundAddresses.first) }
        try withServer { other in
            let taken = try #require(other.boundAddresses.first)
            let server = HTTPServer(
                ServerConfiguration(addresses: [free, taken]),
                handler: echo,
                logger: quiet
            )
            #expect(throws: ListenFault(.address(taken), .addressInUse)) { try server.start() }
            // Nothing listens there: it can be listened at.
            let second = HTTPServer(
                ServerConfiguration(addresses: [free]),
                handler: echo,
                logger: quiet
            )
            try second.start()
            let answer = try TestClient(second).get("/")
            #expect(answer.status == 200)
            second.stop()
            withExtendedLifetime(server) {}
        }
    }

    @Test func `drains as long as it takes`() throws {
        let (held, isDraining) = (Shared<(any Exchange)?>(nil), Shared(false))
        let handler = TestHandler { _, exchange in held.update { $0 = exchange } }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.onDrain = { isDraining.update { $0 = true } }
        }
        try withServer(handler, configure: configure) { server in
            let client = try TestClient(server)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            eventually("it is there") { held.get() != nil }
            let result = Shared<Bool?>(nil)
            let thread = PosixThread(name: "drain", stackBytes: 1 << 18) {
                let isEmpty = server.drain(within: .max)
                result.update { $0 = isEmpty }
            }
            eventually("it drains") { isDraining.get() }
            #expect(result.get() == nil)
            held.get()?.respond(text("late"))
            #expect(try client.answer().text == "late")
            client.close()
            thread.join()
            #expect(result.get() == true)
        }
    }

    @Test func `counts each connection that it has no room for`() throws {
        try withServer(configure: { $0.connectionsMax = 1 }) { server in
            let first = try TestClient(server)
            #expect(try first.get("/").status == 200)
            let others = try (0..<70).map { _ in try TestClient(server) }
            eventually("all are counted") { server.traffic.refusals["connection-limit"] == 70 }
            withExtendedLifetime(others) {}
        }
    }
}
