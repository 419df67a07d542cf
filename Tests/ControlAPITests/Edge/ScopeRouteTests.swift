import Access
import Foundation
import HTTP
import HTTPServer
import ProcessRuntime
import Testing

@testable import ControlAPI

/// What each scope opens: every scope at every route.
struct ScopeRouteTests {
    /// What each route is for, written down a second time.
    static let rights: [String: String] = [
        "POST /v1/processes": "spawn", "GET /v1/processes": "read",
        "GET /v1/processes/{id}": "read", "DELETE /v1/processes/{id}": "control",
        "GET /v1/processes/{id}/wait": "read", "POST /v1/processes/{id}/cancel": "control",
        "POST /v1/processes/{id}/messages": "send",
        "PUT /v1/processes/{id}/links/{other}": "control",
        "DELETE /v1/processes/{id}/links/{other}": "control", "POST /v1/exec": "spawn",
        "GET /v1/names": "read", "GET /v1/names/{name}": "read",
        "PUT /v1/names/{name}": "control", "DELETE /v1/names/{name}": "control",
        "GET /v1/entries": "read", "GET /v1/hosts": "read", "GET /v1/events": "events",
        "GET /v1/system": "read", "GET /livez": "", "GET /readyz": "", "GET /openapi.yaml": "",
        "POST /v1/processes/{id}/call": "send", "POST /v1/messages": "send",
        "GET /metrics": "read", "POST /v1/login": "", "POST /v1/logout": "",
    ]

    /// A request for a route about the process named `n`, whose entry is `app:idle`.
    private static func send(
        _ route: Route,
        _ desk: Desk,
        _ headers: [(String, String)],
        entry: String = "app:idle"
    ) throws -> Int {
        let pid = desk.runtime.lookup("n").map(desk.text) ?? "n"
        let path = route.pattern
            .replacing("{id}", with: "@n").replacing("{other}", with: "@n")
            .replacing("{name}", with: "n")
        let body: String? =
            switch (route.method, route.pattern) {
            case ("POST", "/v1/processes"): #"{"entry": "\#(entry)"}"#
            case ("POST", "/v1/exec"): #"{"entry": "\#(entry)", "timeout_ms": 1}"#
            case ("POST", "/v1/processes/{id}/messages"): #"{"topic": "t"}"#
            case ("POST", "/v1/processes/{id}/call"): #"{"topic": "t", "timeout_ms": 1}"#
            case ("POST", "/v1/messages"): #"{"to": "@n", "topic": "t"}"#
            case ("PUT", "/v1/names/{name}"): #"{"pid": "\#(pid)"}"#
            case ("POST", "/v1/login"): #"{"token": "t"}"#
            default: nil
            }
        let type = route.body == .lines ? [("Content-Type", "application/x-ndjson")] : []
        let exchange = desk.start(route.method, path, body, headers: headers + type)
        desk.settle()
        exchange.elapse()
        desk.simulation.advance(by: 2_000_000)
        desk.settle()
        guard let response = exchange.response else { return 0 }
        if case .stream(let stream) = response.body { stream.stop() }
        return response.status
    }

    @Test func `every route says what it needs`() {
        let stated = Routes.all.map { ("\($0.method) \($0.pattern)", $0.right?.rawValue ?? "") }
        #expect(Dictionary(uniqueKeysWithValues: stated) == Self.rights)
    }

    @Test(arguments: ["", "read", "spawn", "send", "control", "events", "admin"])
    func `a scope opens its routes and no others`(_ scope: String) throws {
        for route in Routes.all {
            let desk = try Desk(tokens: ["t": scope.isEmpty ? [] : [scope]])
            try desk.process(name: "n")
            let needed = try #require(Self.rights["\(route.method) \(route.pattern)"])
            let isOpen = needed.isEmpty || scope == needed || scope == "admin"
            let status = try Self.send(route, desk, Keys.show("t"))
            #expect((status == 403) == !isOpen, "\(route.method) \(route.pattern): \(status)")
            #expect(status != 401 && status != 0)
            #expect(try Self.send(route, desk, []) == 401 || needed.isEmpty)
        }
    }

