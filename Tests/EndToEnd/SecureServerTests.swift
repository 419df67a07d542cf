import Foundation
import Glibc
import TestCertificates
import Testing

/// The real binary over TLS, asked by curl and by the openssl command.
@Suite struct SecureServerTests {
    let files: TestCertificates
    private var flags: [String] {
        ["--tls-cert", files.path("cert.pem"), "--tls-key", files.path("key.pem")]
    }

    init() throws { files = try TestCertificates() }

    private func curl(_ server: RunningServer, _ path: String, _ flags: [String]) throws
        -> CommandRun
    {
        let base = ["-sS", "--max-time", "10", "--cacert", files.path("ca.pem")]
        return try CommandRun.of(
            base + flags + ["https://localhost:\(server.port)\(path)"],
            program: "/usr/bin/curl"
        )
    }

    private func openssl(
        _ server: RunningServer,
        _ flags: [String],
        input: String = ""
    ) throws -> CommandRun {
        try CommandRun.of(
            ["s_client", "-connect", "localhost:\(server.port)", "-CAfile", files.path("ca.pem")]
                + flags,
            program: "/usr/bin/openssl",
            input: input
        )
    }

    @Test func `curl is served over TLS`() throws {
        let server = try RunningServer("examples/worker-pool", flags)
        for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
            let ready = try curl(server, "/readyz", [flag, "-w", " %{http_version}"])
            #expect(ready.code == 0 && ready.output.hasSuffix(" " + version), "\(ready.output)")
        }
        let body =
            #"{"entry": "app.test.process:task_worker", "args": [{"task_id": 1, "value": 21}]}"#
        let ran = try curl(server, "/v1/exec", ["--json", body])
        #expect(ran.output.contains("42"), "\(ran.output)")
        let page = try curl(server, "/", ["--tlsv1.3"])
        #expect(page.output.contains("<html"))
        let old = try curl(server, "/readyz", ["--tls-max", "1.2"])
        #expect(old.code == 0)
        #expect(server.logLines.contains { $0["tls"].text == "on" })
    }

    @Test func `only TLS 1.2 and later is spoken, and a protocol of ours`() throws {
        let server = try RunningServer(nil, flags)
        let get = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        let old = try openssl(server, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        #expect(old.code != 0 && old.said.contains("alert protocol version"), "\(old.said)")
        let other = try openssl(server, ["-alpn", "spdy/3"])
        #expect(other.code != 0 && other.said.contains("alert no application protocol"))
        let none = try openssl(server, ["-quiet"], input: get)
        #expect(none.output.contains("HTTP/1.1 200 OK"), "\(none.output)")
        for (offered, chosen) in [("x,http/1.1", "http/1.1"), ("http/1.1,h2", "h2")] {
            let run = try openssl(server, ["-alpn", offered])
            #expect(run.output.contains("ALPN protocol: \(chosen)\n"), "\(run.output)")
        }
        // R asks s_client for a renegotiation.
        let again = try openssl(server, ["-tls1_2"], input: "R\n")
        #expect(again.said.contains("no renegotiation"), "\(again.said)")
        #expect(try curl(server, "/livez", []).code == 0)
    }

    @Test func `h2load finds no error over TLS, by either protocol`() throws {
        let server = try RunningServer(nil, flags)
        for protocols in ["h2", "http/1.1"] {
            let run = try CommandRun.of(
                [
                    "-c4", "-m8", "-n2000", "--npn-list=" + protocols,
                    "https://localhost:\(server.port)/livez",
                ],
                program: "/usr/bin/h2load"
            )
            #expect(run.output.contains("Application protocol: \(protocols)\n"), "\(run.said)")
            #expect(run.output.contains("2000 succeeded, 0 failed, 0 errored"), "\(run.said)")
        }
    }

    @Test func `a session is taken up again by its ticket`() throws {
        let server = try RunningServer(nil, flags)
        for version in ["-tls1_2", "-tls1_3"] {
            let ticket = files.path("ticket" + version)
            let get = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let first = try openssl(
                server,
                [version, "-sess_out", ticket, "-ign_eof"],
                input: get
            )
            #expect(first.output.contains("\nNew, TLS"), "\(first.output)")
            let second = try openssl(server, [version, "-sess_in", ticket, "-ign_eof"], input: get)
            #expect(second.output.contains("\nReused, TLS"), "\(second.output)")
        }
    }

    @Test func `SIGHUP brings a new certificate, and a broken one changes nothing`() throws {
        let server = try RunningServer(nil, flags)
        func subject() throws -> String {
            let run = try openssl(server, [])
            return run.output.split(separator: "\n").first { $0.hasPrefix("subject=") }
                .map(String.init) ?? run.output
        }
        #expect(try subject() == "subject=CN = localhost")
        let kept = try RawTLS(server, files)
        try files.issue("cert.pem", key: "key.pem", commonName: "renewed")
        server.signal(SIGHUP)
        #expect(server.logHas("\"read again\""))
        #expect(try subject() == "subject=CN = renewed")
        // An older connection goes on.
        #expect(try kept.request("GET /livez").contains("200 OK"))
        try files.issue("cert.pem", key: "other.key", commonName: "broken")
        server.signal(SIGHUP)
        #expect(server.logHas("does not belong to the first certificate"))
        #expect(try subject() == "subject=CN = renewed")
        #expect(try curl(server, "/livez", []).code == 0)
    }

    @Test func `clear HTTP gets an answer in clear`() throws {
        let server = try RunningServer(nil, flags)
        let run = try CommandRun.of(
            ["-sS", "-i", "http://localhost:\(server.port)/"],
            program: "/usr/bin/curl"
        )
        #expect(run.output.contains("400 Bad Request"))
        #expect(run.output.contains("use https://"))
        #expect(server.logHas("a client speaks another protocol"))
        let clear = try RunningServer(nil)
        let tls = try curl(clear, "/", [])
        #expect(tls.code == 35, "\(tls.output)")
        #expect(clear.logHas("speaks no TLS"))
    }

    @Test func `aborted handshakes leave nothing`() throws {
        let server = try RunningServer(nil, flags)
        func abort(_ count: Int) throws {
            for index in 0..<count {
                let connection = try RawConnection(server)
                // Half a record, or a whole one that is no ClientHello.
                try connection.send(
                    [22, 3, 1, 0, 5] + (index.isMultiple(of: 2) ? [1] : [1, 2, 3, 4, 5])
                )
                if !index.isMultiple(of: 2) { _ = try connection.readToEnd() }
                try connection.abort()
            }
        }
        try abort(200)
        let (files, bytes) = (server.openFiles, server.residentBytes)
        try abort(2_000)
        #expect(waitFor(seconds: 5) { server.openFiles <= files + 5 ? true : nil } != nil)
        #expect(server.residentBytes - bytes < 8 << 20)
        #expect(try curl(server, "/livez", []).code == 0)
    }

    @Test(arguments: [
        (["--tls-cert", "cert.pem"], "tls-key is missing"),
        (["--tls-key", "key.pem"], "tls-cert is missing"),
        (["--tls-cert", "none.pem", "--tls-key", "key.pem"], "cannot read none.pem: No such file"),
        (["--tls-cert", "key.pem", "--tls-key", "key.pem"], "key.pem has no PEM certificate"),
    ])
    func `a server that cannot use its certificate says why and does not start`(
        _ flags: [String],
        _ reason: String
    ) throws {
        let flags = flags.map { $0.hasSuffix(".pem") ? files.path($0) : $0 }
        let run = try CommandRun.of(["serve", "--listen", "127.0.0.1:0"] + flags)
        #expect(run.code == 2)
        let said = run.errors.replacing(files.folder + "/", with: "")
        #expect(said.contains(reason), "\(said)")
    }
}

/// A connection kept open by `openssl s_client`.
private final class RawTLS {
    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())

    init(_ server: RunningServer, _ files: TestCertificates) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "s_client", "-quiet", "-verify_quiet", "-connect", "localhost:\(server.port)",
            "-CAfile", files.path("ca.pem"),
        ]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.runUnmasked()
        // The connection is there, under the present certificate, once it was used.
        _ = try request("GET /livez")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// What comes first after a request.
    func request(_ line: String) throws -> String {
        let text = line + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        return String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }
}
