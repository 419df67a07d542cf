import Foundation
import Glibc
import Testing

/// Everything bad a client can send: a clear answer, and a server that serves on.
@Suite struct BadInputTests {
    static let app = Result {
        try TemporaryApp([
            ("ok", "return function(...) return ... end"),
            ("raises", "local x = 1\nerror('top level trouble')"),
            ("nomethod", "return { other = function() end }"),
            ("fails", "return function()\n    local t = nil\n    return t.x\nend"),
            (
                "unsendable",
                "return function() return process.send(process.pid(), 't', {a = {1, print}}) end"
            ),
            (
                "cyclic",
                "return function() local t = {} t.t = t return process.send(process.pid(), 't', t) end"
            ),
            (
                "deep",
                "return function() local t = {} for _ = 1, 10000 do t = {t} end "
                    + "return process.send(process.pid(), 't', t) end"
            ),
            ("result", "return function() return print end"),
            ("waits", "return function() process.listen('never'):receive() end"),
        ])
    }
    static let server = Result { try RunningServer(try app.get().path) }

    /// One bad body, and what the answer must say.
    struct Case: CustomTestStringConvertible {
        var name: String
        var path = "/v1/exec"
        var body: [UInt8]
        var status: Int
        var code: String
        /// Words of the answer that say what is wrong and where.
        var says: [String]
        var testDescription: String { name }

        init(
            _ name: String,
            _ path: String = "/v1/exec",
            body: String,
            _ status: Int,
            _ code: String,
            says: String...
        ) {
            (self.name, self.path, self.body) = (name, path, Array(body.utf8))
            (self.status, self.code, self.says) = (status, code, says)
        }

        func with(_ bytes: [UInt8]) -> Case {
            var copy = self
            copy.body = bytes
            return copy
        }
    }

    static func send(_ payload: String) -> String {
        "{\"entry\": \"app.test:ok\", \"args\": [\(payload)]}"
    }