    /// Where a narrowed scope shows less instead of refusing, or refuses line by line.
    private static let lists = [
        "GET /v1/processes", "GET /v1/names", "GET /v1/entries", "GET /v1/events",
        "POST /v1/messages",
    ]
    /// Where it refuses, whatever it covers.
    private static let whole = ["/v1/hosts", "/v1/system", "/metrics"]

    /// Narrowed to what, and whether that covers the process `n` of `app:idle`, and new ones.
    private static let patterns: [(String, process: Bool, spawn: Bool)] = [
        ("app:idle", true, true), ("app:*", true, true), ("n", true, false), ("n*", true, false),
        ("app:idl", false, false), ("app:answer", false, false), ("m", false, false),
        ("other:*", false, false),
    ]

    @Test(arguments: patterns.indices)
    func `a narrowed scope opens what it covers`(_ index: Int) throws {
        let (pattern, coversProcess, coversSpawn) = Self.patterns[index]
        for route in Routes.all {
            guard let right = route.right else { continue }
            let desk = try Desk(tokens: ["t": ["\(right.rawValue):\(pattern)"]])
            try desk.process(name: "n")
            let isList = Self.lists.contains("\(route.method) \(route.pattern)")
            var isOpen = right == .spawn ? coversSpawn : coversProcess
            if isList { isOpen = true }
            if Self.whole.contains(route.pattern) { isOpen = false }
            // The name itself must be covered, too.
            if route.method == "PUT", route.pattern == "/v1/names/{name}" {
                isOpen = pattern.hasPrefix("n")
            }
            let status = try Self.send(route, desk, Keys.show("t"))
            #expect((status == 403) == !isOpen, "\(route.method) \(route.pattern): \(status)")
        }
    }

    @Test func `lists show what a narrowed scope covers`() throws {
        let desk = try Desk(tokens: [
            "idle": ["read:app:idle"], "name": ["read:n*"], "none": ["read:x"], "all": ["read"],
        ])
        let (idle, stuck) = (try desk.process(name: "n"), try desk.process("app:stuck", name: "m"))
        func items(_ path: String, _ token: String, _ member: String) throws -> [String] {
            try desk.ask("GET", path, headers: Keys.show(token)).list("items")
                .compactMap { $0[member] as? String }
        }
        #expect(try items("/v1/processes", "idle", "pid") == [desk.text(idle)])
        #expect(try items("/v1/processes", "name", "pid") == [desk.text(idle)])
        #expect(try items("/v1/processes", "none", "pid").isEmpty)
        #expect(try items("/v1/processes", "all", "pid") == [desk.text(idle), desk.text(stuck)])
        #expect(try items("/v1/names", "idle", "name") == ["n"])
        #expect(try items("/v1/names", "name", "name") == ["n"])
        #expect(try items("/v1/names", "none", "name").isEmpty)
        #expect(try items("/v1/entries", "idle", "id") == ["app:idle"])
        #expect(try items("/v1/entries", "none", "id").isEmpty)
        #expect(try items("/v1/entries", "all", "id") == ["app:answer", "app:idle"])
    }

    @Test func `a stream carries what a narrowed scope covers`() throws {
        let desk = try Desk(tokens: ["idle": ["events:app:idle"], "name": ["events:n"]])
        let idle = try StreamReader(desk, headers: Keys.show("idle"))
        let asking = try StreamReader(desk, "entry=app:*", headers: Keys.show("idle"))
        let name = try StreamReader(desk, headers: Keys.show("name"))
        let named = try StreamReader(desk, "name=n", headers: Keys.show("name"))
        let other = try StreamReader(desk, "name=m", headers: Keys.show("name"))
        try desk.process(name: "n")
        try desk.process("app:stuck", name: "m")
        func entries(_ reader: StreamReader) -> [String] {
            reader.events().filter { $0.event == "SPAWN" }
                .compactMap { $0.json["entry"] as? String }
        }
        #expect(entries(idle) == ["app:idle"])
        #expect(entries(asking) == ["app:idle"])
        #expect(entries(name).isEmpty)
        #expect(entries(named) == ["app:idle"])
        #expect(entries(other).isEmpty)
    }

