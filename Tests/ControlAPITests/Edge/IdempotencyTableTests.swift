import HTTP
import HTTPServer
import Testing

@testable import ControlAPI

/// The life of a key, without requests.
struct IdempotencyTableTests {
    private typealias Ticket = IdempotencyTable.Ticket
    private typealias Fingerprint = IdempotencyTable.Fingerprint

    private static let request = Fingerprint(method: "POST", path: "/p", body: [1, 2])

    private static func answer(_ status: Int = 200, bytes: Int = 0) -> Response {
        Response(status: status, body: .bytes(Array(repeating: 0, count: bytes)))
    }

    private static func table(keys: Int = 10, bytes: Int = 1_000) -> IdempotencyTable {
        IdempotencyTable(keysMax: keys, bytesMax: bytes, lifetimeNanoseconds: 100)
    }

    /// What `begin` said, in a word; tickets are dropped.
    private static func word(
        _ table: inout IdempotencyTable,
        _ key: String = "k",
        _ fingerprint: Fingerprint = request,
        now: UInt64 = 0
    ) -> String {
        switch table.begin(key, fingerprint, now: now) {
        case .fresh: "fresh"
        case .replay(let response): "replay \(response.status)"
        case .inProgress: "in progress"
        case .reused: "reused"
        }
    }

    private static func begin(
        _ table: inout IdempotencyTable,
        _ key: String = "k",
        now: UInt64 = 0
    ) throws -> Ticket {
        guard case .fresh(let ticket) = table.begin(key, request, now: now) else {
            throw Unexpected()
        }
        return ticket
    }

    private struct Unexpected: Error {}

    private static func store(
        _ table: inout IdempotencyTable,
        _ key: String,
        bytes: Int = 0,
        now: UInt64 = 0
    ) throws {
        table.finish(try begin(&table, key, now: now), answer(bytes: bytes), now: now)
    }

    private final class Stream: ResponseStream {
        func start(_ waker: StreamWaker) {}
        func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep { .ended }
        func stop() {}
    }

    private static let others = [
        Fingerprint(method: "PUT", path: "/p", body: [1, 2]),
        Fingerprint(method: "POST", path: "/q", body: [1, 2]),
        Fingerprint(method: "POST", path: "/p", body: [1, 3]),
        Fingerprint(method: "POST", path: "/p", body: [1]),
        Fingerprint(method: "POST", path: "/p", body: []),
        // The same bytes with the border elsewhere.
        Fingerprint(method: "POST", path: "/", body: [0x70, 1, 2]),
    ]

