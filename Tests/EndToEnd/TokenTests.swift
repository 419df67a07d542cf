import Foundation
import Glibc
import TestCertificates
import Testing

/// Tokens, sessions and the audit log, against the real binary.
@Suite struct TokenTests {
    /// A tokens file that a test rewrites; gone with this object.
    final class TokensFile: Sendable {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-tokens-\(UUID().uuidString).yaml").path

        init(_ text: String = "[]") throws { try write(text) }

        func write(_ text: String) throws {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    /// What `moonlet token` prints: the entry, and the token.
    static func make(_ arguments: String...) throws -> (entry: String, token: String) {
        let run = try CommandRun.of(["token"] + arguments)
        try #require(run.code == 0, "\(run.errors)")
        let token = run.errors.split(separator: " ").last.map(String.init) ?? ""
        return (run.output, token.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func serve(
        _ file: TokensFile,
        _ flags: [String] = [],
        environment: [String: String] = [:]
    ) throws -> RunningServer {
        try RunningServer(
            "examples/worker-pool",
            ["--token-file", file.path] + flags,
            environment: environment
        )
    }

    private static func bearer(_ token: String) -> String { "Authorization: Bearer \(token)" }

    private static func curl(_ arguments: [String]) throws -> CommandRun {
        try CommandRun.of(
            ["-sS", "--max-time", "10"] + arguments,
            program: "/usr/bin/curl"
        )
    }

    // MARK: Who is let in

    @Test func `curl is refused, allowed less, and allowed, on every protocol`() throws {
        let file = try TokensFile()
        let reader = try Self.make("reader", "--scope", "read")
        let admin = try Self.make()
        try file.write(reader.entry + admin.entry)
        let server = try Self.serve(file)
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            func status(_ fields: [String]) throws -> String {
                let flags = fields.flatMap { ["-H", $0] }
                let spawn = ["--json", #"{"entry": "app.demo:greeter"}"#]
                return try Self.curl(
                    [version, "-o", "/dev/null", "-w", "%{http_code}"] + flags + spawn
                        + [server.base + "/v1/processes"]
                ).output
            }
            #expect(try status([]) == "401")
            #expect(try status([Self.bearer("mlt_wrong")]) == "401")
            #expect(try status([Self.bearer(reader.token)]) == "403")
            #expect(try status([Self.bearer(admin.token)]) == "201")
            #expect(try status([Self.bearer(admin.token), Self.bearer(admin.token)]) == "400")
        }
        let refused = try Self.curl(["-i", server.base + "/v1/processes"])
        #expect(refused.output.contains(#"WWW-Authenticate: Bearer realm="moonlet""#))
        #expect(try server.get("/livez").status == 200)
        #expect(try server.get("/").status == 200)
    }

    @Test func `MOONLET_TOKEN opens everything, beside the file or alone`() throws {
        let token = try CommandRun.of(["token", "--plain"]).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.hasPrefix("mlt_") && token.utf8.count == 47)
        let environment = ["MOONLET_TOKEN": token]
        let server = try RunningServer("examples/worker-pool", environment: environment)
        #expect(try server.get("/v1/system").status == 401)
        let fields = [Self.bearer(token)]
        #expect(try server.request("GET", "/v1/system", fields: fields).status == 200)
        let file = try TokensFile(try Self.make("x", "--scope", "events").entry)
        let other = try Self.serve(file, environment: environment)
        #expect(try other.request("GET", "/v1/system", fields: fields).status == 200)
        let config = try CommandRun.of(["config"], environment: environment)
        #expect(config.output.contains("MOONLET_TOKEN") && !config.output.contains(token))
    }

    @Test func `how many tokens were read is said, and what is odd about their file`() throws {
        let file = try TokensFile(try Self.make("a").entry + Self.make("b").entry)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        let server = try Self.serve(file)
        let said = server.logLines.first { $0["msg"].text == "tokens were read" }
        #expect(said?["count"].text == "2")
        #expect(!server.logText.contains("others than its owner"))

        try file.write("[]")
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file.path)
        server.signal(SIGHUP)
        #expect(server.logHas("the tokens file has no token: it lets nobody in"))
        #expect(server.logHas("others than its owner may write the tokens file"))
    }

    @Test func `each request of a connection is asked for itself`() throws {
        let file = try TokensFile()
        let reader = try Self.make("reader", "--scope", "read")
        let eventful = try Self.make("eventful", "--scope", "events")
        try file.write(reader.entry + eventful.entry)
        let server = try Self.serve(file)
        let connection = try RawConnection(server)
        func get(_ field: String) -> String {
            "GET /v1/names HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n"
        }
        let fields = [
            Self.bearer(reader.token) + "\r\n", "", Self.bearer(eventful.token) + "\r\n",
            Self.bearer(reader.token.lowercased()) + "\r\n",
            Self.bearer(reader.token) + "\r\n",
        ]
        try connection.send(fields.map(get).joined())
        let statuses = try fields.map { _ in try connection.answer().status }
        #expect(statuses == [200, 401, 403, 401, 200])
    }

    @Test func `nothing hostile in a head lets anyone in or ends the server`() throws {
        let file = try TokensFile()
        let admin = try Self.make()
        try file.write(admin.entry)
        let server = try Self.serve(file)
        func status(_ fields: [String]) throws -> Int {
            let connection = try RawConnection(server)
            let head = "GET /v1/names HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendAsFarAsItGoes(Array((head + fields.joined() + "\r\n").utf8))
            return try connection.answer().status
        }
        let good = admin.token
        #expect(try status(["authorization: bearer \(good)\r\n"]) == 200)
        let cases: [([String], [Int])] = [
            (["Authorization:\r\n"], [401]),
            (["Authorization: \(good)\r\n"], [401]),
            (["Authorization: Basic \(good)\r\n"], [401]),
            (["Authorization: Bearer \(good)\u{e9}\r\n"], [401]),
            (["Authorization: Bearer \(good)\0\r\n"], [400]),
            (["Authorization: Bearer \(good)\r\n", "Authorization: Bearer x\r\n"], [400]),
            (["Authorization: Bearer x\r\n", "Authorization: Bearer \(good)\r\n"], [400]),
            (["Authorization: Bearer x\r\n \(good)\r\n"], [400]),
            (["Authorization : Bearer \(good)\r\n"], [400]),
            (["Authorization: Bearer " + String(repeating: "x", count: 10 << 20) + "\r\n"], [431]),
            (["Proxy-Authorization: Bearer \(good)\r\n"], [401]),
            (["X-Authorization: Bearer \(good)\r\n"], [401]),
            (["Cookie: Authorization=Bearer \(good)\r\n"], [401]),
            (["Cookie: moonlet_session=\(good)\r\n"], [401]),
            (["Cookie: moonlet_session=a; moonlet_session=b\r\n"], [400]),
            (["Cookie: moonlet_session=" + String(repeating: ";", count: 15_000) + "\r\n"], [401]),
        ]
        for (fields, statuses) in cases {
            let status = try status(fields)
            #expect(statuses.contains(status), "\(fields.map { $0.prefix(60) }): \(status)")
        }
        let inURL = try server.get("/v1/names?access_token=\(good)").status
        #expect(inURL == 401)
        let path = "/v1/names?token=x"
        #expect(try server.request("GET", path, fields: [Self.bearer(good)]).status == 400)
        let large = #"{"token": "\#(String(repeating: "x", count: 10 << 20))"}"#
        let connection = try RawConnection(server)
        connection.sendAsFarAsItGoes(
            Array(
                ("POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(large.utf8.count)\r\n\r\n" + large.prefix(100_000)).utf8
            )
        )
        #expect(try connection.answer().status == 413)
        #expect(try server.get("/livez").status == 200)
    }

    // MARK: Sessions

    @Test func `curl logs in, acts by its cookie, and logs out`() throws {
        let file = try TokensFile()
        let admin = try Self.make()
        try file.write(admin.entry)
        let server = try Self.serve(file)
        let jar = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-jar-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: jar) }
        func curl(_ path: String, _ flags: [String]) throws -> String {
            try Self.curl(
                ["-o", "/dev/null", "-w", "%{http_code}", "-b", jar] + flags
                    + [server.base + path]
            ).output
        }
        #expect(try curl("/v1/login", ["--json", #"{"token": "wrong"}"#]) == "401")
        let body = #"{"token": "\#(admin.token)"}"#
        #expect(try curl("/v1/login", ["-c", jar, "--json", body]) == "204")
        #expect(try curl("/v1/system", []) == "200")
        let spawn = ["--json", #"{"entry": "app.demo:greeter", "name": "g"}"#]
        #expect(try curl("/v1/processes", spawn) == "403")
        let origin = ["-H", "Origin: \(server.base)"]
        #expect(try curl("/v1/processes", spawn + origin) == "201")
        #expect(try curl("/v1/processes", spawn + ["-H", "Origin: http://127.0.0.1:1"]) == "403")
        let stream = try Self.curl(
            ["-N", "-b", jar, server.base + "/v1/events?since=oldest&max_events=1"]
        )
        #expect(stream.output.contains("event: SPAWN"))
        let cookie = try String(contentsOfFile: jar, encoding: .utf8)
        #expect(cookie.contains("#HttpOnly_127.0.0.1") && !cookie.contains(admin.token))
        #expect(try curl("/v1/logout", ["-X", "POST"] + origin) == "204")
        #expect(try curl("/v1/system", []) == "401")
        #expect(!server.logText.contains(admin.token))
    }

