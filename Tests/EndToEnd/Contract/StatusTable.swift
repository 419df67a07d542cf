import Foundation

/// For each operation and status the contract names, a request that is answered so.
struct StatusRow: CustomStringConvertible {
    /// As in `GET /v1/names`; `*` for a problem that any request can meet.
    var operation: String
    var status: Int
    /// The problem's code; nil where it is none.
    var code: String?
    var request: (StatusFixtures) throws -> HTTPAnswer

    var description: String { "\(operation) \(status) \(code ?? "")" }

    /// A request to the usual server.
    init(
        _ operation: String,
        _ status: Int,
        _ code: String? = nil,
        path: @escaping (StatusFixtures) throws -> String,
        _ body: String? = nil,
        fields: [String] = []
    ) {
        self.init(operation, status, code) { fixtures in
            let method = String(operation.prefix { $0 != " " })
            return try fixtures.server.request(
                method,
                try path(fixtures),
                body,
                fields: fields
            )
        }
    }

    init(
        _ operation: String,
        _ status: Int,
        _ code: String? = nil,
        _ request: @escaping (StatusFixtures) throws -> HTTPAnswer
    ) {
        self.operation = operation
        self.status = status
        self.code = code
        self.request = request
    }
}

extension StatusRow {
    static var all: [StatusRow] {
        processes + oneProcess + messages + calls + links + exec + names + server
            + access + anyRequest
    }

    /// What is documented and cannot be had by asking, and why.
    static let unreachable: [String: String] = [
        "GET /livez 503":
            "a server that made no progress for ten seconds would not answer in a test",
        "POST /v1/processes/{id}/messages 409":
            "a send is at work only while another thread is in the middle of it",
        "* 500 internal": "a defect: where one is known it is mended",
        "* 503 file-unavailable":
            "a server without a descriptor left, which HostileConnectionTests has",
    ]

    private static let json = "Content-Type: application/json"
    private static let text = "Content-Type: text/plain"

