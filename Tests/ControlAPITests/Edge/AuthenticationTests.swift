import Access
import Foundation
import HTTP
import HTTPServer
import ProcessRuntime
import Testing

@testable import ControlAPI

/// Who is let in, over the whole handler.
struct AuthenticationTests {
    private static let tokens = ["alpha": ["admin"], "beta": ["read"]]

    // MARK: Tokens

    /// `Authorization` fields and the status of a read.
    private static let fields: [([String], Int)] = [
        ([], 401),
        (["Bearer alpha"], 200),
        (["bearer alpha"], 200),
        (["BEARER   alpha"], 200),
        (["Bearer"], 401),
        (["Bearer "], 401),
        (["Beareralpha"], 401),
        (["Bearer\talpha"], 401),
        (["Bearer Alpha"], 401),
        (["Bearer alpha "], 401),
        (["Bearer alpha, Bearer beta"], 401),
        (["Bearer alpha beta"], 401),
        (["Basic alpha"], 401),
        (["Basic dXNlcjphbHBoYQ=="], 401),
        (["alpha"], 401),
        (["Bearer \u{e4}lpha"], 401),
        (["Bearer \u{430}lpha"], 401),
        (["Bearer alpha\u{fffd}"], 401),
        (["Bearer " + String(repeating: "a", count: 100_000)], 401),
        (["Bearer alpha", "Bearer alpha"], 400),
        (["Bearer alpha", "Bearer wrong"], 400),
        (["Basic x", "Bearer alpha"], 400),
        (["", "Bearer alpha"], 400),
        ([""], 401),
    ]

    @Test(arguments: fields.indices)
    func `one field with a known token opens`(_ index: Int) throws {
        let (values, status) = Self.fields[index]
        let desk = try Desk(tokens: Self.tokens)
        let headers = values.map { ("Authorization", $0) }
        let answer = try desk.ask("GET", "/v1/names", headers: headers)
        #expect(answer.status == status)
        if status == 401 { #expect(answer.code == "unauthorized") }
        if status == 400 { #expect(answer.code == "invalid-request") }
    }

    @Test func `a refusal says how to do better, as RFC 6750 has it`() throws {
        let desk = try Desk(tokens: Self.tokens)
        func challenge(_ headers: [(String, String)], _ path: String = "/v1/names") throws
            -> String?
        {
            try desk.ask("DELETE", path + "/n", headers: headers).header("WWW-Authenticate")
        }
        #expect(try challenge([]) == #"Bearer realm="moonlet""#)
        #expect(try challenge([("Authorization", "Basic x")]) == #"Bearer realm="moonlet""#)
        #expect(
            try challenge(Keys.show("x")) == #"Bearer realm="moonlet", error="invalid_token""#
        )
        let narrow = try desk.ask("DELETE", "/v1/names/n", headers: Keys.show("beta"))
        #expect(narrow.status == 403 && narrow.code == "insufficient-scope")
        #expect(narrow.text("scope") == "control")
        #expect(
            narrow.header("WWW-Authenticate")
                == #"Bearer realm="moonlet", error="insufficient_scope", scope="control""#
        )
    }

    @Test func `an expired token is told from an unknown one`() throws {
        let keeper = try Keys.gatekeeper(["old": ["read"]], until: ["old": 1])
        let desk = Desk { $0.gatekeeper = keeper }
        let answer = try desk.ask("GET", "/v1/names", headers: Keys.show("old"))
        #expect(answer.status == 401)
        #expect(answer.text("detail") == "The token has expired.")
    }

    @Test func `probes, the contract and the page need no token`() throws {
        let keeper = try Keys.gatekeeper([:])
        let desk = Desk(
            { $0.gatekeeper = keeper },
            files: { $0.path == "/" ? Response(status: 200) : nil }
        )
        for path in ["/livez", "/readyz", "/openapi.yaml", "/"] {
            #expect(try desk.ask("GET", path).status == 200, "\(path)")
        }
        #expect(try desk.ask("OPTIONS", "/v1/processes").status == 204)
        #expect(try desk.ask("GET", "/v1/nothing").status == 404)
        #expect(try desk.ask("PUT", "/v1/processes").status == 405)
        #expect(try desk.ask("GET", "/v1/processes").status == 401)
        #expect(try desk.ask("HEAD", "/v1/processes").status == 401)
    }

