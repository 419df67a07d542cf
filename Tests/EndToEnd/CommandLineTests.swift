import Foundation
import Testing

@testable import moonlet

/// Every client command against a real server, and all of them against none.
@Suite struct CommandLineTests {
    private static func run(_ server: RunningServer, _ arguments: String...) throws -> CommandRun {
        try CommandRun.of(arguments, environment: ["MOONLET_SERVER": server.base])
    }

    @Test func `a life of a process, by commands`() throws {
        let server = try RunningServer("examples/worker-pool")
        func run(_ arguments: String...) throws -> CommandRun {
            try CommandRun.of(arguments, environment: ["MOONLET_SERVER": server.base])
        }
        let spawned = try run("spawn", "app.demo:greeter", "--name", "greeter")
        #expect(spawned.code == 0, "\(spawned.errors)")
        let pid = spawned.output.trimmingCharacters(in: .whitespacesAndNewlines)

        let list = try run("ps")
        #expect(list.code == 0 && list.output.contains(pid) && list.output.contains("greeter"))
        let names = try run("names")
        #expect(names.code == 0 && names.output.contains("greeter"))
        let inspected = try run("inspect", "@greeter")
        #expect(inspected.code == 0 && inspected.output.contains("app.demo:greeter"))

        #expect(try run("send", "@greeter", "greet", "\"Ada\"").code == 0)
        #expect(try run("wait", pid, "--timeout", "20ms").code == 124)
        #expect(try run("send", pid, "stop").code == 0)
        let waited = try run("wait", pid, "--timeout", "10s")
        #expect(waited.code == 0, "\(waited.errors)")
        #expect(waited.output.contains("1"))
        #expect(server.logHas("Hello, Ada!"))

        let gone = try run("send", "@greeter", "greet")
        #expect(gone.code == 3)
        #expect(gone.errors.contains("greeter"))
    }

    @Test func `exec, cancel, kill, events, health, version`() throws {
        let server = try RunningServer("examples/monitoring")
        func run(_ arguments: String...) throws -> CommandRun {
            try CommandRun.of(arguments, environment: ["MOONLET_SERVER": server.base])
        }
        let done = try run("exec", "app.test.process:events_exit_worker")
        #expect(done.code == 0, "\(done.errors)")
        #expect(done.output.contains("done"))

        _ = try run("spawn", "app.test.process:long_worker", "--name", "a")
        #expect(try run("cancel", "@a").code == 0)
        _ = try run("spawn", "app.test.process:long_worker", "--name", "b")
        #expect(try run("kill", "@b").code == 0)
        #expect(try run("kill", "@b").code == 3)

        let events = try run("events", "--kind", "EXIT", "--max", "2")
        #expect(events.code == 0, "\(events.errors)")
        #expect(events.output.contains("events_exit_worker"))
        #expect(try run("health").code == 0)
        let version = try run("version")
        #expect(version.code == 0 && version.output.contains("0.1.0"))

        let unknown = try run("exec", "app.test.process:nobody")
        #expect(unknown.code == 4 || unknown.code == 3, "\(unknown.errors)")
        #expect(unknown.errors.contains("app.test.process:nobody"))
        #expect(try run("inspect", "moon.x.1").code == 3)
    }

    @Test func `a process that failed makes exec fail`() throws {
        let server = try RunningServer("examples/linking")
        let failed = try Self.run(server, "exec", "app.test.process:doomed")
        #expect(failed.code == 1)
        #expect(failed.errors.contains("linked process failed"))
    }

    @Test(arguments: [
        ["ps"], ["names"], ["health"], ["inspect", "@a"], ["spawn", "a:b"], ["exec", "a:b"],
        ["send", "@a", "t"], ["events"], ["wait", "@a"], ["cancel", "@a"], ["kill", "@a"],
    ])
    func `no server is said in a sentence`(_ arguments: [String]) throws {
        let url = try ScriptedServer.unusedURL()
        let run = try CommandRun.of(arguments, environment: ["MOONLET_SERVER": url])
        #expect(run.code == 5)
        #expect(run.errors.contains("no moonlet server at"))
        #expect(run.errors.contains("moonlet serve"))
    }

    @Test func `config prints every setting, and where it comes from`() throws {
        let files = try TemporaryApp(files: [("settings.yaml", "node: here\nheartbeat: 20s\n")])
        let file = files.path + "/settings.yaml"
        let run = try CommandRun.of(
            ["config", "--config", file, "--workers", "3"],
            environment: ["MOONLET_LOG_LEVEL": "debug"]
        )
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(
            lines.map { String($0.prefix { $0 != ":" }) }.sorted()
                == (SettingSource.names + ["config", "MOONLET_TOKEN"]).sorted()
        )
        for line in [
            "config: \(file)  (flag)", "workers: 3  (flag)",
            "log-level: debug  (MOONLET_LOG_LEVEL)",
            "heartbeat: 20s  (\(file):2)", "listen: 127.0.0.1:7070  (default)",
            "head-timeout: 10s  (default)", "max-events: 65536  (default)", "audit: off  (default)",
            "token-file: none  (default)", "MOONLET_TOKEN: none  (default)",
        ] {
            #expect(lines.contains(line), "\(line) is not in \(run.said)")
        }
    }

    @Test func `check tells good from bad`() throws {
        let good = RunningServer.root.path + "/examples/worker-pool"
        let run = try CommandRun.of(["check", good])
        #expect(run.code == 0, "\(run.errors)")
        #expect(run.output == "ok: 4 entries, 1 host\n")
        let bad = try TemporaryApp([("broken", "return {\n main = function( end }")])
        let failed = try CommandRun.of(["check", bad.path])
        #expect(failed.code == 1)
        #expect(failed.errors.contains("broken.lua:2"), "\(failed.errors)")
    }

    @Test func `run ends with the program's own code`() throws {
        let app = try TemporaryApp(files: [
            (
                "job.lua",
                """
                return function(a, b)
                    print("got", a, b)
                    if a == "fail" then error("no way") end
                    return 7
                end
                """
            )
        ])
        let done = try CommandRun.of(["run", app.path + "/job.lua", "x", "y"])
        #expect(done.output.contains("got x y"), "\(done.output) \(done.errors)")
        #expect(done.code == 7)
        let failed = try CommandRun.of(["run", app.path + "/job.lua", "fail"])
        #expect(failed.code == 1)
        #expect(failed.errors.contains("no way"))
    }

    @Test func `run ends with its process, whatever others do`() throws {
        let app = try TemporaryApp(files: [
            (
                "job.lua",
                """
                return function(is_child)
                    if is_child then ("a"):rep(5000):find((".-"):rep(8) .. "b") end
                    for _ = 1, 3 do process.spawn("app:main", "app:processes", true) end
                    time.sleep("50ms")
                    return 7
                end
                """
            )
        ])
        #expect(try CommandRun.of(["run", app.path + "/job.lua"]).code == 7)
    }

    @Test func `run starts app:main of a folder, on its only host`() throws {
        let app = try TemporaryApp(files: [
            (
                "_index.yaml",
                """
                version: "1.0"
                namespace: app
                entries:
                  - {name: processes, kind: process.host}
                  - {name: main, kind: process.lua, source: "file://main.lua"}
                  - {name: other, kind: process.lua, source: "return function(x) return x + 1 end"}
                """
            ),
            (
                "main.lua",
                "return function(x) return process.exec('app:other', 'app:processes', x) end"
            ),
        ])
        let done = try CommandRun.of(["run", app.path, "6"])
        #expect(done.code == 7, "\(done.output) \(done.errors)")
    }
}