    @Test func `over TLS the cookie is for TLS only`() throws {
        let certificates = try TestCertificates()
        let file = try TokensFile()
        let admin = try Self.make()
        try file.write(admin.entry)
        let server = try Self.serve(
            file,
            [
                "--tls-cert", certificates.path("cert.pem"), "--tls-key",
                certificates.path("key.pem"),
            ]
        )
        let run = try Self.curl([
            "-i", "--cacert", certificates.path("ca.pem"), "--json",
            #"{"token": "\#(admin.token)"}"#, "https://localhost:\(server.port)/v1/login",
        ])
        #expect(run.output.contains("SameSite=Strict; Secure"), "\(run.output)")
    }

    // MARK: Revocation

    @Test func `SIGHUP revokes a token, ends its stream, and a bad file changes nothing`() throws {
        let file = try TokensFile()
        let first = try Self.make("first")
        let second = try Self.make("second", "--scope", "events")
        try file.write(first.entry + second.entry)
        let server = try Self.serve(file, ["--heartbeat", "100ms"])
        func system(_ token: String) throws -> Int {
            try server.request("GET", "/v1/system", fields: [Self.bearer(token)]).status
        }
        let gone = try EventReader(server, fields: [Self.bearer(first.token)])
        let kept = try EventReader(server, fields: [Self.bearer(second.token)])
        #expect(try gone.next()?.kind == "hello")
        #expect(try kept.next()?.kind == "hello")

        try file.write(second.entry + "- {name: third, sha256: x, scopes: [read]}\n")
        server.signal(SIGHUP)
        #expect(server.logHas("cannot read again"))
        #expect(server.logHas("expected 64 hexadecimal digits"))
        #expect(server.logHas("\(file.path):4:"))
        #expect(try system(first.token) == 200)

        let third = try Self.make("third", "--scope", "read")
        try file.write(second.entry + third.entry)
        server.signal(SIGHUP)
        #expect(server.logHas("\"read again\""))
        #expect(try system(first.token) == 401)
        #expect(try system(third.token) == 200)
        let bye = try #require(try gone.next())
        #expect(bye.kind == "bye" && bye.data["reason"].text == "unauthorized")
        #expect(try gone.next() == nil)
        // The other goes on.
        _ = try server.request(
            "GET",
            "/v1/events?max_events=1&since=oldest",
            fields: [Self.bearer(third.token)]
        )
        let admin = try Self.make("fourth", "--scope", "spawn")
        try file.write(second.entry + admin.entry)
        server.signal(SIGHUP)
        let spawned = try waitFor(seconds: 5) {
            let answer = try server.request(
                "POST",
                "/v1/processes",
                #"{"entry": "app.demo:greeter"}"#,
                fields: [Self.bearer(admin.token)]
            )
            return answer.status == 201 ? true : nil
        }
        #expect(spawned == true)
        #expect(try kept.next()?.kind == "SPAWN")
    }

