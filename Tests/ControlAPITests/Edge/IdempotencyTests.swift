import Access
import Foundation
import HTTP
import ProcessRuntime
import Testing

@testable import ControlAPI

/// `Idempotency-Key` over the whole handler.
struct IdempotencyTests {
    private static let key = [("Idempotency-Key", "k")]
    private static let idle = #"{"entry": "app:idle"}"#

    private static func isReplay(_ answer: Answer) -> Bool {
        answer.header("Idempotency-Replayed") == "true"
    }

    @Test func `a spawn repeated with its key spawns once and gets the same answer`() throws {
        let desk = Desk()
        let spawn = { try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key) }
        let (first, second) = (try spawn(), try spawn())
        #expect(desk.orders.current.count == 1)
        #expect(first.status == 201)
        #expect(second.status == 201)
        #expect(first.bytes == second.bytes)
        #expect(first.header("Idempotency-Replayed") == nil)
        var fields = second.response.headers
        #expect(fields["Idempotency-Replayed"] == "true")
        fields.remove("Idempotency-Replayed")
        fields.remove("X-Request-Id")
        var firstFields = first.response.headers
        firstFields.remove("X-Request-Id")
        #expect(fields == firstFields)
        #expect(second.header("X-Request-Id") != nil)
        #expect(first.header("X-Request-Id") != second.header("X-Request-Id"))
    }

    @Test func `without a key or with another each request is done`() throws {
        let desk = Desk()
        for headers in [[], [], [("Idempotency-Key", "a")], [("Idempotency-Key", "b")]] {
            let answer = try desk.ask("POST", "/v1/processes", Self.idle, headers: headers)
            #expect(answer.status == 201)
            #expect(!Self.isReplay(answer))
        }
        #expect(desk.orders.current.count == 4)
    }

    @Test func `a message repeated with its key arrives once`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let send = {
            try desk.ask(
                "POST",
                "/v1/processes/\(desk.text(pid))/messages",
                #"{"topic": "t"}"#,
                headers: Self.key
            )
        }
        let (first, second) = (try send(), try send())
        #expect(first.status == 202)
        #expect(first.bytes == second.bytes)
        #expect(Self.isReplay(second))
        #expect(desk.runtime.snapshot(pid)?.mailboxMessages == 1)
    }

    @Test func `another body or another path with the key is refused`() throws {
        let desk = Desk()
        _ = try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key)
        let body = #"{"entry":"app:idle"}"#
        for (path, body) in [("/v1/processes", body), ("/v1/exec", Self.idle)] {
            let answer = try desk.ask("POST", path, body, headers: Self.key)
            #expect(answer.status == 422)
            #expect(answer.code == "idempotency-key-reused")
        }
        #expect(desk.orders.current.count == 1)
    }

    @Test func `an exec at work is not begun again and its answer is kept`() throws {
        let desk = Desk()
        let body = #"{"entry": "app:answer"}"#
        let exchange = desk.start("POST", "/v1/exec", body, headers: Self.key)
        #expect(exchange.responseCount == 0)
        let early = desk.start("POST", "/v1/exec", body, headers: Self.key)
        let refusal = Answer(try #require(early.response))
        #expect(refusal.status == 409)
        #expect(refusal.code == "idempotency-in-progress")
        desk.settle()
        let late = try desk.ask("POST", "/v1/exec", body, headers: Self.key)
        #expect(late.integer("result") == 42)
        #expect(Self.isReplay(late))
        #expect(late.bytes == Answer(try #require(exchange.response)).bytes)
        #expect(desk.orders.current.count == 1)
    }

    @Test func `a token that allows less, or is another's, gets no answer of before`() throws {
        let keeper = try Keys.gatekeeper(["ci": ["spawn", "send"], "other": ["spawn"]])
        let desk = Desk { $0.gatekeeper = keeper }
        func ask(_ token: String, _ path: String = "/v1/exec") throws -> Answer {
            try desk.ask(
                "POST",
                path,
                #"{"entry": "app:answer"}"#,
                headers: Keys.show(token) + Self.key
            )
        }
        #expect(try ask("ci").integer("result") == 42)
        #expect(Self.isReplay(try ask("ci")))
        // Narrowed: what it got before it may not have now.
        keeper.replace(try Keys.all(["ci": ["spawn:app:idle"]]))
        #expect(try ask("ci").code == "insufficient-scope")
        // The name is given to another secret.
        let scopes = [Scope(.spawn), Scope(.send)]
        keeper.replace([Token(name: "ci", digest: Digest(of: "new"), scopes: scopes)])
        let first = try ask("new")
        #expect(first.status == 200 && !Self.isReplay(first))
        // As it was: it is the same token.
        keeper.replace(try Keys.all(["ci": ["spawn", "send"]]))
        #expect(Self.isReplay(try ask("ci")))
    }

    @Test func `what a token was refused is asked anew`() throws {
        let desk = try Desk(tokens: ["ci": ["send:printer"]])
        let pid = try desk.process()
        func send() throws -> Answer {
            try desk.ask(
                "POST",
                "/v1/processes/\(desk.text(pid))/messages",
                #"{"topic": "t"}"#,
                headers: Keys.show("ci") + Self.key
            )
        }
        #expect(try send().status == 403)
        _ = try desk.runtime.register("printer", for: pid)
        #expect(try send().status == 202)
        #expect(Self.isReplay(try send()))
    }

    @Test func `an answer is kept for ten minutes`() throws {
        let desk = Desk()
        let spawn = { try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key) }
        _ = try spawn()
        desk.simulation.advance(by: 599_999_999_999)
        #expect(Self.isReplay(try spawn()))
        desk.simulation.advance(by: 1)
        #expect(!Self.isReplay(try spawn()))
        #expect(desk.orders.current.count == 2)
    }

    @Test func `a refusal is an answer and is kept`() throws {
        let desk = Desk()
        let body = #"{"entry": "app:nobody"}"#
        let spawn = { try desk.ask("POST", "/v1/processes", body, headers: Self.key) }
        let (first, second) = (try spawn(), try spawn())
        #expect(first.status == 422)
        #expect(first.bytes == second.bytes)
        #expect(Self.isReplay(second))
        #expect(desk.orders.current.count == 1)
    }

    @Test func `a failure of the server is not kept`() throws {
        var full = Desk.small
        full.processesMax = 1
        let desk = Desk(runtime: full)
        let pid = try desk.process()
        let spawn = { try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key) }
        #expect(try spawn().status == 503)
        #expect(try spawn().status == 503)
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        let answer = try spawn()
        #expect(answer.status == 201)
        #expect(!Self.isReplay(answer))
    }

    @Test func `what is answered while draining is only what was done before`() throws {
        let desk = Desk()
        _ = try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key)
        desk.api.beginDrain()
        let answer = try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key)
        #expect(Self.isReplay(answer))
        let other = [("Idempotency-Key", "other")]
        #expect(
            try desk.ask("POST", "/v1/processes", Self.idle, headers: other).code == "draining"
        )
    }

    /// How a wait ends: by the time, or by the client's leaving.
    @Test(arguments: [true, false])
    func `an exec that was terminated runs anew`(_ byTime: Bool) throws {
        let desk = Desk()
        let exchange = desk.start("POST", "/v1/exec", Self.idle, headers: Self.key)
        if byTime { exchange.elapse() } else { exchange.disconnect() }
        desk.settle()
        let again = desk.start("POST", "/v1/exec", Self.idle, headers: Self.key)
        #expect(again.responseCount == 0)
        #expect(desk.orders.current.count == 2)
    }

    @Test(arguments: [true, false])
    func `a detached exec keeps its key until it ends`(_ byTime: Bool) throws {
        let desk = Desk()
        let body = #"{"entry": "app:idle", "name": "n", "on_timeout": "detach"}"#
        let exchange = desk.start("POST", "/v1/exec", body, headers: Self.key)
        let pid = try #require(desk.runtime.lookup("n"))
        if byTime { exchange.elapse() } else { exchange.disconnect() }
        desk.settle()
        #expect(exchange.response?.status == (byTime ? 504 : nil))
        let during = try desk.ask("POST", "/v1/exec", body, headers: Self.key)
        #expect(during.code == "idempotency-in-progress")
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        let after = try desk.ask("POST", "/v1/exec", body, headers: Self.key)
        #expect(after.status == 200)
        #expect(after.text("pid") == desk.text(pid))
        #expect(after.text("outcome") == "error")
        #expect(Self.isReplay(after))
        #expect(desk.orders.current.count == 1)
    }

    @Test(arguments: [
        [""], [String(repeating: "k", count: 256)], ["a\u{7F}"], ["a\tb"], ["\u{E9}"], ["a", "a"],
    ])
    func `what cannot be a key is refused before anything is done`(_ keys: [String]) throws {
        let desk = Desk()
        let headers = keys.map { ("Idempotency-Key", $0) }
        let answer = try desk.ask("POST", "/v1/processes", Self.idle, headers: headers)
        #expect(answer.status == 400)
        #expect(answer.code == "invalid-request")
        #expect(answer.text("detail")?.contains("Idempotency-Key") == true)
        #expect(desk.orders.current.isEmpty)
    }

    @Test func `every printable character is good for a key`() throws {
        let desk = Desk()
        let all = String(decoding: Array(0x20...0x7E), as: UTF8.self)
        for key in ["k", all, String(repeating: "k", count: 255)] {
            let headers = [("idempotency-key", key)]
            let spawn = { try desk.ask("POST", "/v1/processes", Self.idle, headers: headers) }
            #expect(try spawn().status == 201)
            #expect(Self.isReplay(try spawn()))
        }
    }

    @Test func `other routes do not look at the key`() throws {
        let desk = Desk()
        let headers = [("Idempotency-Key", "")]
        #expect(try desk.ask("GET", "/v1/processes", headers: headers).status == 200)
    }

    @Test func `a listed site may see that an answer is a stored one`() throws {
        let desk = Desk { $0.corsOrigins = ["https://ops.test"] }
        let answer = try desk.ask(
            "POST",
            "/v1/processes",
            Self.idle,
            headers: Self.key + [("Origin", "https://ops.test")]
        )
        let exposed = answer.header("Access-Control-Expose-Headers") ?? ""
        #expect(exposed.contains("Idempotency-Replayed"))
        // The stored answer is dressed for who asks now.
        let replay = try desk.ask("POST", "/v1/processes", Self.idle, headers: Self.key)
        #expect(Self.isReplay(replay))
        #expect(replay.header("Access-Control-Allow-Origin") == nil)
    }

    @Test func `the contract promises keys where the routes heed them`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let yaml = try String(contentsOf: root.appending(path: "openapi.yaml"), encoding: .utf8)
        var promised: Set<String> = []
        var (path, method) = ("", "")
        for line in yaml.split(separator: "\n") {
            if line.hasPrefix("  /") { path = String(line.dropFirst(2).dropLast()) }
            if line.hasPrefix("    "), !line.hasPrefix("     "), line.hasSuffix(":") {
                method = line.dropFirst(4).dropLast().uppercased()
            }
            if line.contains("parameters/IdempotencyKey") { promised.insert("\(method) \(path)") }
        }
        let heeded = Routes.all.filter(\.isIdempotent).map { "\($0.method) \($0.pattern)" }
        #expect(promised == Set(heeded))
        #expect(heeded.count == 4)
    }
}
