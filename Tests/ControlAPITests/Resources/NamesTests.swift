import ProcessRuntime
import Testing

@testable import ControlAPI

struct NamesTests {
    private func put(_ desk: Desk, _ name: String, _ pid: String) throws -> Answer {
        try desk.ask("PUT", "/v1/names/\(name)", #"{"pid": "\#(pid)"}"#)
    }

    @Test func `a name is new once and its owner's ever after`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        let before = desk.id(desk.runtime.feed.latest)
        let first = try put(desk, "a%2Fb%20c", pid)
        #expect(first.status == 201)
        #expect(first.header("Location") == "/v1/names/a%2Fb%20c")
        #expect(first.text("name") == "a/b c")
        #expect(first.text("pid") == pid)
        #expect(first.text("position") == before)
        let again = try put(desk, "a%2Fb%20c", pid)
        #expect(again.status == 200)
        #expect(again.header("Location") == nil)
        #expect(try desk.ask("GET", "/v1/names/a%2Fb%20c").text("pid") == pid)
    }

    @Test func `a taken name stays and its owner is told`() throws {
        let desk = Desk()
        let (owner, other) = (try desk.process(name: "n"), try desk.process())
        let answer = try put(desk, "n", desk.text(other))
        #expect(answer.status == 409)
        #expect(answer.code == "name-taken")
        #expect(answer.text("owner") == desk.text(owner))
        #expect(desk.runtime.lookup("n") == owner)
    }

    @Test func `the dead and what is no pid get no name`() throws {
        let desk = Desk()
        let dead = desk.text(try desk.process("app:answer"))
        for pid in [dead, "x", "@n"] {
            #expect(try put(desk, "n", pid).code == "process-not-found")
        }
        #expect(try put(desk, "n", "").pointers == ["/pid"])
        #expect(try desk.ask("PUT", "/v1/names/n", "{}").pointers == ["/pid"])
        #expect(try desk.ask("PUT", "/v1/names/n", #"{"pid": 1}"#).pointers == ["/pid"])
    }

    @Test func `a name that may not be is refused`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        for name in [pid, "moon.abc.1", String(repeating: "n", count: 257)] {
            let answer = try put(desk, name, pid)
            #expect(answer.status == 422)
            #expect(answer.code == "invalid-request")
            #expect(answer.pointers == [""])
        }
    }

    @Test func `the list is in order of names`() throws {
        let desk = Desk()
        let pids = try ["b", "a", "c"].map { desk.text(try desk.process(name: $0)) }
        let answer = try desk.ask("GET", "/v1/names")
        #expect(answer.list("items").compactMap { $0["name"] as? String } == ["a", "b", "c"])
        #expect(
            answer.list("items").compactMap { $0["pid"] as? String } == [pids[1], pids[0], pids[2]]
        )
        #expect(answer.text("position") == desk.id(desk.runtime.feed.latest))
    }

    @Test func `a name is freed once`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        #expect(try desk.ask("DELETE", "/v1/names/n").status == 204)
        #expect(try desk.ask("DELETE", "/v1/names/n").code == "name-not-found")
        #expect(try desk.ask("GET", "/v1/names/n").code == "name-not-found")
        #expect(desk.runtime.isAlive(pid))
    }
}
