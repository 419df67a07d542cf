import HTTP2TestSupport
import Testing

@testable import HTTP

@Suite struct HTTP2FrameMeterTests {
    private func since(_ pieces: [(at: UInt64, bytes: [UInt8])]) throws -> UInt64? {
        var meter = HTTP2FrameMeter(HTTP2Limits())
        for piece in pieces {
            var index = 0
            try piece.bytes.withUnsafeBytes { try meter.scan($0, from: &index, now: piece.at) }
            #expect(index == piece.bytes.count)
        }
        return meter.unfinishedSince
    }

    @Test func `a frame is unfinished from its first byte to its last`() throws {
        let bytes = Frame.ping().bytes
        #expect(try since([(5, bytes)]) == nil)
        for cut in 1..<bytes.count {
            #expect(try since([(5, Array(bytes[..<cut]))]) == 5)
            #expect(try since([(5, Array(bytes[..<cut])), (9, Array(bytes[cut...]))]) == nil)
            let again = Array(bytes[cut...]) + bytes[..<cut]
            #expect(try since([(5, Array(bytes[..<cut])), (9, again)]) == 9)
        }
    }

    @Test func `a head is unfinished until its last CONTINUATION`() throws {
        let frames = Frame.headers(1, pieces: [[1, 2], [3], [4, 5]])
        #expect(try since([(1, frames[0].bytes), (2, frames[1].bytes)]) == 1)
        #expect(
            try since([(1, frames[0].bytes), (2, frames[1].bytes), (3, frames[2].bytes)]) == nil
        )
    }

    @Test func `a body that is on its way is not`() throws {
        let bytes = Frame.data(1, "hello").bytes
        #expect(try since([(5, Array(bytes[..<8]))]) == 5)
        #expect(try since([(5, Array(bytes[..<9]))]) == nil)
        #expect(try since([(5, Array(bytes[..<11]))]) == nil)
    }
}

@Suite struct TokenBucketTests {
    @Test func `a burst is allowed, then the long-run rate`() {
        var bucket = TokenBucket(.init(burst: 3, perSecond: 10))
        let now: UInt64 = 1_000_000_000
        let times = [now, now, now, now, now + 99_999_999, now + 100_000_000, now + 100_000_000]
        let taken = times.map { bucket.take(now: $0) }
        #expect(taken == [true, true, true, false, false, true, false])
        let later = (0..<4).map { _ in bucket.take(now: now * 9) }
        #expect(later == [true, true, true, false])
    }

    @Test func `tokens given back are there at once, and never more than the burst`() {
        var bucket = TokenBucket(.init(burst: 2, perSecond: 1))
        let now: UInt64 = 1_000_000_000
        bucket.give(100)
        let taken = (0..<3).map { _ in bucket.take(now: now) }
        #expect(taken == [true, true, false])
        bucket.give(1)
        let again = (0..<2).map { _ in bucket.take(now: now) }
        #expect(again == [true, false])
    }
}
