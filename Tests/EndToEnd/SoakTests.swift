import Foundation
import Synchronization
import Testing

/// All that processes do, and HTTP beside it, for as long as one likes: in the end nothing is left.
///
/// `make soak` runs it on the release build; MOONLET_SOAK_SECONDS says for how long.
@Suite(.serialized) struct SoakTests {
    static let seconds =
        ProcessInfo.processInfo.environment["MOONLET_SOAK_SECONDS"].flatMap { Double($0) } ?? 10

    @Test func `after a storm of everything, nothing is left and every spawn has its exit`() throws
    {
        // The memory of events and of ends is full after the warm-up.
        let server = try RunningServer("Benchmarks/soak", ["--max-events", "16384"])
        let feed = FeedReader(server, reconnectAfterMilliseconds: 700)
        let storm = Storm(server, feed)
        let watch = Stopwatch()
        var warmUps = 0

        // Forty storms with a calm after each. The first four, or more, are the warm-up: the server
        // remembers the last 10,000 exits, and that memory must be full.
        var calms: [Calm] = []
        while calms.count < 36 {
            let (watch, lots) = (Stopwatch(), storm.lots)
            storm.blow {
                watch.milliseconds > 1e3 * Self.seconds / 40 && storm.lots > lots + 2
                    || !storm.troubles.isEmpty
            }
            let calm = try self.calm(server, feed)
            if warmUps < 4 || calm.account.exited < 11_000 {
                warmUps += 1
            } else {
                calms.append(calm)
            }
            if !storm.troubles.isEmpty || calm.account.isOver { break }
        }
        let end = try #require(calms.last, "\(storm.troubles) \(feed.now.troubles)")
        feed.stop()

        let counts = try server.get("/v1/system").json["counts"]
        // What malloc holds goes up and down by some percent from calm to calm, so means are compared.
        let warm = Self.mean(calms.prefix(18).map(\.residentBytes))
        let late = Self.mean(calms.suffix(18).map(\.residentBytes))
        let growth = Double(late) / Double(warm) - 1
        print(
            """
            figure: soak of \(watch.milliseconds / 1e3) s: \(end.account.spawned) processes, \
            \(end.account.events) events over \(end.account.connections) connections, \
            \(storm.lots) lots, \(storm.requests) requests
            figure: soak's memory: \(warm >> 10) KiB after the warm-up, \(late >> 10) KiB \
            at the end: \(growth * 100) %; calms: \(calms.map { $0.residentBytes >> 10 }) KiB
            """
        )
        #expect(storm.troubles.isEmpty, "\(storm.troubles.prefix(5))")
        #expect(end.account.troubles.isEmpty, "\(end.account.troubles.prefix(5))")
        #expect(end.account.live.isEmpty, "\(end.account.live.count) never ended")
        #expect(end.account.spawned == end.account.exited)
        #expect(counts["spawned"].integer == Int64(end.account.spawned))
        #expect(counts["exited"].integer == Int64(end.account.exited))
        for left in ["processes", "names", "timers"] {
            #expect(counts[left].integer == 0, "\(left)")
        }
        // A short run is over before the allocator has settled.
        #expect(abs(growth) <= (Self.seconds >= 60 ? 0.02 : 0.15))
        #expect(server.stop() == 0)
    }

    private static func mean(_ values: [Int]) -> Int {
        values.reduce(0, +) / max(values.count, 1)
    }

    private struct Calm {
        var account: FeedReader.Account
        var residentBytes: Int
    }

    /// Waits until no process lives and the feed has told all of it; what is held then.
    private func calm(_ server: RunningServer, _ feed: FeedReader) throws -> Calm {
        let account = try waitFor(seconds: 30) { () -> FeedReader.Account? in
            let counts = try server.get("/v1/system").json["counts"]
            let account = feed.now
            let hasAll = counts["events"].integer == Int64(account.sequence)
            return counts["processes"].integer == 0 && hasAll || account.isOver ? account : nil
        }
        // What is given back when nothing happens has some time for it.
        let seconds = min(Self.seconds / 100, 1)
        var lowest = server.residentBytes
        _ = waitFor(seconds: seconds) { () -> Bool? in
            lowest = min(lowest, server.residentBytes)
            return nil
        }
        guard let account else {
            let left = try server.get("/v1/processes?limit=5").text
            let seen = feed.now
            throw ServerTrouble(
                description: "it never got calm: \(seen.sequence) events seen, "
                    + "\(seen.live.count) live by them; the server: \(left)"
            )
        }
        return Calm(account: account, residentBytes: lowest)
    }
}