    @Test func `a key is new then at work then answered`() throws {
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table)
        #expect(IdempotencyTableTests.word(&table) == "in progress")
        table.finish(ticket, IdempotencyTableTests.answer(201), now: 0)
        #expect(IdempotencyTableTests.word(&table) == "replay 201")
        #expect(IdempotencyTableTests.word(&table) == "replay 201")
        #expect(IdempotencyTableTests.word(&table, "other") == "fresh")
    }

    @Test(arguments: others.indices, [true, false])
    func `another request with the key is told so`(_ index: Int, _ isAnswered: Bool) throws {
        let other = IdempotencyTableTests.others[index]
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table)
        if isAnswered { table.finish(ticket, IdempotencyTableTests.answer(), now: 0) }
        #expect(IdempotencyTableTests.word(&table, "k", other) == "reused")
        #expect(
            IdempotencyTableTests.word(&table) == (isAnswered ? "replay 200" : "in progress")
        )
    }

    @Test func `an abandoned key is new for any request`() throws {
        var table = IdempotencyTableTests.table()
        table.abandon(try IdempotencyTableTests.begin(&table))
        #expect(table.atWorkCount == 0)
        let other = IdempotencyTableTests.others[0]
        #expect(IdempotencyTableTests.word(&table, "k", other) == "fresh")
    }

    @Test(arguments: 200...599)
    func `what another try may better is not kept`(_ status: Int) throws {
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table)
        table.finish(ticket, IdempotencyTableTests.answer(status), now: 0)
        let isKept = status < 500 && ![401, 403, 429].contains(status)
        #expect(table.answeredCount == (isKept ? 1 : 0))
        #expect(IdempotencyTableTests.word(&table) == (isKept ? "replay \(status)" : "fresh"))
    }

    @Test func `a stream is not kept and an empty answer is`() throws {
        var table = IdempotencyTableTests.table()
        var ticket = try IdempotencyTableTests.begin(&table)
        table.finish(ticket, Response(status: 200, body: .stream(Stream())), now: 0)
        ticket = try IdempotencyTableTests.begin(&table)
        table.finish(ticket, Response(status: 204), now: 0)
        #expect(IdempotencyTableTests.word(&table) == "replay 204")
    }

    @Test func `an answer lives its time from the answer on and no longer`() throws {
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table, now: 5)
        // However long the work takes.
        #expect(IdempotencyTableTests.word(&table, now: 1_000) == "in progress")
        table.finish(ticket, IdempotencyTableTests.answer(), now: 1_000)
        #expect(IdempotencyTableTests.word(&table, now: 1_099) == "replay 200")
        // Clocks read on two threads may arrive in the wrong order.
        #expect(IdempotencyTableTests.word(&table, now: 999) == "replay 200")
        #expect(IdempotencyTableTests.word(&table, now: 1_100) == "fresh")
        #expect(table.bytes == 0)
        #expect(table.answeredCount == 0)
    }

    /// Each use of a ticket after each other one: only the first has an effect.
    @Test(arguments: [true, false], [true, false])
    func `a ticket is used once`(_ finishesFirst: Bool, _ finishesThen: Bool) throws {
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table)
        func use(_ finishes: Bool, _ status: Int) {
            if finishes {
                table.finish(ticket, IdempotencyTableTests.answer(status), now: 0)
            } else {
                table.abandon(ticket)
            }
        }
        use(finishesFirst, 201)
        use(finishesThen, 202)
        #expect(table.atWorkCount == 0)
        #expect(table.answeredCount == (finishesFirst ? 1 : 0))
        #expect(IdempotencyTableTests.word(&table) == (finishesFirst ? "replay 201" : "fresh"))
        // Nor does it touch the key's next life.
        if !finishesFirst {
            use(finishesThen, 202)
            #expect(IdempotencyTableTests.word(&table) == "in progress")
        }
    }

    @Test(arguments: 0...5)
    func `the oldest answers make room for new ones`(_ capacity: Int) throws {
        var table = IdempotencyTableTests.table(keys: capacity)
        for key in 0..<5 { try IdempotencyTableTests.store(&table, "\(key)") }
        #expect(table.answeredCount == capacity)
        for key in 0..<5 {
            var copy = table
            let word = IdempotencyTableTests.word(&copy, "\(key)")
            #expect(word == (key >= 5 - capacity ? "replay 200" : "fresh"))
        }
    }

    @Test func `a key at work is never dropped`() throws {
        var table = IdempotencyTableTests.table(keys: 1)
        let ticket = try IdempotencyTableTests.begin(&table, "slow")
        for key in 0..<5 { try IdempotencyTableTests.store(&table, "\(key)") }
        #expect(IdempotencyTableTests.word(&table, "slow", now: 1_000) == "in progress")
        table.finish(ticket, IdempotencyTableTests.answer(), now: 1_000)
        #expect(IdempotencyTableTests.word(&table, "slow", now: 1_000) == "replay 200")
    }

    @Test func `the bytes of all that is kept are bounded`() throws {
        // Each: a key of 1, a path of 2, the body's digest of 32, and the answer.
        var table = IdempotencyTableTests.table(bytes: 160)
        try IdempotencyTableTests.store(&table, "a", bytes: 45)
        try IdempotencyTableTests.store(&table, "b", bytes: 45)
        #expect(table.bytes == 160)
        try IdempotencyTableTests.store(&table, "c", bytes: 0)
        #expect(table.bytes == 115)
        #expect(table.answeredCount == 2)
        // What could never fit drives nothing out.
        try IdempotencyTableTests.store(&table, "d", bytes: 126)
        #expect(table.bytes == 115)
        #expect(IdempotencyTableTests.word(&table, "d") == "fresh")
        // What just fits is alone.
        try IdempotencyTableTests.store(&table, "e", bytes: 125)
        #expect(table.bytes == 160)
        #expect(table.answeredCount == 1)
    }

    @Test func `the fields of an answer count`() throws {
        var table = IdempotencyTableTests.table()
        let ticket = try IdempotencyTableTests.begin(&table)
        table.finish(ticket, Response(status: 204, headers: Headers([("Abc", "de")])), now: 0)
        #expect(table.bytes == 1 + 2 + 32 + 5)
    }
}
