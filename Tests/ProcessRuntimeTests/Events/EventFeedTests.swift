import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct EventFeedTests {
    private func publish(_ feed: EventFeed, _ text: String = "") {
        feed.publish(
            .cancel,
            from: PID(slot: 1, generation: 0),
            entry: "e",
            host: "h",
            at: 1,
            .text(text)
        )
    }

    /// Every layout of a small ring: each capacity, number of events, cursor and limit.
    @Test(arguments: 1...5)
    func `a reader gets what is kept after its cursor, and learns what is not`(_ capacity: Int) {
        for count in 0...(3 * capacity) {
            let feed = EventFeed(capacity: capacity)
            for _ in 0..<count { publish(feed) }
            let oldest = max(1, count - capacity + 1)
            #expect(feed.latest == UInt64(count) && feed.oldest == UInt64(oldest))
            for cursor in 0...(count + 2) {
                for limit in 0...(capacity + 1) {
                    let batch = feed.read(after: UInt64(cursor), limit: limit)
                    let first = max(cursor + 1, oldest)
                    let due = first <= count ? Array(first...count) : []
                    #expect(batch.events.map(\.sequence) == due.prefix(limit).map { UInt64($0) })
                    #expect(batch.missed == UInt64(max(0, oldest - cursor - 1)))
                }
            }
        }
    }

    @Test(arguments: [UInt64.max, UInt64.max - 1])
    func `a cursor from the far future gets nothing and hurts nobody`(_ cursor: UInt64) {
        let feed = EventFeed(capacity: 2)
        for _ in 0..<3 { publish(feed) }
        let batch = feed.read(after: cursor, limit: 10)
        #expect(batch.events.isEmpty && batch.missed == 0)
    }

    @Test func `the byte bound drops the oldest, never the newest`() {
        let feed = EventFeed(capacity: 100, bytesMax: 1_000)
        for _ in 0..<20 { publish(feed, String(repeating: "x", count: 50)) }
        // Each weighs 250: four fit.
        #expect(feed.oldest == 17)
        publish(feed, String(repeating: "x", count: 5_000))
        let batch = feed.read(after: 20, limit: 10)
        #expect(feed.oldest == 21 && batch.events.count == 1 && batch.missed == 0)
        publish(feed)
        #expect(feed.read(after: 0, limit: 10).events.map(\.sequence) == [22])
    }

    @Test func `the listener is called after each event can be read`() {
        let feed = EventFeed(capacity: 4)
        let seen = Mutex<[UInt64]>([])
        feed.setListener { [unowned feed] in
            let latest = feed.read(after: feed.latest - 1, limit: 1).events.first?.sequence
            seen.withLock { $0.append(latest ?? 0) }
        }
        for _ in 0..<6 { publish(feed) }
        #expect(seen.withLock { $0 } == [1, 2, 3, 4, 5, 6])
    }
}
