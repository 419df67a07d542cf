import Application
import Payload
import Testing

@Suite struct AppLoaderTests {
    @Test func `an app is its entries, hosts and services`() throws {
        let app = try TemporaryApp([
            "_index.yaml": """
            version: "1.0"
            namespace: app
            meta: {comment: all of it}
            entries:
              - name: processes
                kind: process.host
                host:
                  max_processes: 10_000
                  workers: 2
                  limits: {memory_bytes: 1048576}
                lifecycle: {auto_start: true}
              - name: keeper
                kind: process.service
                process: app.jobs:worker
                host: app:processes
                input: [1, "two", {three: 3.5}]
                lifecycle:
                  auto_start: true
                  requires: ["app:other", app:processes]
                  start_timeout: 1m30s
                  stop_timeout: 500ms
                  stable_threshold: 0
                  restart:
                    initial_delay: 100ms
                    max_delay: 2s
                    backoff_factor: 1.5
                    jitter: 0
                    max_attempts: 7
              - name: other
                kind: process.service
                process: app.jobs:worker
            """,
            "jobs/_index.yaml": """
            version: 1.0
            namespace: app.jobs
            entries:
              - name: worker
                kind: process.lua
                meta: {comment: works, tags: [a, 1, 1.5, true, null, "true"], none: ~}
                source: file://worker.lua
                method: run
                modules: [time, json, time]
                imports: {tools: "app.jobs:tools"}
                limits: {memory_bytes: 65536, mailbox_messages: 10, mailbox_bytes: 1024,
                         cpu_ms: 0, lifetime_ms: 60000}
              - name: tools
                kind: library.lua
                source: |
                  -- first
                  return {}
            """,
            "jobs/worker.lua": "return { run = function() end }",
        ])
        let loaded = try app.load()
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.entries.map(\.id) == ["app.jobs:tools", "app.jobs:worker"])
        let tools = loaded.entries[0]
        #expect(tools.kind == .library)
        #expect(tools.sourceText == "-- first\nreturn {}")
        #expect(tools.sourcePath == nil)
        #expect(tools.method == "main")
        #expect(tools.meta == .nothing)
        let worker = loaded.entries[1]
        #expect(worker.kind == .process)
        #expect(worker.sourceText == "return { run = function() end }")
        #expect(worker.sourcePath == "jobs/worker.lua")
        #expect(worker.method == "run")
        #expect(worker.modules == ["time", "json"])
        #expect(worker.imports.map(\.alias) == ["tools"])
        #expect(worker.imports.map(\.id) == ["app.jobs:tools"])
        #expect(worker.limits.memoryBytes == 65536)
        #expect(worker.limits.mailboxMessages == 10)
        #expect(worker.limits.mailboxBytes == 1024)
        #expect(worker.limits.cpuMilliseconds == 0)
        #expect(worker.limits.lifetimeMilliseconds == 60000)
        #expect(worker.place == AppPlace(file: "jobs/_index.yaml", line: 4, column: 5))
        let host = loaded.hosts[0]
        #expect(host.id == "app:processes")
        #expect(host.maxProcesses == 10_000)
        #expect(host.workers == 2)
        #expect(host.limits.memoryBytes == 1_048_576)
        #expect(host.limits.mailboxBytes == nil)
    }

    @Test func `a service is what its fields say, or the defaults`() throws {
        let app = try TemporaryApp([
            "_index.yaml": indexHead + """
                  - {name: w, kind: process.lua, source: "return {}"}
                  - name: full
                    kind: process.service
                    process: app:w
                    host: app:processes
                    input: [1, "two", {three: 3.5}]
                    lifecycle:
                      auto_start: true
                      requires: ["app:bare", "app:processes"]
                      start_timeout: 1m30s
                      restart: {initial_delay: 100ms, jitter: 0, backoff_factor: 3, max_attempts: 7}
                  - {name: bare, kind: process.service, process: "app:w"}
                """
        ])
        let services = try app.load().services
        #expect(services.map(\.id) == ["app:bare", "app:full"])
        #expect(services[0].host.id == "app:processes")
        #expect(services[0].lifecycle == AppLifecycle())
        #expect(services[0].lifecycle.restart.maxDelayNanoseconds == 90_000_000_000)
        let full = services[1]
        #expect(full.process.id == "app:w")
        #expect(full.lifecycle.autoStart)
        #expect(full.lifecycle.requires.map(\.id) == ["app:bare", "app:processes"])
        #expect(full.lifecycle.startTimeoutNanoseconds == 90_000_000_000)
        #expect(full.lifecycle.stopTimeoutNanoseconds == 10_000_000_000)
        #expect(full.lifecycle.restart.initialDelayNanoseconds == 100_000_000)
        #expect(full.lifecycle.restart.backoffFactor == 3)
        #expect(full.lifecycle.restart.jitter == 0)
        #expect(full.lifecycle.restart.maxAttempts == 7)
        #expect(full.input.count == 3)
        #expect(full.input[0] == payload { $0.write(Int64(1)) })
        #expect(full.input[1] == Payload("two"))
    }

    @Test func `meta keeps its shape and its types`() throws {
        let app = try TemporaryApp([
            "_index.yaml": indexHead + """
                  - name: w
                    kind: process.lua
                    source: "return {}"
                    meta: {a: [1, 1.5, true, null, "true", x, -7, 1_000, 1e3, 0x10], b: ~, c: {}}
                """
        ])
        let meta = try app.load().entries[0].meta
        let expected = payload { writer in
            let object = writer.beginTable(.object)
            writer.write("a")
            let array = writer.beginTable(.array)
            writer.write(Int64(1))
            writer.write(1.5)
            writer.write(true)
            writer.writeNull()
            writer.write("true")
            writer.write("x")
            writer.write(Int64(-7))
            writer.write(Int64(1_000))
            writer.write(1_000.0)
            writer.write("0x10")
            writer.endTable(array, sequence: 10, pairs: 0)
            writer.write("c")
            writer.endTable(writer.beginTable(.object), sequence: 0, pairs: 0)
            writer.endTable(object, sequence: 0, pairs: 2)
        }
        #expect(meta == expected)
    }

    private func payload(_ body: (inout PayloadWriter) -> Void) -> Payload {
        var writer = PayloadWriter()
        body(&writer)
        return writer.finish()
    }

    @Test func `anchors and aliases may save typing`() throws {
        let found = try problems(
            ofEntries: """
                  - {name: a, kind: process.lua, source: "return {}", modules: &mods [time, json]}
                  - {name: b, kind: process.lua, source: "return {}", modules: *mods}
                """
        )
        #expect(found.isEmpty)
    }

    @Test func `a single Lua file is an app`() throws {
        let app = try TemporaryApp(["run.lua": "#!/usr/bin/env moonlet run\nreturn {}"])
        let loaded = try AppLoader.single(luaFile: app.path + "/run.lua")
        #expect(loaded.entries.map(\.id) == ["app:main"])
        #expect(loaded.entries[0].sourceText == "\nreturn {}")
        #expect(loaded.entries[0].method == "main")
        #expect(loaded.hosts.map(\.id) == ["app:processes"])
        #expect(loaded.services.isEmpty)
    }

    @Test func `a single file that is no program is told`() throws {
        let app = try TemporaryApp(["bad.lua": "x"])
        try app.write("code.luac", [0x1B] + Array("Lua".utf8))
        func found(_ name: String, _ check: AppLoader.SourceCheck? = nil) -> [String] {
            do throws(AppProblems) {
                _ = try AppLoader.single(luaFile: app.path + "/" + name, sourceCheck: check)
                return []
            } catch {
                return error.problems.map(\.message)
            }
        }
        #expect(found("none.lua") == ["no such file"])
        #expect(found("code.luac") == ["found Lua bytecode, expected source text"])
        #expect(found("") == ["expected an ordinary file"])
        #expect(found("bad.lua") { _ in (1, "no") } == ["\"app:main\": no"])
        #expect(found("bad.lua") == [])
    }

    @Test func `a program that does not compile is told with its own line`() throws {
        let app = try TemporaryApp([
            "_index.yaml": indexHead + """
                  - {name: a, kind: process.lua, source: "file://lib/a.lua"}
                  - name: b
                    kind: process.lua
                    source: |
                      local x = 1
                      nonsense
                  - {name: c, kind: library.lua, source: "nonsense"}
                """,
            "lib/a.lua": "\n\nnonsense",
        ])
        let found = app.problems { entry in
            let lines = entry.sourceText.split(separator: "\n", omittingEmptySubsequences: false)
            guard let index = lines.firstIndex(of: "nonsense") else { return nil }
            return (index + 1, "syntax error")
        }
        #expect(
            found == [
                "_index.yaml:13: error: \"app:b\": syntax error",
                "_index.yaml:14: error: \"app:c\": syntax error",
                "lib/a.lua:3: error: \"app:a\": syntax error",
            ]
        )
    }
}
