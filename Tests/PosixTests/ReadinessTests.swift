import Testing

@testable import Posix

@Suite struct `An event descriptor` {
    @Test func `is raised once however often it is raised`() throws {
        let event = try EventFD()
        let before = event.lower()
        event.raise()
        event.raise()
        let (first, second) = (event.lower(), event.lower())
        #expect((before, first, second) == (false, true, false))
        let early = event.wait(timeoutMilliseconds: 1)
        event.raise()
        let raised = event.wait(timeoutMilliseconds: 5_000)
        #expect((early, raised) == (false, true))
    }
}

@Suite struct `epoll` {
    @Test func `tells what is ready, and what no longer`() throws {
        let epoll = try Epoll()
        let event = try EventFD()
        let token = PollToken(registration: 7, descriptor: event.descriptor.number)
        try epoll.add(token, .readable)
        var events: [PollEvent] = []
        try epoll.wait(&events, timeoutMilliseconds: 0)
        #expect(events.isEmpty)
        event.raise()
        // Level-triggered: told as long as it lasts.
        for _ in 0..<3 {
            try epoll.wait(&events, timeoutMilliseconds: 5_000)
            #expect(events == [PollEvent(token: token, readiness: .readable)])
        }
        try epoll.change(token, [.readable, .writable])
        try epoll.wait(&events, timeoutMilliseconds: 5_000)
        #expect(events == [PollEvent(token: token, readiness: [.readable, .writable])])
        try epoll.change(token, [])
        try epoll.wait(&events, timeoutMilliseconds: 0)
        #expect(events.isEmpty)
        try epoll.change(token, .readable)
        try epoll.remove(token)
        try epoll.wait(&events, timeoutMilliseconds: 0)
        #expect(events.isEmpty)
    }

    @Test func `tells a half-closed peer from one that is gone`() throws {
        let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
        let listener = try FileDescriptor.listening(on: address)
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
        let epoll = try Epoll()
        let token = PollToken(registration: 1, descriptor: server.number)
        try epoll.add(token, .peerHungUp)
        var events: [PollEvent] = []
        try client.shutdownSending()
        try epoll.wait(&events, timeoutMilliseconds: 5_000)
        #expect(events.map(\.readiness) == [.peerHungUp])
        try server.shutdownSending()
        try epoll.wait(&events, timeoutMilliseconds: 5_000)
        #expect(events.map(\.readiness) == [[.peerHungUp, .closed]])
    }
}
