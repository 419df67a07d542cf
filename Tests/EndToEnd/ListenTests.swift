import Foundation
import Glibc
import Posix
import TestCertificates
import Testing

/// The places a server can listen at, from outside.
@Suite struct ListenTests {
    /// A folder with a short path, and certificates for those who want them.
    private let files: TestCertificates
    private var path: String { files.path("s") }

    init() throws { files = try TestCertificates() }

    private func curl(_ arguments: String...) throws -> CommandRun {
        try CommandRun.of(["-sS", "--max-time", "10"] + arguments, program: "/usr/bin/curl")
    }

    private func curlOverSocket(_ path: String, _ target: String) throws -> CommandRun {
        try curl("--unix-socket", path, "http://localhost" + target)
    }

    private func fileBits(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int) ?? 0
    }

    @Test func `several places serve the same`() throws {
        let server = try RunningServer(
            "examples/worker-pool",
            ["--listen", "unix:\(path)?mode=660", "--listen", "127.0.0.1:0"]
        )
        let body = #"{"entry": "app.demo:greeter", "name": "greeter"}"#
        let spawned = try curl(
            "--unix-socket",
            path,
            "--json",
            body,
            "http://localhost/v1/processes"
        )
        #expect(spawned.output.contains("\"pid\""), "\(spawned.output)")
        let places = server.logLines.filter { $0["msg"].text == "listening" }
            .map { $0["address"].text }
        #expect(places.count == 3 && places[1] == "unix:\(path)")
        for place in [places[0], places[2]] {
            #expect(try curl("http://\(place)/v1/names/greeter").output.contains("\"pid\""))
        }
        #expect(try fileBits(path) == 0o660)
        #expect(server.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `they may come from the environment and from a file`() throws {
        let settings = files.path("settings.yaml")
        let other = files.path("t")
        try files.write("settings.yaml", "listen:\n  - 127.0.0.1:0\n  - unix:\(other)\n")
        for (flags, environment) in [
            (["--config", settings], [:]),
            ([], ["MOONLET_LISTEN": "127.0.0.1:0, unix:\(other)"]),
        ] {
            let run = try CommandRun.of(["config"] + flags, environment: environment)
            #expect(run.output.contains("unix:\(other)"), "\(run.output)\(run.errors)")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: RunningServer.binary)
            process.arguments = ["serve"] + flags
            process.environment = environment
            process.standardError = FileHandle.nullDevice
            try process.runUnmasked()
            defer {
                process.terminate()
                process.waitUntilExit()
            }
            let answer = try waitFor(seconds: 20) {
                let run = try curlOverSocket(other, "/livez")
                return run.code == 0 ? run.output : nil
            }
            #expect(answer != nil)
        }
    }

    @Test func `a killed server's socket is taken over, a live one's is not`() throws {
        let first = try RunningServer(nil, ["--listen", "unix:\(path)"])
        #expect(try fileBits(path) == 0o600)
        let refused = try CommandRun.of(["serve", "--listen", "unix:\(path)"])
        #expect(refused.code == 1)
        #expect(
            refused.errors.contains("cannot listen on unix:\(path): another server listens there"),
            "\(refused.errors)"
        )
        #expect(try curlOverSocket(path, "/livez").code == 0)
        first.signal(SIGKILL)
        _ = first.exitCode(within: 5)
        #expect(FileManager.default.fileExists(atPath: path))
        let second = try RunningServer(nil, ["--listen", "unix:\(path)"])
        #expect(try curlOverSocket(path, "/livez").code == 0)
        #expect(second.stop() == 0)
    }

    @Test func `an inherited socket is used, as service managers pass it`() throws {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        let listener = try FileDescriptor.listening(on: address)
        let url = "http://\(try listener.localAddress())"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", #"exec "$0" serve --listen fd:3 3<&0 0</dev/null"#, RunningServer.binary,
        ]
        process.standardInput = FileHandle(
            fileDescriptor: dup(listener.number),
            closeOnDealloc: true
        )
        process.standardError = FileHandle.nullDevice
        try process.runUnmasked()
        // A request that comes before the server is up waits in the socket.
        let run = try curl("--retry", "3", url + "/livez")
        process.terminate()
        process.waitUntilExit()
        #expect(run.code == 0, "\(run.output)")
        #expect(process.terminationStatus == 0)
    }

    @Test(arguments: [
        ("fd:3", "cannot listen on fd:3: nothing is open under that number"),
        ("fd:1", "a number from 3 on"), ("fd:x", "a number from 3 on"),
        ("unix:", "needs a path"), ("unix:/tmp/s?mode=9", "only ?mode= may come"),
        ("unix:/tmp/s?mode=1777", "only ?mode= may come"), ("unix:/tmp/s?x=660", "only ?mode="),
        ("127.0.0.1", "must be HOST:PORT"), ("", "must be HOST:PORT"), (" ", "must be HOST:PORT"),
        ("127.0.0.1:0,", "must be HOST:PORT"),
        ("example.invalid:7614", "listen: the name example.invalid cannot be resolved"),
        (
            "http://127.0.0.1:7070",
            "listen takes no URL: say 127.0.0.1:7070 instead of \"http://127.0.0.1:7070\""
        ),
        ("127.0.0.1:7070,127.0.0.1:7070", "listen: 127.0.0.1:7070 is given twice"),
        ("0.0.0.0:0", "refusing to listen on 0.0.0.0:0"),
    ])
    func `a place that is none is told`(_ place: String, _ words: String) throws {
        let run = try CommandRun.of(["serve", "--listen", place])
        #expect(run.code == 2)
        #expect(run.errors.contains(words), "\(run.errors)")
    }

    @Test func `an inherited socket that is given twice is told`() throws {
        let listener = try FileDescriptor.listening(
            on: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        )
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", #"exec "$0" serve --listen fd:3 --listen fd:3 3<&0 0</dev/null 2>&1"#,
            RunningServer.binary,
        ]
        process.standardInput = FileHandle(
            fileDescriptor: dup(listener.number),
            closeOnDealloc: true
        )
        let output = Pipe()
        process.standardOutput = output
        try process.runUnmasked()
        try output.fileHandleForWriting.close()
        let said = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        #expect(said.contains("listen: fd:3 is given twice"), "\(said)")
        #expect(process.terminationStatus == 2)
    }

    @Test func `one of several places that others reach is one too many`() throws {
        let run = try CommandRun.of(
            ["serve", "--listen", "unix:\(path)", "--listen", "127.0.0.1:0", "--listen", ":0"]
        )
        #expect(run.code == 2)
        #expect(run.errors.contains("refusing to listen on 0.0.0.0:0"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    // MARK: The commands

    @Test func `commands reach a server by its socket`() throws {
        let server = try RunningServer("examples/worker-pool", ["--listen", "unix:\(path)"])
        let url = "unix:" + path
        let spawned = try CommandRun.of(["spawn", "app.demo:greeter", "--server", url])
        #expect(spawned.code == 0, "\(spawned.errors)")
        #expect(server.stop() == 0)
        let none = try CommandRun.of(["ps"], environment: ["MOONLET_SERVER": url])
        #expect(none.code == 5)
        #expect(none.errors.contains("no moonlet server at \(url) (no such file"), "\(none.errors)")
    }

    @Test func `commands reach a server by TLS, and only one they trust`() throws {
        let server = try RunningServer(
            "examples/worker-pool",
            ["--tls-cert", files.path("cert.pem"), "--tls-key", files.path("key.pem")]
        )
        func run(_ host: String, _ arguments: [String], trusting file: String?) throws -> CommandRun
        {
            var environment = ["MOONLET_SERVER": "https://\(host):\(server.port)"]
            environment["MOONLET_CA_FILE"] = file.map(files.path)
            return try CommandRun.of(arguments, environment: environment)
        }
        let spawned = try run("localhost", ["spawn", "app.demo:greeter"], trusting: "ca.pem")
        #expect(spawned.code == 0, "\(spawned.errors)")
        let events = try run("127.0.0.1", ["events", "--max", "1"], trusting: "ca.pem")
        #expect(events.code == 0 && events.output.contains("SPAWN"), "\(events.errors)")
        // All of a long answer, over many records.
        let list = try run("localhost", ["ps", "-o", "json"], trusting: "ca.pem")
        #expect(list.code == 0)

        let stranger = try run("localhost", ["ps"], trusting: nil)
        #expect(stranger.code == 5)
        #expect(
            stranger.errors.contains("no TLS with https://localhost:\(server.port): unable to get")
                && stranger.errors.contains("--ca-file"),
            "\(stranger.errors)"
        )
        try files.issue("cert.pem", key: "key.pem", names: "DNS:example.org")
        server.signal(SIGHUP)
        #expect(server.logHas("\"read again\""))
        let other = try run("localhost", ["ps"], trusting: "ca.pem")
        #expect(other.code == 5 && other.errors.contains("hostname mismatch"), "\(other.errors)")
        let broken = try run("localhost", ["ps"], trusting: "none.pem")
        #expect(broken.code == 2 && broken.errors.contains("cannot read"), "\(broken.errors)")

        let clear = try CommandRun.of(["ps", "--server", server.base])
        #expect(clear.code == 4 && clear.errors.contains("use https://"), "\(clear.errors)")
        let plain = try RunningServer(nil)
        let tls = try CommandRun.of(["ps", "--server", "https://127.0.0.1:\(plain.port)"])
        #expect(tls.code == 5 && tls.errors.contains("no TLS with"), "\(tls.errors)")
    }
}