/// Clients that have everything happen on a server, as fast as the feed's reader keeps up.
private final class Storm: Sendable {
    private struct Tally {
        var lots = 0
        var requests = 0
        var troubles: [String] = []
    }

    private let server: RunningServer
    private let feed: FeedReader
    private let tally = Mutex(Tally())

    init(_ server: RunningServer, _ feed: FeedReader) {
        self.server = server
        self.feed = feed
    }

    var lots: Int { tally.withLock { $0.lots } }
    var requests: Int { tally.withLock { $0.requests } }
    var troubles: [String] { tally.withLock { $0.troubles } }

    /// Returns when `isOver` says so, or something went wrong.
    func blow(until isOver: @escaping () -> Bool) {
        let stopping = Flag()
        let done = DispatchGroup()
        for number in 0..<2 {
            done.enter()
            Thread.detachNewThread { [self] in
                defer { done.leave() }
                do {
                    let connection = try RawConnection(server)
                    while !stopping.isSet, troubles.isEmpty {
                        try lot(connection)
                        try requests(connection, number)
                    }
                } catch {
                    tally.withLock { $0.troubles.append("\(error)") }
                }
            }
        }
        _ = waitFor(seconds: SoakTests.seconds + 120) {
            isOver() || !troubles.isEmpty || feed.now.isOver ? true : nil
        }
        stopping.set()
        done.wait()
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    private func expect(_ answer: HTTPAnswer, _ statuses: Int...) {
        tally.withLock {
            $0.requests += 1
            if !statuses.contains(answer.status) {
                $0.troubles.append("\(answer.status) \(answer.text)")
            }
        }
    }

    /// What processes do to each other: Benchmarks/soak/lot.lua.
    private func lot(_ connection: RawConnection) throws {
        let answer = try connection.request("POST", "/v1/exec", #"{"entry": "soak:lot"}"#)
        expect(answer, 200)
        tally.withLock {
            $0.lots += 1
            if answer.json["result"].integer != 75 { $0.troubles.append(answer.text) }
        }
        // The server keeps 16,384 events.
        let latest = answer.json["pid"].isMissing ? 0 : try eventsSoFar(connection)
        _ = waitFor(seconds: 20) { feed.sequence + 4_096 > latest || feed.now.isOver ? true : nil }
    }

    private func eventsSoFar(_ connection: RawConnection) throws -> UInt64 {
        let answer = try connection.request("GET", "/v1/system")
        expect(answer, 200)
        return UInt64(answer.json["counts"]["events"].integer ?? 0)
    }

    /// What clients do to processes.
    private func requests(_ connection: RawConnection, _ number: Int) throws {
        func spawn(_ body: String) throws -> String {
            let answer = try connection.request("POST", "/v1/processes", body)
            expect(answer, 201)
            return answer.json["pid"].text
        }
        let named = try spawn(#"{"entry": "soak:echo", "args": ["nobody"], "name": "n\#(number)"}"#)
        let linked = try spawn(#"{"entry": "soak:obedient"}"#)
        let runaway = try spawn(#"{"entry": "soak:runaway"}"#)
        expect(try connection.request("PUT", "/v1/processes/\(named)/links/\(linked)"), 204)
        for _ in 0..<5 {
            let ping = #"{"topic": "ping", "payload": {"list": [1, 2, 3], "text": "hello"}}"#
            expect(try connection.request("POST", "/v1/processes/@n\(number)/messages", ping), 202)
        }
        expect(try connection.request("GET", "/v1/processes?limit=20"), 200)
        expect(try connection.request("GET", "/v1/processes/\(named)"), 200)
        expect(try connection.request("GET", "/v1/names"), 200)
        expect(try connection.request("GET", "/v1/processes/nobody"), 404)
        // One ends by itself when it is asked; one is ended, and its partner with it.
        let cancel = #"{"reason": "soaked"}"#
        expect(try connection.request("POST", "/v1/processes/\(linked)/cancel", cancel), 202)
        expect(try connection.request("GET", "/v1/processes/\(linked)/wait?timeout_ms=9000"), 200)
        for pid in [named, runaway] {
            expect(try connection.request("DELETE", "/v1/processes/\(pid)"), 204)
        }
    }
}