    /// What each body in JSON is refused for, whatever else it is.
    private static func badBodies(
        _ operation: String,
        path: @escaping (StatusFixtures) throws -> String
    ) -> [StatusRow] {
        [
            StatusRow(operation, 400, "invalid-json", path: path, "{"),
            StatusRow(operation, 413, "payload-too-large", path: path, StatusFixtures.huge),
            StatusRow(operation, 415, "unsupported-media-type", path: path, "{}", fields: [text]),
            StatusRow(operation, 422, "invalid-request", path: path, #"{"unknown": 1}"#),
        ]
    }

    private static let nobody = "/v1/processes/@nobody"

    private static var processes: [StatusRow] {
        let spawn = "POST /v1/processes"
        let list = "GET /v1/processes"
        return badBodies(spawn, path: { _ in "/v1/processes" }) + [
            StatusRow(spawn, 201, path: { _ in "/v1/processes" }, #"{"entry": "app.test:quick"}"#),
            StatusRow(spawn, 409, "name-taken") { fixtures in
                let name = fixtures.newName()
                _ = try fixtures.process("idle", #", "name": "\#(name)""#)
                return try fixtures.server.request(
                    "POST",
                    "/v1/processes",
                    #"{"entry": "app.test:idle", "name": "\#(name)"}"#
                )
            },
            StatusRow(
                spawn,
                422,
                "entry-not-found",
                path: { _ in "/v1/processes" },
                #"{"entry": "app.test:nobody"}"#
            ),
            StatusRow(spawn, 503, "process-limit") {
                try $0.full.request("POST", "/v1/processes", #"{"entry": "app.test:idle"}"#)
            },
            StatusRow(list, 200, path: { _ in "/v1/processes?limit=3" }),
            StatusRow(list, 400, "invalid-query", path: { _ in "/v1/processes?limit=0" }),
        ]
    }

    private static var oneProcess: [StatusRow] {
        let (inspect, end) = ("GET /v1/processes/{id}", "DELETE /v1/processes/{id}")
        let (wait, cancel) = ("GET /v1/processes/{id}/wait", "POST /v1/processes/{id}/cancel")
        return badBodies(cancel, path: { "/v1/processes/\(try $0.process())/cancel" }) + [
            StatusRow(inspect, 200, path: { "/v1/processes/\(try $0.process())" }),
            StatusRow(inspect, 200, path: { "/v1/processes/\(try $0.ended())" }),
            StatusRow(inspect, 400, "invalid-query", path: { _ in nobody + "?x=1" }),
            StatusRow(inspect, 404, "name-not-found", path: { _ in nobody }),
            StatusRow(end, 204, path: { "/v1/processes/\(try $0.process())" }),
            StatusRow(end, 404, "process-not-found", path: { _ in "/v1/processes/nobody" }),
            StatusRow(wait, 200, path: { "/v1/processes/\(try $0.ended())/wait" }),
            StatusRow(wait, 202, path: { "/v1/processes/\(try $0.process())/wait?timeout_ms=0" }),
            StatusRow(
                wait,
                400,
                "invalid-query",
                path: { "/v1/processes/\(try $0.process())/wait?timeout_ms=-1" }
            ),
            StatusRow(wait, 404, "name-not-found", path: { _ in nobody + "/wait" }),
            StatusRow(cancel, 202, path: { "/v1/processes/\(try $0.process())/cancel" }),
            StatusRow(
                cancel,
                202,
                path: { "/v1/processes/\(try $0.process())/cancel" },
                fields: ["Content-Length: 0"]
            ),
            StatusRow(cancel, 404, "name-not-found", path: { _ in nobody + "/cancel" }, "{}"),
            StatusRow(
                cancel,
                429,
                "mailbox-full",
                path: { "/v1/processes/\(try $0.stuffed())/cancel" },
                "{}"
            ),
        ]
    }

    private static let ping = #"{"topic": "ping", "payload": [1, "two"]}"#

    private static var messages: [StatusRow] {
        let (send, batch) = ("POST /v1/processes/{id}/messages", "POST /v1/messages")
        let lines = "Content-Type: application/x-ndjson"
        let batchPath: (StatusFixtures) -> String = { _ in "/v1/messages" }
        return badBodies(send, path: { "/v1/processes/\(try $0.process())/messages" }) + [
            StatusRow(send, 202, path: { "/v1/processes/\(try $0.process())/messages" }, ping),
            StatusRow(send, 404, "name-not-found", path: { _ in nobody + "/messages" }, ping),
            StatusRow(
                send,
                429,
                "mailbox-full",
                path: { "/v1/processes/\(try $0.stuffed())/messages" },
                ping
            ),
            StatusRow(
                batch,
                200,
                path: batchPath,
                #"{"to": "@nobody", "topic": "t"}"# + "\n",
                fields: [lines]
            ),
            StatusRow(
                batch,
                400,
                "invalid-request",
                path: batchPath,
                "{}",
                fields: [
                    lines, "Idempotency-Key: k",
                ]
            ),
            StatusRow(batch, 413, "payload-too-large") { fixtures in
                let connection = try RawConnection(fixtures.server)
                return try connection.request(
                    "POST",
                    "/v1/messages",
                    fields: [lines, "Content-Length: \((64 << 20) + 1)"]
                )
            },
            StatusRow(batch, 415, "unsupported-media-type", path: batchPath, "{}", fields: [json]),
        ]
    }

    private static var calls: [StatusRow] {
        let call = "POST /v1/processes/{id}/call"
        return badBodies(call, path: { "/v1/processes/\(try $0.process())/call" }) + [
            StatusRow(call, 200, path: { "/v1/processes/\(try $0.process("echo"))/call" }, ping),
            StatusRow(call, 404, "name-not-found", path: { _ in nobody + "/call" }, ping),
            StatusRow(
                call,
                409,
                "target-exited",
                path: { "/v1/processes/\(try $0.process("echo"))/call" },
                #"{"topic": "stop"}"#
            ),
            StatusRow(
                call,
                429,
                "mailbox-full",
                path: { "/v1/processes/\(try $0.stuffed())/call" },
                ping
            ),
            StatusRow(call, 503, "process-limit") {
                try $0.full.request("POST", "/v1/processes/@only/call", ping)
            },
            StatusRow(
                call,
                504,
                "call-timeout",
                path: { "/v1/processes/\(try $0.process())/call" },
                #"{"topic": "t", "timeout_ms": 1}"#
            ),
        ]
    }

    private static var links: [StatusRow] {
        ["PUT", "DELETE"].flatMap { method -> [StatusRow] in
            let operation = "\(method) /v1/processes/{id}/links/{other}"
            return [
                StatusRow(
                    operation,
                    204,
                    path: { "/v1/processes/\(try $0.process())/links/\(try $0.process())" }
                ),
                StatusRow(
                    operation,
                    404,
                    "name-not-found",
                    path: { "/v1/processes/\(try $0.process())/links/@nobody" }
                ),
            ]
        }
    }

    private static var exec: [StatusRow] {
        let exec = "POST /v1/exec"
        return badBodies(exec, path: { _ in "/v1/exec" }) + [
            StatusRow(
                exec,
                200,
                path: { _ in "/v1/exec" },
                #"{"entry": "app.test:quick", "args": [{"a": [1, 2.5, "x", true]}]}"#
            ),
            StatusRow(exec, 409, "name-taken") { fixtures in
                let name = fixtures.newName()
                _ = try fixtures.process("idle", #", "name": "\#(name)""#)
                return try fixtures.server.exec(
                    #"{"entry": "app.test:quick", "name": "\#(name)"}"#
                )
            },
            StatusRow(exec, 503, "process-limit") {
                try $0.full.exec(#"{"entry": "app.test:quick"}"#)
            },
            StatusRow(
                exec,
                504,
                "exec-timeout",
                path: { _ in "/v1/exec" },
                #"{"entry": "app.test:idle", "timeout_ms": 1}"#
            ),
        ]
    }

    private static var names: [StatusRow] {
        let one = "/v1/names/{name}"
        func put(_ fixtures: StatusFixtures, _ name: String, _ pid: String) throws -> HTTPAnswer {
            try fixtures.server.request("PUT", "/v1/names/\(name)", #"{"pid": "\#(pid)"}"#)
        }
        return badBodies("PUT \(one)", path: { "/v1/names/\($0.newName())" }) + [
            StatusRow("GET /v1/names", 200, path: { _ in "/v1/names" }),
            StatusRow("GET /v1/names", 400, "invalid-query", path: { _ in "/v1/names?x=1" }),
            StatusRow("GET \(one)", 200) { fixtures in
                let name = fixtures.newName()
                _ = try put(fixtures, name, try fixtures.process())
                return try fixtures.server.get("/v1/names/\(name)")
            },
            StatusRow("GET \(one)", 400, "invalid-query", path: { _ in "/v1/names/a?x=1" }),
            StatusRow("GET \(one)", 404, "name-not-found", path: { _ in "/v1/names/nobody" }),
            StatusRow("PUT \(one)", 200) { fixtures in
                let (name, pid) = (fixtures.newName(), try fixtures.process())
                _ = try put(fixtures, name, pid)
                return try put(fixtures, name, pid)
            },
            StatusRow("PUT \(one)", 201) { try put($0, $0.newName(), try $0.process()) },
            StatusRow("PUT \(one)", 404, "process-not-found") {
                try put($0, $0.newName(), try $0.ended())
            },
            StatusRow("PUT \(one)", 409, "name-taken") { fixtures in
                let name = fixtures.newName()
                _ = try put(fixtures, name, try fixtures.process())
                return try put(fixtures, name, try fixtures.process())
            },
            StatusRow("DELETE \(one)", 204) { fixtures in
                let name = fixtures.newName()
                _ = try put(fixtures, name, try fixtures.process())
                return try fixtures.server.request("DELETE", "/v1/names/\(name)")
            },
            StatusRow("DELETE \(one)", 404, "name-not-found", path: { _ in "/v1/names/nobody" }),
        ]
    }

    private static var server: [StatusRow] {
        let events = "GET /v1/events"
        let plain = ["/v1/entries", "/v1/hosts", "/v1/system", "/metrics"].flatMap { path in
            [
                StatusRow("GET \(path)", 200, path: { _ in path }),
                StatusRow("GET \(path)", 400, "invalid-query", path: { _ in path + "?x=1" }),
            ]
        }
        return plain + [
            StatusRow(
                events,
                200,
                path: {
                    _ = try $0.process()
                    return "/v1/events?since=oldest&max_events=1"
                },
                fields: ["Accept: application/x-ndjson"]
            ),
            StatusRow(events, 400, "invalid-query", path: { _ in "/v1/events?kind=NONE" }),
            StatusRow(
                events,
                406,
                "not-acceptable",
                path: { _ in "/v1/events" },
                fields: ["Accept: text/plain"]
            ),
            StatusRow(events, 503, "stream-limit") { try $0.full.get("/v1/events") },
            StatusRow("GET /livez", 200, path: { _ in "/livez" }),
            StatusRow("GET /readyz", 200, path: { _ in "/readyz" }),
            StatusRow("GET /readyz", 503, "draining") { try $0.whileDraining("/readyz") },
            StatusRow("GET /openapi.yaml", 200, path: { _ in "/openapi.yaml" }),
            StatusRow("GET /", 200, path: { _ in "/" }),
        ]
    }

    /// Each operation without a token, and with one that does not allow it; and the way in.
    private static var access: [StatusRow] {
        let (logIn, logOut) = ("POST /v1/login", "POST /v1/logout")
        let open = [
            "GET /livez", "GET /readyz", "GET /openapi.yaml", "GET /", logIn, logOut,
        ]
        let path: (StatusFixtures) -> String = { _ in "/v1/login" }
        let all = (try? DocumentTests.document.get().operations.map(\.name)) ?? []
        let refusals = all.filter { !open.contains($0) }
            .flatMap { operation in
                [
                    StatusRow(operation, 401, "unauthorized") {
                        try $0.askGuarded(operation, [])
                    },
                    StatusRow(operation, 403, "insufficient-scope") {
                        try $0.askGuarded(operation, [$0.powerless(operation)])
                    },
                ]
            }
        return refusals + badBodies(logIn, path: path) + [
            StatusRow(logIn, 204, path: path, #"{"token": "any, where none are on"}"#),
            StatusRow(logIn, 401, "unauthorized") {
                try $0.guarded.request("POST", "/v1/login", #"{"token": "wrong"}"#)
            },
            StatusRow(logIn, 403, "cross-site-request") {
                try $0.server.request("POST", "/v1/login", "{}", fields: [elsewhere])
            },
            StatusRow(logIn, 429, "too-many-logins") { fixtures in
                for _ in 0..<20 {
                    let guess = #"{"token": "guess"}"#
                    let answer = try fixtures.guarded.request("POST", "/v1/login", guess)
                    if answer.status == 429 { return answer }
                }
                throw ServerTrouble(description: "it may be guessed without end")
            },
            StatusRow(logOut, 204, path: { _ in "/v1/logout" }),
            StatusRow(logOut, 403, "cross-site-request") {
                try $0.server.request("POST", "/v1/logout", fields: [elsewhere])
            },
        ]
    }

    /// What a server answers to bytes that no client would send.
    private static func answer(of server: RunningServer, to text: String) throws -> HTTPAnswer {
        let connection = try RawConnection(server)
        try connection.send(text)
        return try connection.answer()
    }

    private static let elsewhere = "Origin: http://elsewhere.example"

    /// The problems of the table in the document's description.
    private static var anyRequest: [StatusRow] {
        let long = String(repeating: "x", count: 20_000)
        return [
            StatusRow("*", 400, "invalid-query") { try $0.server.get("/v1/names?x=1") },
            StatusRow("*", 400, "invalid-request") {
                let field = $0.powerless("GET /v1/names")
                return try $0.askGuarded("GET /v1/names", [field, field])
            },
            StatusRow("*", 401, "unauthorized") { try $0.askGuarded("GET /v1/names", []) },
            StatusRow("*", 403, "insufficient-scope") {
                try $0.askGuarded("GET /v1/names", [$0.powerless("GET /v1/names")])
            },
            StatusRow("*", 403, "cross-site-request") {
                try $0.server.request(
                    "DELETE",
                    "/v1/names/a",
                    fields: [elsewhere]
                )
            },
            StatusRow("*", 404, "route-not-found") { try $0.server.get("/v1/nothing") },
            StatusRow("*", 405, "method-not-allowed") {
                try $0.server.request("DELETE", "/v1/names")
            },
            StatusRow("*", 406, "not-acceptable") {
                try $0.server.request("GET", "/v1/events", fields: ["Accept: image/png"])
            },
            StatusRow("*", 408, "request-timeout") { _ in
                let server = try RunningServer(nil, ["--head-timeout", "100ms"])
                defer { _ = server.stop() }
                return try answer(of: server, to: "GET /livez HTTP/1.1\r\n")
            },
            StatusRow("*", 413, "payload-too-large") {
                try $0.server.exec(StatusFixtures.huge)
            },
            StatusRow("*", 414, "uri-too-long") { try $0.server.get("/" + long) },
            StatusRow("*", 417, "expectation-failed") {
                let head = "PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: luck\r\n\r\n"
                return try answer(of: $0.server, to: head)
            },
            StatusRow("*", 421, "host-not-allowed") {
                try answer(of: $0.server, to: "GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")
            },
            StatusRow("*", 431, "headers-too-large") {
                try $0.server.request("GET", "/livez", fields: ["X-Long: \(long)"])
            },
            StatusRow("*", 501, "not-implemented") { try $0.server.request("BREW", "/livez") },
            StatusRow("*", 505, "http-version-not-supported") {
                try answer(of: $0.server, to: "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n")
            },
            StatusRow("*", 503, "stream-limit") { try $0.full.get("/v1/events") },
            StatusRow("*", 503, "connection-limit") { fixtures in
                var open: [RawConnection] = []
                for _ in 0..<8 { open.append(try RawConnection(fixtures.full)) }
                defer { for connection in open { connection.close() } }
                return try RawConnection(fixtures.full).answer()
            },
            StatusRow("*", 503, "draining") { try $0.whileDraining("/readyz") },
        ]
    }
}
