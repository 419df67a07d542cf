import Foundation
import HTTP
import ProcessRuntime
import Testing

@testable import ControlAPI

struct EventStreamTests {
    /// `count` events: REGISTER and UNREGISTER of one process, after its SPAWN.
    private func publish(_ count: Int, _ desk: Desk) throws {
        let pid = try desk.process()
        for index in 1..<max(count, 1) {
            if index % 2 == 1 {
                _ = try desk.runtime.register("n", for: pid)
            } else {
                desk.runtime.unregister("n")
            }
        }
    }

    private func ids(_ said: [Said]) -> [String] { said.compactMap(\.id) }

    // MARK: The beginning

    @Test func `a stream opens with retry and hello`() throws {
        let desk = Desk()
        try publish(3, desk)
        let reader = try StreamReader(desk)
        #expect(reader.headers["Content-Type"] == "text/event-stream")
        #expect(reader.headers["Cache-Control"] == "no-cache, no-transform")
        #expect(reader.headers["X-Accel-Buffering"] == "no")
        reader.fill()
        let said = reader.take()
        #expect(said.map(\.event) == ["retry", "hello"])
        #expect(said[0].data == "2000")
        #expect(said[1].id == desk.id(3))
        let hello = said[1].json
        #expect(hello["id"] as? String == desk.id(3))
        #expect(hello["epoch"] as? String == desk.runtime.pids.epoch)
        #expect(hello["oldest"] as? String == desk.id(1))
        #expect(hello["latest"] as? String == desk.id(3))
        #expect(hello["heartbeat_ms"] as? Int == 15_000)
        #expect(reader.step == .waiting(until: 15_000_000_000))
    }

    @Test func `a stream is live from its request on not from its first byte`() throws {
        let desk = Desk()
        try publish(3, desk)
        let reader = try StreamReader(desk)
        try publish(2, desk)
        #expect(ids(reader.events()) == [desk.id(4), desk.id(5)])
    }

    @Test func `lines hold the same events without frames`() throws {
        let desk = Desk()
        try publish(3, desk)
        let frames = try StreamReader(desk, "since=oldest")
        let lines = try StreamReader(
            desk,
            "since=oldest",
            headers: [("Accept", "application/x-ndjson")]
        )
        #expect(lines.headers["Content-Type"] == "application/x-ndjson")
        lines.fill()
        frames.fill()
        let text = String(decoding: lines.bytes, as: UTF8.self)
        #expect(text.hasSuffix("\n"))
        let data = frames.take().filter { $0.event != "retry" }.map(\.data)
        #expect(text.dropLast().split(separator: "\n").map(String.init) == data)
        #expect(data.count == 4)
    }