    @Test func `of many messages those are sent whose process is covered`() throws {
        let desk = try Desk(tokens: ["t": ["send:app:idle"]])
        try desk.process(name: "n")
        try desk.process("app:stuck", name: "m")
        let lines = ["@n", "@m", "@nobody", "@n"].map { #"{"to": "\#($0)", "topic": "t"}"# }
        let exchange = desk.start(
            "POST",
            "/v1/messages",
            lines.joined(separator: "\n"),
            headers: Keys.show("t") + [("Content-Type", "application/x-ndjson")]
        )
        let response = try #require(exchange.response)
        guard case .stream(let stream) = response.body else {
            Issue.record("no stream")
            return
        }
        var bytes: [UInt8] = []
        while stream.fill(&bytes, room: 1 << 20, now: 0) == .ready {}
        let results = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(results.count == 4)
        let codes = results.map { line in
            ["insufficient-scope", "name-not-found"].first { line.contains($0) } ?? "sent"
        }
        #expect(codes == ["sent", "insufficient-scope", "name-not-found", "sent"])
    }

    @Test func `another spelling of a name is another name`() throws {
        let (one, other) = ("caf\u{E9}", "cafe\u{301}")
        let desk = try Desk(tokens: [
            "t": ["send:\(one)", "read:\(one)", "events:\(one)"], "all": ["read"],
        ])
        let stream = try StreamReader(desk, "name=caf%C3%A9", headers: Keys.show("t"))
        let pid = try desk.process(name: other)
        for path in ["@cafe%CC%81", desk.text(pid)] {
            let send = try desk.ask(
                "POST",
                "/v1/processes/\(path)/messages",
                #"{"topic": "t"}"#,
                headers: Keys.show("t")
            )
            #expect(send.status == 403)
        }
        #expect(try desk.ask("GET", "/v1/names", headers: Keys.show("t")).list("items").isEmpty)
        #expect(try desk.ask("GET", "/v1/processes", headers: Keys.show("t")).list("items").isEmpty)
        let list = "/v1/processes?name_prefix=caf"
        func count(_ ending: String) throws -> Int {
            try desk.ask("GET", list + ending, headers: Keys.show("all")).list("items").count
        }
        #expect(try count("%C3%A9") == 0)
        #expect(try count("e%CC%81") == 1 && count("e") == 1)
        #expect(stream.events().isEmpty)
    }

    @Test func `a refusal names what was asked for and nothing else`() throws {
        let desk = try Desk(tokens: ["t": Right.allCases.dropLast().map { "\($0.rawValue):x" }])
        let pid = desk.text(try desk.process(name: "secret"))
        for route in Routes.all where route.pattern.contains("{id}") {
            let path = route.pattern
                .replacing("{id}", with: pid).replacing("{other}", with: pid)
            let body = route.body == .required ? #"{"topic": "t"}"# : nil
            let answer = try desk.ask(route.method, path, body, headers: Keys.show("t"))
            #expect(answer.code == "insufficient-scope")
            let text = String(decoding: answer.bytes, as: UTF8.self)
            #expect(text.contains(pid) && !text.contains("idle") && !text.contains("secret"))
        }
    }

    @Test func `a link needs both its ends`() throws {
        let desk = try Desk(tokens: [
            "one": ["control:n"], "both": ["control:n", "control:app:stuck"],
        ])
        try desk.process(name: "n")
        try desk.process("app:stuck", name: "m")
        for method in ["PUT", "DELETE"] {
            for path in ["/v1/processes/@n/links/@m", "/v1/processes/@m/links/@n"] {
                #expect(try desk.ask(method, path, headers: Keys.show("one")).status == 403)
                #expect(try desk.ask(method, path, headers: Keys.show("both")).status == 204)
            }
        }
    }

    @Test func `a name is given to what is covered, and only one that is`() throws {
        let desk = try Desk(tokens: [
            "entry": ["control:app:idle"], "name": ["control:job*"],
            "both": ["control:app:idle", "control:job*"],
        ])
        let idle = desk.text(try desk.process())
        let stuck = desk.text(try desk.process("app:stuck"))
        func give(_ name: String, _ pid: String, _ token: String) throws -> Int {
            try desk.ask(
                "PUT",
                "/v1/names/\(name)",
                #"{"pid": "\#(pid)"}"#,
                headers: Keys.show(token)
            ).status
        }
        #expect(try give("job1", idle, "entry") == 403)
        // Else the name would open the process.
        #expect(try give("job1", stuck, "name") == 403)
        #expect(try give("job1", stuck, "both") == 403)
        #expect(try give("other", idle, "both") == 403)
        #expect(try give("job1", idle, "both") == 201)
        #expect(try give("job2", idle, "name") == 201)
        #expect(try desk.ask("DELETE", "/v1/names/job1", headers: Keys.show("entry")).status == 204)
        #expect(try desk.ask("DELETE", "/v1/names/job1", headers: Keys.show("entry")).status == 404)
    }

    @Test func `a spawn may give a name that is covered`() throws {
        let desk = try Desk(tokens: [
            "narrow": ["spawn:app:idle"], "named": ["spawn:app:idle", "spawn:a*", "control:b"],
            "all": ["spawn"],
        ])
        func spawn(_ name: String, _ token: String) throws -> Int {
            try desk.ask(
                "POST",
                "/v1/processes",
                #"{"entry": "app:idle", "name": "\#(name)"}"#,
                headers: Keys.show(token)
            ).status
        }
        #expect(try spawn("a1", "narrow") == 403)
        #expect(try spawn("a1", "named") == 201)
        #expect(try spawn("b", "named") == 201)
        #expect(try spawn("c", "named") == 403)
        #expect(try spawn("c", "all") == 201)
        #expect(desk.orders.current.count == 3)
    }

    @Test func `the dead are covered by their entry and the unknown are not there`()
        throws
    {
        let desk = try Desk(tokens: [
            "good": ["read:app:idle", "control:app:idle"],
            "bad": ["read:app:x", "control:app:x"],
        ])
        let dead = desk.text(try desk.process())
        let dying = desk.text(try desk.process())
        func status(_ method: String, _ path: String, _ token: String) -> Int? {
            let exchange = desk.start(method, path, headers: Keys.show(token))
            return exchange.response?.status
        }
        desk.runtime.kill(try #require(desk.runtime.pids.parse(dead)), .terminated)
        desk.settle()
        desk.runtime.kill(try #require(desk.runtime.pids.parse(dying)), .terminated)
        for pid in [dead, dying] {
            for (method, suffix) in [("GET", ""), ("GET", "/wait"), ("DELETE", "")] {
                #expect(status(method, "/v1/processes/\(pid)\(suffix)", "bad") == 403)
            }
        }
        #expect(status("GET", "/v1/processes/\(dead)", "good") == 200)
        #expect(status("DELETE", "/v1/processes/\(dead)", "good") == 204)
        let unknown = dead.split(separator: ".").dropLast().joined(separator: ".") + ".999"
        for token in ["good", "bad"] {
            #expect(status("GET", "/v1/processes/\(unknown)", token) == 404)
            #expect(status("GET", "/v1/processes/@nobody", token) == 404)
        }
    }
}