    static let cases: [Case] = [
        Case(
            "unknown entry",
            body: #"{"entry": "app.test:nobody"}"#,
            422,
            "entry-not-found",
            says: "app.test:nobody",
            "/entry"
        ),
        Case(
            "unknown host",
            body: #"{"entry": "app.test:ok", "host": "app:nowhere"}"#,
            422,
            "host-not-found",
            says: "app:nowhere",
            "/host"
        ),
        Case("no entry", body: "{}", 422, "invalid-request", says: "/entry"),
        Case(
            "unknown field",
            body: #"{"entry": "app.test:ok", "agrs": []}"#,
            422,
            "invalid-request",
            says: "/agrs"
        ),
        Case("wrong type", body: #"{"entry": 7}"#, 422, "invalid-request", says: "/entry"),
        Case("an array for a body", body: "[]", 422, "invalid-request", says: "object"),
        Case("no body", body: "", 400, "invalid-json", says: "line", "column"),
        Case(
            "half a body",
            body: #"{"entry": "app.test:ok""#,
            400,
            "invalid-json",
            says: "\"line\":1"
        ),
        Case("bytes after the value", body: "{} x", 400, "invalid-json", says: "\"column\":"),
        Case(
            "a lone high surrogate",
            body: send(#""\ud800""#),
            400,
            "invalid-json",
            says: "\"column\":"
        ),
        Case(
            "a lone low surrogate",
            body: send(#""\udc00x""#),
            400,
            "invalid-json",
            says: "\"column\":"
        ),
        Case(
            "a key twice",
            body: #"{"entry": "a:b", "entry": "a:c"}"#,
            400,
            "invalid-json",
            says: "entry"
        ),
        Case(
            "a number past every double",
            body: send("1e400"),
            400,
            "invalid-json",
            says: "\"column\":"
        ),
        Case("no number", body: send("NaN"), 400, "invalid-json", says: "\"column\":"),
        Case("a leading zero", body: send("01"), 400, "invalid-json", says: "\"column\":"),
        Case("a byte order mark", body: "\u{FEFF}{}", 400, "invalid-json", says: "byte order mark"),
        Case("invalid UTF-8", body: "", 400, "invalid-json", says: "\"column\":")
            .with(Array("{\"entry\": \"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8)),
        Case("overlong UTF-8", body: "", 400, "invalid-json", says: "\"column\":")
            .with(Array("{\"entry\": \"".utf8) + [0xC0, 0xAF] + Array("\"}".utf8)),
        Case(
            "nested 10,000 deep",
            body: send(
                String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
            ),
            400,
            "invalid-json",
            says: "deep"
        ),
        Case(
            "300,000 containers",
            body: send("[" + Array(repeating: "{}", count: 300_000).joined(separator: ",") + "]"),
            400,
            "invalid-json",
            says: "objects and arrays"
        ),
        Case(
            "a body over the limit",
            body: send("\"" + String(repeating: "x", count: 1 << 20) + "\""),
            413,
            "payload-too-large",
            says: "1048576"
        ),
        Case(
            "a topic of the system",
            "/v1/processes/@w/messages",
            body: #"{"topic": "@events"}"#,
            422,
            "invalid-request",
            says: "/topic",
            "@"
        ),
        Case(
            "an empty topic",
            "/v1/processes/@w/messages",
            body: #"{"topic": ""}"#,
            422,
            "invalid-request",
            says: "/topic"
        ),
        Case(
            "nobody of that name",
            "/v1/processes/@nobody/messages",
            body: #"{"topic": "t"}"#,
            404,
            "name-not-found",
            says: "nobody"
        ),
        Case(
            "no such pid",
            "/v1/processes/moon.x.1/messages",
            body: #"{"topic": "t"}"#,
            404,
            "process-not-found",
            says: "moon.x.1"
        ),
        Case(
            "a timeout of nothing",
            body: #"{"entry": "app.test:ok", "timeout_ms": 0}"#,
            422,
            "invalid-request",
            says: "/timeout_ms"
        ),
        Case(
            "a taken name",
            "/v1/processes",
            body: #"{"entry": "app.test:waits", "name": "w"}"#,
            409,
            "name-taken",
            says: "owner"
        ),
    ]

    @Test(arguments: cases)
    func `a bad body gets a problem that says what and where`(_ bad: Case) throws {
        let server = try Self.server.get()
        if bad.path.contains("@w") || bad.code == "name-taken" {
            let named = #"{"entry": "app.test:waits", "name": "w"}"#
            let status = try server.request("POST", "/v1/processes", named).status
            #expect(status == 201 || status == 409)
        }
        let connection = try RawConnection(server)
        try connection.send(
            "POST \(bad.path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(bad.body.count)\r\n\r\n"
        )
        connection.sendAsFarAsItGoes(bad.body)
        let answer = try connection.answer()
        #expect(answer.status == bad.status, "\(answer.text.prefix(300))")
        #expect(answer.code == bad.code, "\(answer.text.prefix(300))")
        #expect(answer["Content-Type"] == "application/problem+json")
        #expect(answer["X-Request-Id"] == answer.json["request_id"].text)
        #expect(answer.json["detail"].text != "")
        for words in bad.says { #expect(answer.text.contains(words), "\(answer.text.prefix(300))") }
        #expect(try server.get("/livez").status == 200)
    }

    @Test(arguments: [
        ("raises", "app.test:raises:2: top level trouble"),
        ("nomethod", "method \"main\" not found in module"),
        ("fails", "app.test:fails:3: attempt to index a nil value (local 't')"),
        ("unsendable", "payload.a[2]: cannot send a function"),
        ("cyclic", "payload"),
        ("deep", "payload"),
        ("result", "function"),
    ])
    func `a script's failure is its outcome, with its place`(
        _ entry: String,
        _ words: String
    ) throws {
        let server = try Self.server.get()
        let answer = try server.exec("{\"entry\": \"app.test:\(entry)\"}")
        #expect(answer.status == 200)
        #expect(answer.json["outcome"].text == "error", "\(answer.text)")
        #expect(answer.json["error"]["message"].text.contains(words), "\(answer.text)")
    }

    @Test func `numbers past 64 bits become floats, others stay exact`() throws {
        let server = try Self.server.get()
        for (sent, back) in [
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9007199254740993", "9007199254740993"),
            ("9223372036854775808", "9.223372036854776e+18"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ] {
            let answer = try server.exec(Self.send(sent))
            #expect(answer.text.contains("\"result\":\(back),"), "\(sent): \(answer.text)")
        }
    }

    @Test func `bytes that are no text come and go as base64`() throws {
        let server = try Self.server.get()
        let answer = try server.exec(Self.send(#"{"$base64": "//4="}"#))
        #expect(answer.json["result"]["$base64"].text == "//4=", "\(answer.text)")
    }

    @Test func `a body cut short runs nothing`() throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        try connection.send(
            "POST /v1/processes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 400\r\n\r\n{\"entry\": \"app.test:waits\", \"name\": \"cut\"}"
        )
        try connection.shutdownSending()
        #expect(connection.isClosedByServer())
        // Had it been spawned, it would be there until it is ended.
        #expect(try server.get("/v1/names/cut").code == "name-not-found")
        #expect(try server.get("/livez").status == 200)
    }

    @Test func `a client that leaves before its answer ends what it had run`() throws {
        let server = try Self.server.get()
        let connection = try RawConnection(server)
        let body = #"{"entry": "app.test:waits", "name": "left"}"#
        try connection.send(
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        let pid = try waitFor(seconds: 5) { () -> String? in
            let answer = try server.get("/v1/names/left")
            return answer.status == 200 ? answer.json["pid"].text : nil
        }
        try connection.abort()
        let end = try server.get("/v1/processes/\(try #require(pid))/wait?timeout_ms=5000")
        #expect(end.json["reason"].text == "terminated", "\(end.text)")
    }

    @Test func `clients that vanish in mid-stream leave nothing behind`() throws {
        let server = try Self.server.get()
        let before = server.openFiles
        for _ in 0..<200 {
            let reader = try EventReader(server, "?since=oldest")
            _ = try reader.next()
            try reader.connection.abort()
        }
        let back = waitFor(seconds: 10) { server.openFiles <= before + 8 ? true : nil }
        #expect(back == true, "\(before) descriptors before, \(server.openFiles) after")
        #expect(try server.get("/livez").status == 200)
    }

    // MARK: What keeps a server from starting

    /// Runs `serve` to its end.
    static func serve(_ arguments: String...) throws -> CommandRun {
        try CommandRun.of(["serve"] + arguments)
    }

    @Test func `a port in use is said in a sentence`() throws {
        let server = try Self.server.get()
        let run = try Self.serve("--listen", "127.0.0.1:\(server.port)")
        #expect(run.code == 1)
        #expect(run.errors.contains("127.0.0.1:\(server.port)"), "\(run.errors)")
        #expect(run.errors.contains("Is another server running?"), "\(run.errors)")
        #expect(try server.get("/livez").status == 200)
    }

    @Test func `an app that is not there is said in a sentence`() throws {
        let run = try Self.serve("no/such/folder", "--listen", "127.0.0.1:0")
        #expect(run.code == 1)
        #expect(run.errors.contains("no/such/folder"), "\(run.errors)")
        let file = try Self.serve("no-such.lua", "--listen", "127.0.0.1:0")
        #expect(file.code == 1)
        #expect(file.errors.contains("no-such.lua"), "\(file.errors)")
    }

    @Test func `all problems of an app are told, with file and line`() throws {
        let app = try TemporaryApp(files: [
            (
                "_index.yaml",
                """
                version: "1.0"
                namespace: app
                entries:
                  - name: broken
                    kind: process.lua
                    source: file://broken.lua
                  - name: gone
                    kind: process.lua
                    source: file://gone.lua
                """
            ),
            ("broken.lua", "return {\n  main = function(\n}"),
        ])
        let run = try Self.serve(app.path, "--listen", "127.0.0.1:0")
        #expect(run.code == 1)
        #expect(run.errors.contains("broken.lua:3"), "\(run.errors)")
        #expect(run.errors.contains("gone.lua"), "\(run.errors)")
        #expect(run.errors.contains("_index.yaml:9"), "\(run.errors)")
    }

    @Test func `a fault in the YAML is told with its line`() throws {
        let app = try TemporaryApp(files: [
            ("_index.yaml", "version: \"1.0\"\nnamespace: app\nentries:\n  - name: [x\n")
        ])
        let run = try Self.serve(app.path, "--listen", "127.0.0.1:0")
        #expect(run.code == 1)
        #expect(run.errors.contains("_index.yaml:"), "\(run.errors)")
    }

    @Test func `an address others can reach needs a word`() throws {
        let run = try Self.serve("--listen", "0.0.0.0:0")
        #expect(run.code == 2)
        #expect(run.errors.contains("--insecure"), "\(run.errors)")
        for arguments in [
            ["--listen", "nonsense"], ["--workers", "0"], ["--head-timeout", "soon"],
            ["--log-format", "xml"], ["--log-level", "loud"], ["--node", "a b"],
        ] {
            let run = try CommandRun.of(["serve"] + arguments)
            #expect(run.code == 2, "\(arguments) \(run.errors)")
            #expect(run.errors.contains(arguments[1]), "\(run.errors)")
        }
    }
}
