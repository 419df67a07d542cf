import HTTP
import HTTPServer
import Testing

@testable import ControlAPI

/// What every request meets, whatever its endpoint: over the whole route table.
struct RequestTests {
    /// A target for a route, with two live processes and a name in it.
    static func target(_ route: Route, _ desk: Desk) throws -> String {
        let first = desk.text(try desk.process(name: "held"))
        let second = desk.text(try desk.process())
        return route.pattern
            .replacing("{id}", with: first)
            .replacing("{other}", with: second)
            .replacing("{name}", with: "held")
    }

    @Test(arguments: Routes.all.indices)
    func `an unknown query parameter is refused`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(route.method, target + "?bogus=1", "{}")
        #expect(answer.status == 400)
        #expect(answer.code == "invalid-query")
        #expect(answer.text("detail")?.contains("bogus") == true)
    }

    @Test(arguments: Routes.all.indices)
    func `a badly encoded query is refused`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(route.method, target + "?a=%zz", "{}")
        #expect(answer.code == "invalid-query")
    }

    @Test(arguments: Routes.all.indices)
    func `a parameter given twice is refused`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard let name = route.query.first else { return }
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(route.method, target + "?\(name)=1&\(name)=2")
        #expect(answer.code == "invalid-query")
    }

    @Test(arguments: Routes.all.indices)
    func `a wrong method is told the right ones`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask("PATCH", target)
        #expect(answer.status == 405)
        #expect(answer.code == "method-not-allowed")
        let allowed = answer.header("Allow")?.split(separator: ", ").map(String.init) ?? []
        var right = Routes.all.filter { $0.pattern == route.pattern }.map(\.method)
        if right.contains("GET") { right.append("HEAD") }
        #expect(Set(allowed) == Set(right + ["OPTIONS"]))
    }

    @Test func `a method no path has is not implemented`() throws {
        for method in ["BREW", "get"] {
            let answer = try Desk().ask(method, "/v1/names")
            #expect(answer.status == 501)
            #expect(answer.code == "not-implemented")
        }
    }

    @Test(arguments: Routes.all.indices)
    func `OPTIONS lists the methods`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        let answer = try desk.ask("OPTIONS", try RequestTests.target(route, desk))
        #expect(answer.status == 204)
        #expect(answer.header("Allow")?.contains(route.method) == true)
    }

    @Test(arguments: Routes.all.indices)
    func `a body of another type is refused`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        let types = [
            "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "",
            "application/json; charset=latin1",
        ]
        for type in types {
            let answer = try desk.ask(
                route.method,
                target,
                "{}",
                headers: [("Content-Type", type)]
            )
            #expect(answer.status == 415, "\(type)")
            #expect(answer.code == "unsupported-media-type")
        }
    }

    @Test(arguments: Routes.all.indices)
    func `a compressed body is refused`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        for codings in [["gzip"], ["identity", "br"], ["identity, gzip"]] {
            let headers =
                [("Content-Type", "application/json")]
                + codings.map { ("Content-Encoding", $0) }
            let answer = try desk.ask(route.method, target, "{}", headers: headers)
            #expect(answer.status == 415, "\(codings)")
            #expect(answer.header("Accept-Encoding") == "identity")
            let request = Request(
                method: route.method,
                path: target,
                authority: "localhost",
                headers: Headers(headers)
            )
            guard case .refuse(let refusal) = desk.api.admit(request) else {
                Issue.record("admitted")
                continue
            }
            #expect(refusal.status == 415)
        }
        let plain = [("Content-Type", "application/json"), ("Content-Encoding", "Identity")]
        #expect(try desk.ask(route.method, target, "{}", headers: plain).status != 415)
    }

    @Test(arguments: Routes.all.indices)
    func `a body that is no JSON is refused with its place`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(route.method, target, "{\n  \"a\": ,\n}")
        #expect(answer.status == 400)
        #expect(answer.code == "invalid-json")
        #expect(answer.integer("line") == 2)
        #expect(answer.integer("column") == 8)
    }

    @Test(arguments: Routes.all.indices)
    func `an unknown field is refused with its pointer`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(route.method, target, #"{"bo/gus": 1}"#)
        #expect(answer.status == 422)
        #expect(answer.code == "invalid-request")
        #expect(answer.pointers.contains("/bo~1gus"))
    }

    @Test(arguments: Routes.all.indices)
    func `a body that is no object is refused as a whole`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        for body in ["[]", "1", "\"x\"", "null", "true"] {
            let answer = try desk.ask(route.method, target, body)
            #expect(answer.status == 422)
            #expect(answer.pointers.first?.isEmpty == true)
        }
    }

    @Test(arguments: Routes.all.indices)
    func `a body over the limit is refused`(_ index: Int) throws {
        let desk = Desk { $0.bodyBytesMax = 64 }
        let route = Routes.all[index]
        guard route.takesJSON else { return }
        let target = try RequestTests.target(route, desk)
        let answer = try desk.ask(
            route.method,
            target,
            "{" + String(repeating: " ", count: 63) + "}"
        )
        #expect(answer.status == 413)
        #expect(answer.code == "payload-too-large")
    }

    @Test func `an optional body that says it is empty needs no type`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        func isAdmitted(_ length: String) -> Bool {
            let head = Request(
                method: "POST",
                path: "/v1/processes/\(pid)/cancel",
                authority: "localhost",
                headers: Headers([("Content-Length", length)])
            )
            if case .collect = desk.api.admit(head) { return true }
            return false
        }
        #expect(isAdmitted("0") && !isAdmitted("1"))
    }

    @Test func `an optional body of unknown length may be empty or of no type`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        func status(_ body: String, _ headers: [(String, String)] = []) -> Int? {
            let head = Request(
                method: "POST",
                path: "/v1/processes/\(pid)/cancel",
                authority: "localhost",
                headers: Headers([("Transfer-Encoding", "chunked")] + headers)
            )
            switch desk.api.admit(head) {
            case .collect(_, let then):
                let exchange = FakeExchange()
                then(Array(body.utf8), exchange)
                return exchange.response?.status
            case .refuse(let response): return response.status
            default: return nil
            }
        }
        #expect(status("") == 202)
        #expect(status("{}") == 415)
        #expect(status("", [("Content-Type", "text/plain")]) == 415)
        #expect(status("{}", [("Content-Type", "application/json")]) == 202)
    }

    @Test func `a request with a body has one id, as any other`() throws {
        let desk = Desk()
        func number(_ answer: Answer) throws -> Int {
            try #require(
                answer.header("X-Request-Id")?.split(separator: "-").last.flatMap { Int($0) }
            )
        }
        let first = try number(try desk.ask("POST", "/v1/exec", "{}"))
        let second = try number(try desk.ask("GET", "/livez"))
        #expect(second == first + 1)
    }

    @Test func `a required body may not be missing and an optional one may`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        #expect(try desk.ask("POST", "/v1/exec").status == 415)
        let json = [("Content-Type", "application/json")]
        let empty = try desk.ask("POST", "/v1/exec", nil, headers: json)
        #expect(empty.code == "invalid-json")
        #expect(try desk.ask("POST", "/v1/processes/\(pid)/cancel").status == 202)
    }

    @Test(arguments: Routes.all.indices)
    func `an id nobody has is not found`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.pattern.contains("{id}") else { return }
        let live = desk.text(try desk.process())
        let body = route.body == .required ? #"{"topic": "t"}"# : nil
        let old = "moon.0." + String(try #require(live.split(separator: ".").last))
        let cases = [
            (live + "9", "process-not-found"), (old, "process-not-found"),
            ("nobody", "process-not-found"), ("@nobody", "name-not-found"),
            ("@", "name-not-found"), ("%00", "process-not-found"),
        ]
        for (id, code) in cases {
            let target = route.pattern.replacing("{id}", with: id)
                .replacing("{other}", with: live)
            let answer = try desk.ask(route.method, target, body)
            #expect(answer.status == 404, "\(id)")
            #expect(answer.code == code, "\(id)")
        }
    }

    @Test func `what is nowhere is not found and says where`() throws {
        let desk = Desk()
        let paths = [
            "/v1", "/v1/", "/v1/process", "/v1/processes/", "/v1/names/", "/v1//names", "/nowhere",
            "/v1/processes/a/b/c", "/v1/%2e%2e/x", "/",
        ]
        for path in paths {
            let answer = try desk.ask("GET", path)
            #expect(answer.status == 404, "\(path)")
            #expect(answer.code == "route-not-found")
            #expect(answer.text("detail")?.contains(path) == true)
        }
        #expect(try desk.ask("POST", "/nowhere", "{}").status == 404)
        #expect(try desk.ask("POST", "/", "{}").status == 405)
        #expect(try desk.ask("OPTIONS", "/v1/nowhere").status == 404)
        #expect(try desk.ask("OPTIONS", "*").status == 204)
    }

    @Test func `everything else is a file with the fields of a page`() throws {
        let desk = Desk(files: { request in
            request.path == "/app.js" ? Response(status: 200, body: .bytes([1])) : nil
        })
        for method in ["GET", "HEAD"] {
            let answer = try desk.ask(method, "/app.js?v=2")
            #expect(answer.status == 200)
            #expect(answer.header("Content-Security-Policy")?.contains("'self'") == true)
            #expect(answer.header("Referrer-Policy") == "no-referrer")
            #expect(answer.header("X-Content-Type-Options") == "nosniff")
        }
        #expect(try desk.ask("GET", "/other.js").code == "route-not-found")
        #expect(try desk.ask("DELETE", "/app.js").code == "route-not-found")
    }

    @Test func `a file that cannot be read now is no missing file`() throws {
        let desk = Desk(files: { (_) throws(FilesFault) in
            throw FilesFault(reason: "Too many open files")
        })
        let answer = try desk.ask("GET", "/app.js")
        #expect(answer.status == 503)
        #expect(answer.code == "file-unavailable")
        #expect(answer["retryable"] as? Bool == true)
        #expect(answer.header("Retry-After") == "1")
        #expect(answer.text("detail") == "The file cannot be read now: Too many open files.")
    }

    @Test func `a contract that is not there is not found`() throws {
        let answer = try Desk(openapi: "").ask("GET", "/openapi.yaml")
        #expect(answer.status == 404)
        #expect(answer.code == "route-not-found")
        #expect(try Desk().ask("GET", "/openapi.yaml").status == 200)
    }

    @Test func `HEAD is answered as GET`() throws {
        let desk = Desk()
        let answer = try desk.ask("HEAD", "/v1/names")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "application/json")
    }

    @Test func `a sane request id is echoed and any other replaced`() throws {
        let desk = Desk()
        let longest = String(repeating: "a", count: 128)
        for id in ["r-7", "A.b_c-9", longest] {
            let answer = try desk.ask("GET", "/livez", headers: [("x-request-id", id)])
            #expect(answer.header("X-Request-Id") == id)
        }
        var made: [String] = []
        for id in ["", "a b", "a\tb", "é", longest + "a", "a/b", "<x>"] {
            let answer = try desk.ask("GET", "/livez", headers: [("X-Request-Id", id)])
            made.append(try #require(answer.header("X-Request-Id")))
        }
        made.append(try #require(desk.ask("GET", "/livez").header("X-Request-Id")))
        // From the injected 0xABCD.
        #expect(made == (1...made.count).map { "xxp-\($0)" })
    }

    @Test func `a problem has all its members and the request's id`() throws {
        let desk = Desk()
        let answer = try desk.ask("GET", "/v1/names/x", headers: [("X-Request-Id", "q1")])
        #expect(answer.text("type") == "/problems/name-not-found")
        #expect(answer.text("title") == "Name not found")
        #expect(answer.integer("status") == 404)
        #expect(answer.text("detail") == "name not registered: x")
        #expect(answer.text("code") == "name-not-found")
        #expect(answer.text("request_id") == "q1")
        #expect(answer["retryable"] as? Bool == false)
        #expect(answer.header("X-Request-Id") == "q1")
    }

    @Test func `the server's own refusals read the same, with and without a request`() {
        let desk = Desk { $0.corsOrigins = ["http://site.test"] }
        let fault = Fault(status: 413, code: "payload-too-large", detail: "too much")
        let request = Request(
            method: "POST",
            path: "/v1/exec",
            authority: "localhost",
            headers: Headers([("X-Request-Id", "r1"), ("Origin", "http://site.test")])
        )
        let response = desk.api.refuse(fault, of: request)
        let answer = Answer(response)
        #expect(answer.text("code") == "payload-too-large")
        #expect(answer.text("title") == "Payload too large")
        #expect(answer.integer("status") == 413)
        #expect(answer.text("request_id") == "r1" && answer.header("X-Request-Id") == "r1")
        #expect(answer.header("X-Content-Type-Options") == "nosniff")
        #expect(answer.header("Access-Control-Allow-Origin") == "http://site.test")
        #expect(Routes.labels[response.label].contains { $0 == ("route", "/v1/exec") })
        let syntax = Fault(status: 400, code: "invalid-request", detail: "bad head")
        let other = Answer(desk.api.refuse(syntax, of: nil))
        #expect(other.integer("status") == 400)
        #expect(other.text("request_id") == other.header("X-Request-Id"))
        #expect(other.header("X-Content-Type-Options") == "nosniff")
    }

    @Test func `a refusal in place of an answer is for the same request`() {
        let desk = Desk()
        var given = Response(
            status: 200,
            headers: Headers([
                ("X-Request-Id", "r2"), ("Access-Control-Allow-Origin", "http://site.test"),
            ])
        )
        given.label = 3
        let fault = Fault(
            status: 503,
            code: "stream-limit",
            detail: "too many",
            retryAfterSeconds: 5
        )
        let response = desk.api.refuse(fault, insteadOf: given)
        let answer = Answer(response)
        #expect(answer.integer("status") == 503 && response.label == 3)
        #expect(answer.text("request_id") == "r2" && answer.header("X-Request-Id") == "r2")
        #expect(answer.header("Access-Control-Allow-Origin") == "http://site.test")
        #expect(answer.header("Retry-After") == "5")
    }

    @Test func `a body that is not wanted is refused before it is read`() {
        let desk = Desk()
        func admission(_ type: String?, host: String = "localhost", path: String) -> Int? {
            let headers = Headers(type.map { [("Content-Type", $0)] } ?? [])
            let head = Request(method: "POST", path: path, authority: host, headers: headers)
            guard case .refuse(let response) = desk.api.admit(head) else { return nil }
            return response.status
        }
        #expect(admission("application/json", path: "/v1/exec") == nil)
        #expect(admission("text/plain", path: "/v1/exec") == 415)
        #expect(admission("application/json", host: "evil.test", path: "/v1/exec") == 421)
        #expect(admission(nil, path: "/unknown") == 404)
    }

    @Test func `a body for what is nowhere is not read`() {
        let desk = Desk(files: { request in
            request.path == "/app.js" ? Response(status: 200, body: .bytes([1])) : nil
        })
        func admission(_ method: String, _ path: String) -> Admission {
            desk.api.admit(Request(method: method, path: path, authority: "localhost"))
        }
        let refused = [
            ("POST", "/unknown", 404), ("GET", "/unknown", 404), ("POST", "/v1/unknown", 404),
            ("OPTIONS", "/v1/unknown", 404), ("DELETE", "/v1/names", 405), ("POST", "/", 405),
            ("BREW", "/v1/names", 501), ("POST", "/v1/names/%zz", 400), ("POST", "/app.js", 404),
        ]
        for (method, path, status) in refused {
            guard case .refuse(let response) = admission(method, path) else {
                Issue.record("\(method) \(path) is admitted")
                continue
            }
            #expect(response.status == status, "\(method) \(path)")
            #expect(response.headers["X-Request-Id"] != nil)
        }
        // What is there is answered all the same.
        for (method, path, status) in [("GET", "/app.js", 200), ("OPTIONS", "/v1/names", 204)] {
            guard case .collect(let bytesMax, let then) = admission(method, path) else {
                Issue.record("\(method) \(path) is not collected")
                continue
            }
            let exchange = FakeExchange()
            then([1, 2], exchange)
            #expect(exchange.response?.status == status && bytesMax == 64 << 10)
        }
    }

    @Test(arguments: Routes.all.indices)
    func `where no body is looked at little of one is read`(_ index: Int) throws {
        let (desk, route) = (Desk(), Routes.all[index])
        guard route.body == .none else { return }
        let target = try RequestTests.target(route, desk)
        let parts = target.split(separator: "?")
        let head = Request(method: route.method, path: String(parts[0]), authority: "localhost")
        guard case .collect(let bytesMax, _) = desk.api.admit(head) else {
            Issue.record("not collected")
            return
        }
        #expect(bytesMax == 64 << 10)
    }
}

extension Route {
    /// Whether it has a body in JSON; lines of it are another thing.
    fileprivate var takesJSON: Bool { body == .required || body == .optional }
}
