import Payload
import ProcessRuntime
import Testing

@testable import ControlAPI

struct ProcessListTests {
    /// Pids on each page, following the cursor to the end.
    private func pages(
        _ desk: Desk,
        _ query: String,
        after first: String? = nil
    ) throws -> [[String]] {
        var pages: [[String]] = []
        var cursor = first.map { "&cursor=\($0)" } ?? ""
        while true {
            let answer = try desk.ask("GET", "/v1/processes?\(query)\(cursor)")
            #expect(answer.status == 200)
            pages.append(answer.list("items").compactMap { $0["pid"] as? String })
            guard let next = answer.text("next_cursor") else { return pages }
            cursor = "&cursor=\(next)"
        }
    }

    /// Seven processes, each started a millisecond after the other, with 0 to 6 messages.
    private func crowd(_ desk: Desk) throws -> [String] {
        try (0..<7).map { index in
            desk.simulation.advance(by: 1_000_000)
            let pid = try desk.process(name: index < 3 ? "w.\(index)" : nil)
            for _ in 0..<index {
                try desk.runtime.send(
                    Signal(topic: "t", payload: .nothing, from: nil),
                    to: pid
                )
            }
            return desk.text(pid)
        }
    }

    @Test(arguments: 1...8)
    func `pages of any size hold each process once in order`(_ size: Int) throws {
        let desk = Desk()
        let all = try crowd(desk)
        for sort in ["", "&sort=started", "&sort=mailbox"] {
            let found = try pages(desk, "limit=\(size)\(sort)")
            #expect(found.flatMap(\.self) == all)
            #expect(found.allSatisfy { $0.count <= size })
        }
        for sort in ["-started", "-mailbox"] {
            #expect(try pages(desk, "limit=\(size)&sort=\(sort)").flatMap(\.self) == all.reversed())
        }
        // Equal values: the pid decides, and still nobody is lost.
        for sort in ["memory", "-memory", "cpu", "-cpu"] {
            let found = try pages(desk, "limit=\(size)&sort=\(sort)").flatMap(\.self)
            #expect(found.sorted() == all.sorted())
        }
    }

    @Test func `a page is full only where more follows`() throws {
        let desk = Desk()
        _ = try crowd(desk)
        #expect(try pages(desk, "limit=7").count == 1)
        #expect(try pages(desk, "limit=6").map(\.count) == [6, 1])
        #expect(try pages(desk, "").map(\.count) == [7])
    }

    @Test func `a process that lives through the listing is on one page whoever comes and goes`()
        throws
    {
        let desk = Desk()
        let all = try crowd(desk)
        let first = try desk.ask("GET", "/v1/processes?limit=3")
        desk.runtime.kill(try #require(desk.runtime.pids.parse(all[1])), .terminated)
        desk.runtime.kill(try #require(desk.runtime.pids.parse(all[4])), .terminated)
        desk.settle()
        desk.simulation.advance(by: 1_000_000)
        let late = desk.text(try desk.process())
        let cursor = try #require(first.text("next_cursor"))
        let rest = try pages(desk, "limit=3", after: cursor).flatMap(\.self)
        #expect(rest == [all[3], all[5], all[6], late])
    }

    @Test func `filters narrow the list together`() throws {
        let desk = Desk()
        let all = try crowd(desk)
        #expect(try pages(desk, "name_prefix=w.").flatMap(\.self) == Array(all[..<3]))
        #expect(try pages(desk, "name_prefix=w.1").flatMap(\.self) == [all[1]])
        #expect(try pages(desk, "entry=app:idle").flatMap(\.self) == all)
        #expect(try pages(desk, "entry=app:*").flatMap(\.self) == all)
        #expect(try pages(desk, "entry=app:id").flatMap(\.self).isEmpty)
        #expect(try pages(desk, "host=app:processes").flatMap(\.self) == all)
        #expect(try pages(desk, "host=other").flatMap(\.self).isEmpty)
        #expect(try pages(desk, "state=waiting").flatMap(\.self) == all)
        #expect(try pages(desk, "state=running").flatMap(\.self).isEmpty)
        #expect(try pages(desk, "state=waiting&entry=app:*&name_prefix=w.2") == [[all[2]]])
    }

    @Test func `the position is before the list`() throws {
        let desk = Desk()
        _ = try crowd(desk)
        let answer = try desk.ask("GET", "/v1/processes")
        #expect(answer.text("position") == desk.id(desk.runtime.feed.latest))
    }

    @Test(arguments: [
        "state=exited", "state=", "sort=size", "sort=--cpu", "limit=0", "limit=1001", "limit=x",
        "cursor=", "cursor=x", "cursor=started.1", "cursor=started.1.!", "cursor=-started.1.1",
        "cursor=started.1.1.1", "sort=cpu&cursor=started.1.1",
    ])
    func `a malformed query is refused`(_ query: String) throws {
        let answer = try Desk().ask("GET", "/v1/processes?\(query)")
        #expect(answer.status == 400)
        #expect(answer.code == "invalid-query")
    }
}
