import Access
import Logging
import ProcessRuntime
import Testing

@testable import ControlAPI

/// What the log says of those who change something, and of those who were not let in.
struct AuditLogTests {
    private static func desk(
        _ tokens: [String: [String]]?,
        _ notebook: Notebook
    ) throws -> Desk {
        let keeper = try tokens.map { try Keys.gatekeeper($0) }
        return Desk(
            {
                $0.gatekeeper = keeper
                $0.audits = true
            },
            log: notebook.logger
        )
    }

    private static func audits(_ notebook: Notebook) -> [[String: String]] {
        notebook.lines.filter { $0.message == "audit" }.map(\.fields)
    }

    @Test func `a request that changes something is a line, one that reads is none`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(["ci": ["admin"]], notebook)
        let headers = Keys.show("ci") + [("X-Request-Id", "r1")]
        _ = try desk.ask("GET", "/v1/processes", headers: headers)
        _ = try desk.ask("HEAD", "/v1/processes", headers: headers)
        #expect(Self.audits(notebook).isEmpty)
        let pid = try #require(
            try desk.ask(
                "POST",
                "/v1/processes",
                #"{"entry": "app:idle", "args": ["secret"], "name": "n"}"#,
                headers: headers
            ).text("pid")
        )
        _ = try desk.ask(
            "POST",
            "/v1/processes/@n/messages",
            #"{"topic": "t", "payload": "secret"}"#,
            headers: headers
        )
        _ = try desk.ask("DELETE", "/v1/processes/\(pid)", headers: headers)
        let lines = Self.audits(notebook)
        #expect(lines.map { $0["target"] } == ["app:idle \(pid)", "@n", pid])
        #expect(lines.map { $0["status"] } == ["201", "202", "204"])
        #expect(lines.map { $0["method"] } == ["POST", "POST", "DELETE"])
        #expect(lines[2]["route"] == "/v1/processes/{id}")
        for line in lines {
            #expect(line["who"] == "ci" && line["by"] == "token" && line["request_id"] == "r1")
        }
        #expect(!notebook.lines.contains { "\($0)".contains("secret") })
        #expect(!notebook.lines.contains { "\($0)".contains("Bearer") })
    }

    @Test func `refusals are lines too, where it is known who was refused`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(["ci": ["control"]], notebook)
        _ = try desk.ask("DELETE", "/v1/names/n", headers: Keys.show("ci"))
        _ = try desk.ask("DELETE", "/v1/names/n?x=1", headers: Keys.show("ci"))
        _ = try desk.ask("POST", "/v1/processes", "{}", headers: Keys.show("ci"))
        let text = Keys.show("ci") + [("Content-Type", "text/plain")]
        _ = try desk.ask("PUT", "/v1/names/n", "{}", headers: text)
        _ = try desk.ask("DELETE", "/v1/names/n")
        let statuses = Self.audits(notebook).map { $0["status"] }
        #expect(statuses == ["404", "400", "403", "415"])
        #expect(Self.audits(notebook).allSatisfy { $0["who"] == "ci" })
    }

    @Test func `a login says whose it was, and a session whose it is`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(["ci": ["admin"]], notebook)
        let cookie = try desk.logIn("ci")
        _ = try desk.ask(
            "DELETE",
            "/v1/names/n",
            headers: [("Cookie", cookie), ("Origin", "http://localhost:7070")]
        )
        let lines = Self.audits(notebook)
        #expect(lines.map { $0["who"] } == ["ci", "ci"])
        #expect(lines.map { $0["by"] } == ["nothing", "session"])
        let secret = String(cookie.dropFirst("moonlet_session=".count))
        #expect(!notebook.lines.contains { "\($0)".contains(secret) })
    }

    @Test func `who is nobody writes no audit line, however often it comes`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(["ci": ["admin"]], notebook)
        let cookie = try desk.logIn("ci")
        #expect(Self.audits(notebook).count == 1)
        for _ in 0..<100 {
            #expect(try desk.ask("POST", "/v1/logout").status == 204)
            let wrong = [("Cookie", "moonlet_session=guess")]
            #expect(try desk.ask("POST", "/v1/logout", headers: wrong).status == 204)
            _ = try desk.ask("POST", "/v1/login", #"{"token": "guess"}"#)
            _ = try desk.ask("POST", "/v1/login", "{}")
            _ = try desk.ask("POST", "/v1/login", "{}", headers: [("Content-Type", "a/b")])
        }
        #expect(Self.audits(notebook).count == 1)
        #expect(notebook.lines.count { $0.level >= .info } == 11)
        // Its own session's end is somebody's.
        let own = [("Cookie", cookie), ("Origin", "http://localhost:7070")]
        _ = try desk.ask("POST", "/v1/logout", headers: own)
        let line = try #require(Self.audits(notebook).last)
        #expect(Self.audits(notebook).count == 2)
        #expect(line["route"] == "/v1/logout" && line["who"] == "ci")
    }

    @Test func `a name of a megabyte is repeated neither in the log nor in the answer`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(nil, notebook)
        let name = String(repeating: "x", count: 900_000)
        let bodies = [
            #"{"entry": "\#(name)"}"#, #"{"entry": "app:idle", "host": "\#(name)"}"#,
            #"{"entry": "app:idle", "\#(name)": 1}"#,
        ]
        for body in bodies {
            let answer = try desk.ask("POST", "/v1/processes", body)
            #expect(answer.status == 422 && answer.bytes.count < 2_000)
            #expect(answer.pointers.allSatisfy { $0.utf8.count < 300 })
        }
        for path in ["/v1/names/\(name.prefix(10_000))", "/\(name.prefix(10_000))"] {
            let answer = try desk.ask("DELETE", path)
            #expect(answer.status == 404 && answer.bytes.count < 1_000)
        }
        #expect(Self.audits(notebook).count == 4)
        for line in notebook.lines {
            let bytes = line.fields.map(\.value.utf8.count).reduce(line.message.utf8.count, +)
            #expect(bytes < 1_500)
        }
    }

    @Test func `a client that goes away leaves its line, and a replay says that it is one`() throws
    {
        let notebook = Notebook()
        let desk = try Self.desk(nil, notebook)
        let exchange = desk.start("POST", "/v1/exec", #"{"entry": "app:stuck"}"#)
        desk.settle()
        #expect(Self.audits(notebook).isEmpty)
        exchange.disconnect()
        desk.settle()
        let line = try #require(Self.audits(notebook).first)
        #expect(line["status"] == "client gone" && line["who"] == "anonymous")
        #expect(line["target"]?.hasPrefix("app:stuck ") == true)
        for _ in 0..<2 {
            _ = try desk.ask(
                "POST",
                "/v1/processes",
                #"{"entry": "app:idle"}"#,
                headers: [("Idempotency-Key", "k")]
            )
        }
        #expect(Self.audits(notebook).dropFirst().map { $0["status"] } == ["201", "201 replayed"])
    }

    @Test func `who is not let in is told ten times a minute, and then how often`() throws {
        let notebook = Notebook()
        let desk = try Self.desk(["ci": ["read"]], notebook)
        func refusals() -> [Notebook.Line] {
            notebook.lines.filter { $0.message.hasPrefix("not let in") }
        }
        for _ in 0..<100 { _ = try desk.ask("GET", "/v1/names", headers: Keys.show("guess")) }
        #expect(refusals().count == 10)
        #expect(refusals().allSatisfy { $0.level == .warning && $0.fields["path"] == "/v1/names" })
        desk.simulation.advance(by: 60_000_000_000)
        _ = try desk.ask("POST", "/v1/login", #"{"token": "guess"}"#)
        #expect(refusals().count == 12)
        #expect(refusals()[10].fields["times"] == "90")
        #expect(!notebook.lines.contains { "\($0)".contains("guess") })
    }
}