    @Test func `without tokens nobody is asked`() throws {
        let desk = Desk()
        for headers in [[], Keys.show("x"), [("Authorization", "?"), ("Authorization", "?")]] {
            #expect(try desk.ask("GET", "/v1/names", headers: headers).status == 200)
        }
        let login = try desk.ask("POST", "/v1/login", #"{"token": "x"}"#)
        #expect(login.status == 204 && login.header("Set-Cookie") == nil)
    }

    @Test func `a preflight needs no token, and its site may send one`() throws {
        let keeper = try Keys.gatekeeper(Self.tokens)
        let desk = Desk {
            $0.gatekeeper = keeper
            $0.corsOrigins = ["https://ops.test"]
        }
        let origin = [("Origin", "https://ops.test")]
        let preflight = try desk.ask(
            "OPTIONS",
            "/v1/processes",
            headers: origin + [("Access-Control-Request-Method", "POST")]
        )
        #expect(preflight.status == 204)
        let allowed = preflight.header("Access-Control-Allow-Headers") ?? ""
        #expect(allowed.contains("Authorization"))
        let refused = try desk.ask("GET", "/v1/names", headers: origin)
        #expect(refused.status == 401)
        #expect(refused.header("Access-Control-Allow-Origin") == "https://ops.test")
        let served = try desk.ask("GET", "/v1/names", headers: origin + Keys.show("beta"))
        #expect(served.status == 200)
        #expect(served.header("Access-Control-Allow-Credentials") == nil)
    }

    @Test func `a body is not read for one who may not send it`() throws {
        let desk = try Desk(tokens: Self.tokens)
        func admission(_ path: String, _ headers: [(String, String)]) -> Admission {
            var headers = Headers(headers)
            headers.append("Content-Type", "application/json")
            return desk.api.admit(
                Request(method: "POST", path: path, authority: "localhost", headers: headers)
            )
        }
        func refusal(_ path: String, _ headers: [(String, String)]) -> Int? {
            if case .refuse(let response) = admission(path, headers) {
                response.status
            } else {
                nil
            }
        }
        #expect(refusal("/v1/processes", []) == 401)
        #expect(refusal("/v1/processes", Keys.show("x")) == 401)
        #expect(refusal("/v1/processes", Keys.show("beta")) == 403)
        #expect(refusal("/v1/processes", Keys.show("alpha")) == nil)
        // Who logs in has shown nothing yet, and needs little room.
        guard case .collect(let room, _) = admission("/v1/login", []) else {
            Issue.record("a login is refused")
            return
        }
        #expect(room == Login.bodyBytesMax)
    }

    @Test(arguments: ["PUT", "DELETE"])
    func `a token that is revoked while a body comes is good no longer`(_ method: String) throws {
        let keeper = try Keys.gatekeeper(["alpha": ["admin"]])
        let desk = Desk { $0.gatekeeper = keeper }
        func admission() throws -> (@Sendable ([UInt8], any Exchange) -> Void) {
            let head = Request(
                method: method,
                path: "/v1/names/n",
                authority: "localhost",
                headers: Headers(
                    Keys.show("alpha") + [("Content-Type", "application/json")]
                )
            )
            guard case .collect(_, let then) = desk.api.admit(head) else {
                throw Refusal.unknownToken
            }
            return then
        }
        let pid = try desk.process(name: "n")
        // The body of a DELETE may turn out to be empty.
        let body = method == "PUT" ? Array(#"{"pid": "\#(desk.text(pid))"}"#.utf8) : []
        let (served, refused) = (FakeExchange(), FakeExchange())
        let (first, second) = (try admission(), try admission())
        keeper.replace(try Keys.all(["alpha": ["read"]]))
        second(body, refused)
        #expect(refused.response?.status == 401)
        #expect(desk.runtime.lookup("n") == pid)
        keeper.replace(try Keys.all(["alpha": ["admin"]]))
        first(body, served)
        #expect(served.response?.status == (method == "PUT" ? 200 : 204))
    }

    // MARK: Cookies

    @Test func `a login gives a cookie that opens what its token opens`() throws {
        let desk = try Desk(tokens: Self.tokens)
        let answer = try desk.ask("POST", "/v1/login", #"{"token": "beta"}"#)
        let field = try #require(answer.header("Set-Cookie"))
        #expect(field.hasPrefix("moonlet_session="))
        #expect(field.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"))
        #expect(!field.contains("beta") && answer.header("Cache-Control") == "no-store")
        let cookie = [("Cookie", String(field.prefix { $0 != ";" }))]
        #expect(try desk.ask("GET", "/v1/names", headers: cookie).status == 200)
        let other = cookie + [("Origin", "http://localhost:7070")]
        #expect(try desk.ask("DELETE", "/v1/names/n", headers: other).code == "insufficient-scope")
    }

    @Test(arguments: [
        ("https", nil, true), ("HTTPS", nil, true), ("http", nil, false), (nil, nil, false),
        (nil, "https://localhost:7070", true), (nil, "http://localhost:7070", false),
    ])
    func `behind TLS the cookie is for TLS only`(proto: String?, origin: String?, is: Bool) throws {
        let desk = try Desk(tokens: Self.tokens)
        var headers: [(String, String)] = []
        if let proto { headers.append(("X-Forwarded-Proto", proto)) }
        if let origin { headers.append(("Origin", origin)) }
        let answer = try desk.ask(
            "POST",
            "/v1/login",
            #"{"token": "beta"}"#,
            headers: headers
        )
        #expect(answer.header("Set-Cookie")?.hasSuffix("; Secure") == `is`)
    }

    @Test(arguments: [
        #"{"token": "x"}"#, #"{"token": ""}"#, #"{"token": "beta "}"#, #"{"token": "Beta"}"#,
    ])
    func `no other token logs in`(_ body: String) throws {
        let desk = try Desk(tokens: Self.tokens)
        let answer = try desk.ask("POST", "/v1/login", body)
        #expect(answer.code == "unauthorized" && answer.header("Set-Cookie") == nil)
        #expect(answer.header("WWW-Authenticate") != nil)
    }

    @Test(arguments: ["{}", #"{"token": 1}"#, #"{"token": "beta", "name": "x"}"#, "[]", "token"])
    func `a login is a token and nothing else`(_ body: String) throws {
        let desk = try Desk(tokens: Self.tokens)
        let answer = try desk.ask("POST", "/v1/login", body)
        #expect(answer.status == 422 || answer.status == 400)
        #expect(answer.header("Set-Cookie") == nil)
    }

    @Test func `guessing is held up`() throws {
        let desk = try Desk(tokens: Self.tokens)
        var statuses: [Int] = []
        for _ in 0..<20 {
            statuses.append(try desk.ask("POST", "/v1/login", #"{"token": "x"}"#).status)
        }
        #expect(statuses.prefix(10).allSatisfy { $0 == 401 })
        #expect(statuses.dropFirst(10).allSatisfy { $0 == 429 })
        let held = try desk.ask("POST", "/v1/login", #"{"token": "x"}"#)
        #expect(held.code == "too-many-logins" && held.header("Retry-After") == "1")
        desk.simulation.advance(by: 1_000_000_000)
        #expect(try desk.ask("POST", "/v1/login", #"{"token": "x"}"#).status == 401)
    }

    @Test func `a right token is let in, whoever guesses at its address`() throws {
        let desk = try Desk(tokens: Self.tokens)
        for _ in 0..<20 { _ = try desk.ask("POST", "/v1/login", #"{"token": "x"}"#) }
        #expect(try desk.ask("POST", "/v1/login", #"{"token": "beta"}"#).status == 204)
        #expect(try desk.ask("POST", "/v1/login", #"{"token": "x"}"#).status == 429)
    }

    /// What a cookie-borne DELETE says of where it comes from, and whether it passes.
    private static let origins: [(String?, String?, Bool)] = [
        (nil, nil, false),
        (nil, "none", false),
        (nil, "same-site", false),
        (nil, "cross-site", false),
        (nil, "same-origin", true),
        ("http://localhost:7070", nil, true),
        ("http://localhost:7070", "same-origin", true),
        ("http://localhost:3000", "same-site", false),
        ("http://localhost:3000", nil, false),
        ("null", nil, false),
        ("https://ops.test", nil, false),
    ]

    @Test(arguments: origins.indices)
    func `a cookie changes nothing unless this server's page sent it`(_ index: Int) throws {
        let (origin, site, passes) = Self.origins[index]
        let keeper = try Keys.gatekeeper(Self.tokens)
        let desk = Desk {
            $0.gatekeeper = keeper
            $0.corsOrigins = ["https://ops.test"]
        }
        try desk.process(name: "n")
        let cookie = try desk.logIn("alpha")
        var headers = [("Cookie", cookie)]
        if let origin { headers.append(("Origin", origin)) }
        if let site { headers.append(("Sec-Fetch-Site", site)) }
        let answer = try desk.ask("DELETE", "/v1/names/n", headers: headers)
        #expect(answer.status == (passes ? 204 : 403))
        #expect((desk.runtime.lookup("n") == nil) == passes)
        #expect(try desk.ask("GET", "/v1/names", headers: [("Cookie", cookie)]).status == 200)
        // A token is not sent by itself, so it needs no such proof.
        if origin == nil, site == nil {
            let shown = try desk.ask("DELETE", "/v1/names/n", headers: Keys.show("alpha"))
            #expect(shown.status == 204)
        }
    }

    @Test func `a session is found among other cookies and in pieces`() throws {
        let desk = try Desk(tokens: Self.tokens)
        let cookie = try desk.logIn("beta")
        let good: [[String]] = [
            ["a=b; \(cookie)"], ["\(cookie); a=b"], ["a=b", cookie], [cookie, "x=\"y\""],
            ["other_moonlet_session=x; \(cookie)"], ["  \(cookie)"], [";;\(cookie);"],
        ]
        for fields in good {
            let headers = fields.map { ("Cookie", $0) }
            #expect(try desk.ask("GET", "/v1/names", headers: headers).status == 200, "\(fields)")
        }
        let secret = String(cookie.dropFirst("moonlet_session=".count))
        let bad: [([String], Int)] = [
            (["\(cookie); \(cookie)"], 400), ([cookie, "moonlet_session=evil"], 400),
            (["moonlet_session=evil; \(cookie)"], 400), (["moonlet_session="], 401),
            (["moonlet_session"], 401), (["Moonlet_Session=\(secret)"], 401), ([secret], 401),
            (["a=\(cookie)"], 401), (["moonlet_session=\"\(secret)\""], 401),
            (["moonlet_session=\(secret)x"], 401), (["moonlet_session=beta"], 401),
            ([""], 401), (["moonlet_session=" + String(repeating: "x", count: 10_000)], 401),
        ]
        for (fields, status) in bad {
            let headers = fields.map { ("Cookie", $0) }
            let answer = try desk.ask("GET", "/v1/names", headers: headers)
            #expect(answer.status == status, "\(fields)")
        }
    }

    @Test func `a token goes before a cookie, a wrong one too`() throws {
        let desk = try Desk(tokens: Self.tokens)
        let cookie = [("Cookie", try desk.logIn("alpha"))]
        let wrong = try desk.ask("GET", "/v1/names", headers: cookie + Keys.show("x"))
        #expect(wrong.status == 401)
        let less = try desk.ask("DELETE", "/v1/names/n", headers: cookie + Keys.show("beta"))
        #expect(less.status == 403)
        // Another scheme is no token at all.
        let basic = [("Authorization", "Basic eDp5")]
        #expect(try desk.ask("GET", "/v1/names", headers: cookie + basic).status == 200)
    }

    @Test func `logging out ends the session and takes the cookie away`() throws {
        let desk = try Desk(tokens: Self.tokens)
        let cookie = [("Cookie", try desk.logIn("beta"))]
        let answer = try desk.ask("POST", "/v1/logout", headers: cookie)
        #expect(answer.status == 204)
        #expect(
            answer.header("Set-Cookie")?.hasPrefix("moonlet_session=; Path=/; Max-Age=0") == true
        )
        #expect(try desk.ask("GET", "/v1/names", headers: cookie).status == 401)
        #expect(try desk.ask("POST", "/v1/logout").status == 204)
        #expect(
            try desk.ask("POST", "/v1/logout", headers: [("Origin", "http://evil.test")]).code
                == "cross-site-request"
        )
    }

    @Test func `a session that was fixed beforehand is none`() throws {
        let desk = try Desk(tokens: Self.tokens)
        let fixed = "moonlet_session=" + String(repeating: "x", count: 43)
        let first = try desk.logIn("beta", headers: [("Cookie", fixed)])
        #expect(first != fixed)
        #expect(try desk.ask("GET", "/v1/names", headers: [("Cookie", fixed)]).status == 401)
        // A login with a session of its own leaves one, not two.
        let second = try desk.logIn("alpha", headers: [("Cookie", first)])
        #expect(try desk.ask("GET", "/v1/names", headers: [("Cookie", first)]).status == 401)
        #expect(try desk.ask("GET", "/v1/names", headers: [("Cookie", second)]).status == 200)
    }

    // MARK: Streams

    private static let heartbeat: UInt64 = 15_000_000_000

    @Test func `a stream ends at the heartbeat after its token is revoked`() throws {
        let keeper = try Keys.gatekeeper(["e": ["events"]])
        let desk = Desk { $0.gatekeeper = keeper }
        let reader = try StreamReader(desk, headers: Keys.show("e"))
        reader.fill(now: 0)
        keeper.replace([])
        reader.fill(now: Self.heartbeat - 1)
        #expect(reader.take().map(\.event) == ["retry", "hello"])
        reader.fill(now: Self.heartbeat)
        let said = reader.take()
        #expect(said.map(\.event) == ["bye"] && reader.step == .ended)
        #expect(said.first?.json["reason"] as? String == "unauthorized")
        #expect(try desk.ask("GET", "/v1/events", headers: Keys.show("e")).status == 401)
    }

    @Test func `a stream that is never silent is looked at as often`() throws {
        let keeper = try Keys.gatekeeper(["e": ["events"]])
        let desk = Desk { $0.gatekeeper = keeper }
        let reader = try StreamReader(desk, headers: Keys.show("e"))
        reader.fill(now: 0)
        keeper.replace([])
        for step in 1..<30 {
            try desk.process()
            reader.fill(now: UInt64(step) * Self.heartbeat / 30)
        }
        #expect(reader.step != .ended)
        #expect(reader.take().filter { $0.event == "SPAWN" }.count == 29)
        try desk.process()
        reader.fill(now: Self.heartbeat)
        #expect(reader.take().map(\.event) == ["bye"])
    }

    @Test func `an idle stream asks to be looked at again in time`() throws {
        let keeper = try Keys.gatekeeper(["e": ["events"]])
        let desk = Desk { $0.gatekeeper = keeper }
        let reader = try StreamReader(desk, headers: Keys.show("e"))
        reader.fill(now: 0)
        try desk.process()
        reader.fill(now: 5)
        #expect(reader.step == .waiting(until: Self.heartbeat))
        reader.fill(now: Self.heartbeat)
        #expect(reader.step == .waiting(until: 5 + Self.heartbeat))
    }

    @Test func `a stream says that its token expired, and that its user logged out`() throws {
        let end: UInt64 = 1_700_000_010_000_000_000
        let keeper = try Keys.gatekeeper(
            ["e": ["events"], "f": ["events"]],
            until: ["e": end]
        )
        let desk = Desk { $0.gatekeeper = keeper }
        let expiring = try StreamReader(desk, headers: Keys.show("e"))
        let cookie = [("Cookie", try desk.logIn("f"))]
        let session = try StreamReader(desk, headers: cookie)
        let lasting = try StreamReader(desk, headers: Keys.show("f"))
        let readers = [expiring, session, lasting]
        for reader in readers { reader.fill(now: 0) }
        _ = try desk.ask("POST", "/v1/logout", headers: cookie)
        desk.simulation.advance(by: Self.heartbeat)
        let reasons = readers.map { reader -> String? in
            _ = reader.take()
            reader.fill(now: Self.heartbeat)
            return reader.take().last?.json["reason"] as? String
        }
        #expect(reasons == ["token-expired", "unauthorized", nil])
    }

    @Test func `a wait goes on until it is answered`() throws {
        let keeper = try Keys.gatekeeper(["r": ["read"]])
        let desk = Desk { $0.gatekeeper = keeper }
        let pid = try desk.process()
        let waiting = desk.start(
            "GET",
            "/v1/processes/\(desk.text(pid))/wait",
            headers: Keys.show("r")
        )
        keeper.replace([])
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        #expect(waiting.response?.status == 200)
    }

    // MARK: Idempotency

    @Test func `a key is the token's own`() throws {
        let desk = try Desk(tokens: ["a": ["spawn"], "b": ["spawn"]])
        func spawn(_ token: String, _ entry: String = "app:idle") throws -> Answer {
            try desk.ask(
                "POST",
                "/v1/processes",
                #"{"entry": "\#(entry)"}"#,
                headers: Keys.show(token) + [("Idempotency-Key", "k")]
            )
        }
        let first = try spawn("a")
        #expect(try spawn("a").bytes == first.bytes)
        let other = try spawn("b", "app:answer")
        #expect(other.status == 201 && other.header("Idempotency-Replayed") == nil)
        #expect(try spawn("a", "app:answer").status == 422)
        // A session of the same token shares its keys.
        let cookie = try desk.logIn("a")
        let again = try desk.ask(
            "POST",
            "/v1/processes",
            #"{"entry": "app:idle"}"#,
            headers: [
                ("Cookie", cookie), ("Origin", "http://localhost:7070"), ("Idempotency-Key", "k"),
            ]
        )
        #expect(again.header("Idempotency-Replayed") == "true")
    }
}