    @Test func `each kind carries what it should`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk, "kind=SPAWN,REGISTER,EXIT,CANCEL,LINK_DOWN,UNREGISTER")
        let pid = try desk.process(name: "n")
        let other = try desk.process("app:stuck")
        try desk.runtime.link(pid, other)
        try desk.runtime.cancel(pid, reason: "why", from: nil)
        desk.runtime.kill(other, .limit(.cpu))
        desk.settle()
        let said = reader.events()
        let kinds = [
            "SPAWN", "REGISTER", "SPAWN", "CANCEL", "EXIT", "LINK_DOWN", "UNREGISTER", "EXIT",
        ]
        #expect(said.map(\.event) == kinds)
        for event in said {
            #expect(event.json["id"] as? String == event.id)
            #expect(event.json["kind"] as? String == event.event)
            #expect((event.json["at"] as? String)?.hasSuffix("Z") == true)
        }
        #expect(said[0].json["entry"] as? String == "app:idle")
        #expect(said[0].json["host"] as? String == "app:processes")
        #expect(said[0].json["name"] as? String == "n")
        #expect(said[2].json["name"] is NSNull)
        #expect(said[1].json["name"] as? String == "n")
        #expect(said[3].json["reason"] as? String == "why")
        #expect(said[4].json["reason"] as? String == "limit")
        #expect(said[5].json["from"] as? String == desk.text(other))
        #expect(said[5].json["to"] as? String == desk.text(pid))
        #expect((said[5].json["error"] as? [String: Any])?["kind"] as? String == "RateLimited")
        #expect(said[7].json["reason"] as? String == "linked")
    }

    @Test func `a limit is named as it is in a spawn`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk, "kind=LIMIT")
        for limit in [ExitReason.Limit.memory, .cpu, .lifetime] {
            desk.runtime.kill(try desk.process(), .limit(limit))
        }
        let limits = reader.events().map { $0.json["limit"] as? String }
        #expect(limits == ["memory_bytes", "cpu_ms", "lifetime_ms"])
    }

    @Test func `a large result is left out of the event and kept in the record`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk, "kind=EXIT")
        let big = try desk.process("app:big")
        try desk.process("app:answer")
        let said = reader.events()
        #expect(said[0].json["result"] is NSNull)
        #expect(said[0].json["result_truncated"] as? Bool == true)
        #expect(said[1].json["result"] as? Int == 42)
        #expect(said[1].json["result_truncated"] == nil)
        let record = try desk.ask("GET", "/v1/processes/\(desk.text(big))/wait")
        #expect(record.text("result")?.count == 100 << 10)
    }

    // MARK: Resuming

    @Test(arguments: [true, false])
    func `a resume from every position misses nothing and repeats nothing`(_ byHeader: Bool) throws
    {
        let desk = Desk()
        try publish(20, desk)
        for position in 0...20 {
            let id = desk.id(UInt64(position))
            let reader =
                byHeader
                ? try StreamReader(desk, "since=now", headers: [("Last-Event-ID", id)])
                : try StreamReader(desk, "since=\(id)")
            #expect(ids(reader.events()) == (position..<20).map { desk.id(UInt64($0 + 1)) })
        }
    }

    @Test func `the position of any read resumes with all that came after`() throws {
        let desk = Desk()
        try publish(5, desk)
        let position = try #require(desk.ask("GET", "/v1/names").text("position"))
        try publish(2, desk)
        #expect(
            ids(try StreamReader(desk, "since=\(position)").events()) == [desk.id(6), desk.id(7)]
        )
    }

    /// A ring of 8 after 20 events holds 13...20: every position before that has a gap.
    @Test(arguments: 0...20)
    func `a resume from an evicted position says exactly how many are missing`(
        _ position: UInt64
    ) throws {
        var small = Desk.small
        small.eventsMax = 8
        let desk = Desk(runtime: small)
        try publish(20, desk)
        let reader = try StreamReader(desk, "since=\(desk.id(position))")
        reader.fill()
        let said = reader.take()
        let gaps = said.filter { $0.event == "gap" }
        #expect(said[1].event == "hello")
        #expect(said[1].id == desk.id(position))
        if position >= 12 {
            #expect(gaps.isEmpty)
        } else {
            let gap = try #require(gaps.first)
            #expect(gaps.count == 1)
            #expect(said[2] == gap)
            #expect(gap.json["reason"] as? String == "evicted")
            #expect(gap.json["requested"] as? String == desk.id(position))
            #expect(gap.json["missed"] as? Int == 12 - Int(position))
            #expect(gap.json["resumes_at"] as? String == desk.id(12))
            #expect(gap.id == desk.id(12))
            #expect(gap.json["filtered"] == nil)
        }
        let events = said.filter { $0.event.first?.isUppercase ?? false }
        #expect(ids(events) == (max(position, 12)..<20).map { desk.id($0 + 1) })
    }

    @Test func `after a restart the whole of the new run follows one gap`() throws {
        let desk = Desk()
        try publish(4, desk)
        let reader = try StreamReader(desk, headers: [("Last-Event-ID", "old-77")])
        reader.fill()
        let said = reader.take()
        #expect(said[1].id == "old-77")
        #expect(said[2].json["reason"] as? String == "epoch-changed")
        #expect(said[2].json["requested"] as? String == "old-77")
        #expect(said[2].json["missed"] is NSNull)
        #expect(said[2].id == desk.id(0))
        #expect(ids(Array(said.dropFirst(3))) == (1...4).map { desk.id($0) })
    }

    @Test(arguments: ["junk", "-", "999"])
    func `a last id nobody gave out goes on live after a gap`(_ id: String) throws {
        let desk = Desk()
        try publish(4, desk)
        let last = id == "999" ? desk.id(999) : id
        let reader = try StreamReader(desk, "since=oldest", headers: [("Last-Event-ID", last)])
        reader.fill()
        let said = reader.take()
        #expect(said.map(\.event) == ["retry", "hello", "gap"])
        #expect(said[1].id == desk.id(4))
        #expect(said[2].json["reason"] as? String == "unknown-id")
        #expect(said[2].json["requested"] as? String == last)
        try publish(1, desk)
        #expect(ids(reader.events()) == [desk.id(5)])
    }

    @Test func `an empty last id is none`() throws {
        let desk = Desk()
        try publish(4, desk)
        let reader = try StreamReader(desk, "since=oldest", headers: [("Last-Event-ID", "")])
        #expect(reader.events().count == 4)
    }

    @Test func `a reader that is overtaken gets one gap and goes on`() throws {
        var small = Desk.small
        small.eventsMax = 8
        let desk = Desk(runtime: small)
        try publish(3, desk)
        let reader = try StreamReader(desk, "since=oldest")
        #expect(reader.events().count == 3)
        try publish(27, desk)
        reader.fill()
        let said = reader.take()
        #expect(said.count == 9)
        #expect(said[0].event == "gap")
        #expect(said[0].json["reason"] as? String == "slow-reader")
        #expect(said[0].json["requested"] as? String == desk.id(3))
        #expect(said[0].json["missed"] as? Int == 19)
        #expect(said[0].json["resumes_at"] as? String == desk.id(22))
        #expect(ids(Array(said.dropFirst())) == (23...30).map { desk.id($0) })
    }

    @Test(arguments: [1, 100, 300, 1_000, 100_000])
    func `whatever room a socket has the bytes are the same`(_ room: Int) throws {
        let desk = Desk()
        try publish(50, desk)
        let (whole, parts) = (
            try StreamReader(desk, "since=oldest"), try StreamReader(desk, "since=oldest")
        )
        whole.fill(room: .max / 2)
        var fills = 0
        repeat {
            let before = parts.bytes.count
            parts.fillOnce(room: room)
            fills += 1
            // One event may go over the room, and no more than one.
            if fills > 1 { #expect(parts.bytes.count - before < room + 400) }
        } while parts.step == .ready
        #expect(parts.bytes == whole.bytes)
        if room == 1 { #expect(fills > 50) }
    }

    /// The reader drops its connection after each handful of events, at a place inside the ring.
    @Test func `a reader that reconnects through 100000 events sees each once`() throws {
        var large = Desk.small
        large.eventsMax = 65_536
        let desk = Desk(runtime: large)
        let pid = try desk.process()
        var last = desk.id(0)
        var next: UInt64 = 1
        var random = SeededRandom(seed: 11)
        var published: UInt64 = 1
        while next <= 100_000 {
            let target = min(100_000, published + random.next() % 3_000)
            while published < target {
                if published % 2 == 1 {
                    _ = try desk.runtime.register("n", for: pid)
                } else {
                    desk.runtime.unregister("n")
                }
                published += 1
            }
            let limit = 1 + random.next() % 4_000
            let reader = try StreamReader(
                desk,
                "max_events=\(limit)",
                headers: [("Last-Event-ID", last)]
            )
            reader.fill(room: 1 + Int(random.next() % 100_000))
            for said in reader.take() {
                if let id = said.id { last = id }
                guard said.event.first?.isUppercase ?? false else {
                    #expect(said.event != "gap")
                    continue
                }
                guard said.id == desk.id(next) else {
                    Issue.record("expected \(next), found \(said.id ?? "nothing"), seed 11")
                    return
                }
                next += 1
            }
        }
        #expect(next == 100_001)
        #expect(desk.api.openStreams == 0)
    }

    // MARK: Filters and ends

    @Test func `max_events ends the stream and counts only what is sent`() throws {
        let desk = Desk()
        try publish(9, desk)
        let reader = try StreamReader(desk, "since=oldest&max_events=2&kind=REGISTER")
        reader.fill()
        let said = reader.take()
        #expect(said.map(\.event) == ["retry", "hello", "REGISTER", "REGISTER", "bye"])
        #expect(said[4].json["reason"] as? String == "max-events")
        #expect(said[4].id == nil)
        #expect(reader.step == .ended)
    }

    @Test func `filters narrow the stream together`() throws {
        let desk = Desk()
        let first = try desk.process(name: "a")
        let second = try desk.process("app:answer")
        func found(_ query: String) throws -> [String] {
            try StreamReader(desk, "since=oldest&" + query).events().map {
                "\($0.event) \(($0.json["from"] as? String) == desk.text(first) ? 1 : 2)"
            }
        }
        #expect(try found("kind=SPAWN") == ["SPAWN 1", "SPAWN 2"])
        #expect(try found("kind=EXIT,REGISTER") == ["REGISTER 1", "EXIT 2"])
        #expect(try found("pid=\(desk.text(second))") == ["SPAWN 2", "EXIT 2"])
        #expect(try found("pid=\(desk.text(second))&kind=EXIT") == ["EXIT 2"])
        #expect(try found("entry=app:answer") == ["SPAWN 2", "EXIT 2"])
        #expect(try found("entry=app:i*") == ["SPAWN 1", "REGISTER 1"])
        #expect(try found("entry=app:ans").isEmpty)
        #expect(try found("entry=*").count == 4)
        #expect(try found("host=app:processes").count == 4)
        #expect(try found("host=other").isEmpty)
        #expect(try found("pid=moon.0.1").isEmpty)
    }

    @Test func `a gap through a filter says that it cannot know`() throws {
        var small = Desk.small
        small.eventsMax = 4
        let desk = Desk(runtime: small)
        try publish(20, desk)
        let reader = try StreamReader(desk, "since=\(desk.id(0))&kind=SPAWN")
        reader.fill()
        let gap = try #require(reader.take().first { $0.event == "gap" })
        #expect(gap.json["missed"] as? Int == 16)
        #expect(gap.json["filtered"] as? Bool == true)
    }

    @Test(arguments: [
        "kind=", "kind=exit", "kind=EXIT,", "kind=EXIT,,SPAWN", "kind=HELLO", "since=", "since=1",
        "since=yesterday", "max_events=0", "max_events=-1", "max_events=x", "pid=", "pid=a%20b",
        "name=", "max_events=9223372036854775808",
    ])
    func `a malformed query is refused`(_ query: String) throws {
        let answer = try Desk().ask("GET", "/v1/events?\(query)")
        #expect(answer.status == 400)
        #expect(answer.code == "invalid-query")
    }

    @Test func `a count past all numbers is told the range`() throws {
        let answer = try Desk().ask("GET", "/v1/events?max_events=9223372036854775808")
        #expect(
            answer.text("detail")
                == "max_events must be a whole number from 1 to 9223372036854775807."
        )
    }

    @Test func `a form nobody offers is not acceptable`() throws {
        let desk = Desk()
        for accept in ["text/html", "application/json", "text/event-stream;q=0"] {
            let answer = try desk.ask("GET", "/v1/events", headers: [("Accept", accept)])
            #expect(answer.status == 406)
            #expect(answer.code == "not-acceptable")
        }
        for accept in ["*/*", "text/*", "text/html, */*;q=0.1"] {
            _ = try StreamReader(desk, headers: [("Accept", accept)])
        }
    }

    @Test func `HEAD shows the fields and opens no stream`() throws {
        let desk = Desk()
        let answer = try desk.ask("HEAD", "/v1/events")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/event-stream")
        #expect(desk.api.openStreams == 0)
    }

    @Test func `streams are counted and limited and counted out once`() throws {
        let desk = Desk { $0.streamsMax = 2 }
        var readers = [try StreamReader(desk), try StreamReader(desk)]
        #expect(desk.api.openStreams == 2)
        let answer = try desk.ask("GET", "/v1/events")
        #expect(answer.status == 503)
        #expect(answer.code == "stream-limit")
        readers[0].stream.stop()
        readers[0].stream.stop()
        readers.removeFirst()
        #expect(desk.api.openStreams == 1)
        // An answer that is dropped unread counts out as well.
        _ = desk.start("GET", "/v1/events")
        #expect(desk.api.openStreams == 1)
        readers.removeAll()
        #expect(desk.api.openStreams == 0)
    }

    // MARK: Waking, heartbeats, drain

    @Test func `a publish wakes a waiting stream once until it waits again`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk)
        let pid = try desk.process()
        reader.fill()
        let before = reader.wakes.count
        for _ in 0..<5 {
            _ = try desk.runtime.register("n", for: pid)
            desk.runtime.unregister("n")
        }
        #expect(reader.wakes.count == before + 1)
        #expect(reader.events().count == 11)
        desk.runtime.unregister("n")
        _ = try desk.runtime.register("n", for: pid)
        #expect(reader.wakes.count == before + 2)
    }

    @Test func `a stream that has been stopped is woken no more`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk)
        reader.fill()
        reader.stream.stop()
        try publish(3, desk)
        #expect(reader.wakes.count == 0)
    }

    @Test func `silence is broken by a heartbeat`() throws {
        let desk = Desk { $0.heartbeatNanoseconds = 100 }
        let reader = try StreamReader(desk)
        reader.fill(now: 1_000)
        _ = reader.take()
        reader.fill(now: 1_099)
        #expect(reader.bytes.isEmpty)
        #expect(reader.step == .waiting(until: 1_100))
        reader.fill(now: 1_100)
        #expect(reader.bytes == Array(": hb\n\n".utf8))
        #expect(reader.step == .waiting(until: 1_200))
        _ = reader.take()
        try publish(1, desk)
        reader.fill(now: 1_150)
        #expect(reader.take().map(\.event) == ["SPAWN"])
        #expect(reader.step == .waiting(until: 1_250))
    }

    @Test func `a heartbeat tells a filtered reader how far it is`() throws {
        let desk = Desk { $0.heartbeatNanoseconds = 100 }
        let reader = try StreamReader(desk, "kind=EXIT")
        reader.fill(now: 0)
        _ = reader.take()
        try publish(6, desk)
        reader.fill(now: 100)
        #expect(String(decoding: reader.bytes, as: UTF8.self) == ": hb\nid: \(desk.id(6))\n\n")
        _ = reader.take()
        reader.fill(now: 200)
        #expect(reader.bytes == Array(": hb\n\n".utf8))
    }

    @Test func `a heartbeat between lines is an empty one`() throws {
        let desk = Desk { $0.heartbeatNanoseconds = 100 }
        let reader = try StreamReader(desk, headers: [("Accept", "application/x-ndjson")])
        reader.fill(now: 0)
        _ = reader.take()
        reader.fill(now: 100)
        #expect(reader.bytes == [0x0A])
    }

    @Test func `a drain sends what was published and then says bye`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk)
        reader.fill()
        _ = reader.take()
        try publish(3, desk)
        let before = reader.wakes.count
        desk.api.beginDrain()
        #expect(reader.wakes.count == before + 1)
        try publish(3, desk)
        reader.fill()
        let said = reader.take()
        #expect(said.map(\.event) == ["SPAWN", "REGISTER", "UNREGISTER", "bye", "retry"])
        #expect(said[3].json["reason"] as? String == "draining")
        // 1,000 to 4,999 ms, from the injected 0xABCD.
        #expect(said[4].data == "\(1_000 + 0xABCD % 4_000)")
        #expect(reader.step == .ended)
    }

    @Test func `a stream opened while draining is answered and sent away`() throws {
        let desk = Desk()
        try publish(3, desk)
        desk.api.beginDrain()
        let live = try StreamReader(desk)
        live.fill()
        #expect(live.take().map(\.event) == ["retry", "hello", "bye", "retry"])
        let late = try StreamReader(desk, headers: [("Last-Event-ID", desk.id(1))])
        late.fill()
        let said = late.take().map(\.event)
        #expect(said == ["retry", "hello", "REGISTER", "UNREGISTER", "bye", "retry"])
    }

    // MARK: Rendering once

    @Test func `an event is rendered once for all who read it`() throws {
        let desk = Desk()
        let readers = try (0..<20).map { _ in try StreamReader(desk, "since=oldest") }
        try publish(30, desk)
        for reader in readers { #expect(reader.events().count == 30) }
        #expect(desk.api.renderingCount == 30)
    }

    @Test(arguments: [(4, 1 << 20), (64, 500), (1, 1), (7, 2_000)])
    func `however little is kept what is read is right`(_ events: Int, _ bytes: Int) throws {
        let desk = Desk {
            $0.renderedEventsMax = events
            $0.renderedBytesMax = bytes
        }
        try publish(40, desk)
        let expected = (1...40).map { desk.id($0) }
        #expect(ids(try StreamReader(desk, "since=oldest").events()) == expected)
        #expect(
            ids(try StreamReader(desk, "since=\(desk.id(20))").events()) == Array(expected[20...])
        )
        #expect(ids(try StreamReader(desk, "since=oldest").events()) == expected)
    }
}