    @Test func `a stream ends when its token does`() throws {
        let file = try TokensFile()
        let soon = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 2))
        let short = try Self.make("short", "--scope", "events", "--expires", soon)
        try file.write(short.entry)
        let server = try Self.serve(file, ["--heartbeat", "50ms"])
        let reader = try EventReader(server, fields: [Self.bearer(short.token)])
        #expect(try reader.next()?.kind == "hello")
        let bye = try #require(try reader.next())
        #expect(bye.kind == "bye" && bye.data["reason"].text == "token-expired")
        let answer = try server.request("GET", "/v1/events", fields: [Self.bearer(short.token)])
        #expect(answer.status == 401 && answer.text.contains("expired"))
    }

    // MARK: Starting

    @Test func `an address others can reach is served where tokens are`() throws {
        let file = try TokensFile()
        let admin = try Self.make()
        try file.write(admin.entry)
        // The later --listen wins.
        let server = try Self.serve(file, ["--listen", "0.0.0.0:0"])
        #expect(try server.get("/v1/system").status == 401)
        let fields = [Self.bearer(admin.token)]
        #expect(try server.request("GET", "/v1/system", fields: fields).status == 200)
    }

    @Test func `a tokens file or token that is none keeps the server from starting`() throws {
        let file = try TokensFile("- {name: a, sha256: x, scopes: [reed]}")
        let run = try CommandRun.of(["serve", "--listen", "127.0.0.1:0", "--token-file", file.path])
        #expect(run.code == 2)
        #expect(run.errors.contains("\(file.path):1:21: error: token: sha256"), "\(run.errors)")
        #expect(run.errors.contains("unknown scope \"reed\""))
        let missing = try CommandRun.of(["serve", "--token-file", "/nowhere/tokens.yaml"])
        #expect(missing.code == 2 && missing.errors.contains("no such file"))
        for token in ["", "a b", "t\u{f6}ken"] {
            let run = try CommandRun.of(["serve"], environment: ["MOONLET_TOKEN": token])
            #expect(run.code == 2 && run.errors.contains("MOONLET_TOKEN"), "\(run.errors)")
        }
    }

    @Test func `moonlet token says what is wrong`() throws {
        for (arguments, word) in [
            (["--scope", "reed"], "unknown scope"), (["a b"], "name"),
            (["--expires", "soon"], "expected a date"), (["--scope", "admin:x"], "narrowed"),
        ] {
            let run = try CommandRun.of(["token"] + arguments)
            #expect(run.code == 2 && run.errors.contains(word), "\(run.errors)")
            #expect(run.output.isEmpty)
        }
        let odd = try Self.make("o'neil", "--scope", "send:it's \"so\"", "--expires", "2027-01-01")
        let file = try TokensFile(odd.entry)
        let server = try Self.serve(file)
        #expect(
            try server.request("GET", "/v1/names", fields: [Self.bearer(odd.token)]).status == 403
        )
    }

    // MARK: Clients and the log

    @Test func `commands show their token, and say when it is not enough`() throws {
        let file = try TokensFile()
        let reader = try Self.make("reader", "--scope", "read", "--scope", "events")
        try file.write(reader.entry)
        let server = try Self.serve(file)
        func run(_ token: String?, _ arguments: String...) throws -> CommandRun {
            var environment = ["MOONLET_SERVER": server.base]
            environment["MOONLET_TOKEN"] = token
            return try CommandRun.of(arguments, environment: environment)
        }
        let nobody = try run(nil, "ps")
        #expect(nobody.code == 4 && nobody.errors.contains("unauthorized"), "\(nobody.errors)")
        #expect(try run("mlt_wrong", "ps").code == 4)
        #expect(try run(reader.token, "ps").code == 0)
        #expect(try run(nil, "ps", "--token", reader.token).code == 0)
        let refused = try run(reader.token, "spawn", "app.demo:greeter")
        #expect(refused.code == 4 && refused.errors.contains("insufficient-scope"))
        #expect(refused.errors.contains("spawn"))
        #expect(try run(nil, "events", "--max", "1").code == 4)
        #expect(try run(nil, "health").code == 0)
    }

    @Test func `who changed what is in the log, and who only read is not`() throws {
        let file = try TokensFile()
        let admin = try Self.make("ops")
        try file.write(admin.entry)
        let server = try Self.serve(file)
        let fields = [Self.bearer(admin.token), "X-Request-Id: req-7"]
        let sent = #"{"entry": "app.demo:greeter", "name": "g", "args": ["hush"]}"#
        let pid = try server.request("POST", "/v1/processes", sent, fields: fields).json["pid"].text
        _ = try server.request("GET", "/v1/processes", fields: fields)
        _ = try server.request("DELETE", "/v1/processes/\(pid)%0Ax=y", fields: fields)
        _ = try server.get("/v1/processes")
        #expect(server.logHas("not let in"))
        let lines = server.logLines.filter { $0["msg"].text == "audit" }
        #expect(lines.count == 2)
        let line = try #require(lines.first)
        #expect(line["who"].text == "ops" && line["by"].text == "token")
        #expect(line["method"].text == "POST" && line["route"].text == "/v1/processes")
        #expect(line["target"].text == "app.demo:greeter \(pid)")
        #expect(line["status"].text == "201" && line["request_id"].text == "req-7")
        #expect(line["peer"].text == "127.0.0.1" && line["level"].text == "info")
        #expect(!server.logText.contains("hush") && !server.logText.contains(admin.token))
        let quiet = try Self.serve(file, ["--audit", "off"])
        _ = try quiet.request("DELETE", "/v1/names/x", fields: fields)
        _ = try quiet.get("/v1/processes")
        #expect(quiet.logHas("not let in"))
        #expect(!quiet.logText.contains("audit"))
    }
}
