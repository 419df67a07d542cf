import HTTP
import HTTP2TestSupport
import Posix
import Synchronization
import Testing

@testable import HTTPServer

@Suite struct `A connection with much to ask` {
    /// Counts the requests of a flood, the first of which waits for the test's word; says to who
    /// asks for `/other` how many there were before.
    private final class Counting: Sendable {
        let gate = Parker()
        let isHeld = Atomic<Bool>(false)
        let count = Atomic<Int>(0)

        var handler: TestHandler {
            TestHandler { [self] request, exchange in
                guard request.path == "/flood" else {
                    return exchange.respond(text("\(count.load(ordering: .relaxed))"))
                }
                if count.wrappingAdd(1, ordering: .relaxed).oldValue == 0 {
                    isHeld.store(true, ordering: .releasing)
                    gate.park(until: SystemTime.monotonicNanoseconds() + 10_000 * millisecond)
                }
                exchange.respond(text("x"))
            }
        }
    }

    // Of the flood and the other, in time:
    //   flood    all of it is in the socket    first request: the loop waits   the rest
    //   other                                  sends its request               is answered

    @Test func `lets others have their turn in between`() throws {
        let counting = Counting()
        try withServer(counting.handler) { server in
            let other = try TestClient(server)
            #expect(try other.get("/other").text == "0")
            let flood = try TestClient(server)
            let count = 2_000
            try flood.send(
                String(repeating: "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n", count: count)
            )
            eventually("it began") { counting.isHeld.load(ordering: .acquiring) }
            try other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
            counting.gate.unpark()
            let before = try #require(Int(try other.answer().text))
            #expect(before <= 100, "\(before) requests went before")
            for _ in 0..<count { #expect(try flood.answer().text == "x") }
        }
    }

    @Test func `lets others have their turn over HTTP 2, too`() throws {
        let counting = Counting()
        try withServer(counting.handler) { server in
            let other = try TestClient(server)
            #expect(try other.get("/other").text == "0")
            let flood = try HTTP2Client(server)
            try flood.send((0..<120).map { .get(2 * $0 + 1, "/flood") })
            eventually("it began") { counting.isHeld.load(ordering: .acquiring) }
            try other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
            counting.gate.unpark()
            let before = try #require(Int(try other.answer().text))
            #expect(before <= 64, "\(before) requests went before")
            for stream in 0..<120 {
                #expect(try flood.answer(UInt32(2 * stream + 1)).text == "x")
            }
        }
    }
}
