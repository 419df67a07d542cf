import Application
import Testing

@Suite struct AppProblemTests {
    /// One index, and the only problem it has.
    @Test(arguments: [
        ("", "_index.yaml: error: the file is empty; expected version, namespace and entries"),
        (
            "# nothing\n",
            "_index.yaml: error: the file is empty; expected version, namespace and entries"
        ),
        ("- 1", "_index.yaml:1:1: error: the index: expected a mapping, found a list"),
        ("hello", "_index.yaml:1:1: error: the index: expected a mapping, found \"hello\""),
    ])
    func `an index that is none is told`(yaml: String, problem: String) throws {
        #expect(try errors(yaml) == [problem])
    }

    @Test(arguments: [
        ("a: [1", 2), ("a: 1\nb: {\nc", 4), ("a: \"x", 1), ("a: 1\n b: 2", 2), ("a:\n\t- 1", 2),
        ("a: *nowhere", 1), ("a: 1\n---\nb: 2", 2), ("a: @x", 1), ("%YAML 3.0\n---\na: 1", 1),
    ])
    func `YAML that is none is told with its line`(yaml: String, line: Int) throws {
        let found = try errors(yaml)
        #expect(found.count == 1)
        #expect(found.first?.contains("not YAML") == true)
        #expect(found.first?.hasPrefix("_index.yaml:\(line):") == true, "\(found)")
    }

    @Test func `a field given twice is told`() throws {
        let found = try errors("version: '1.0'\nnamespace: a\nnamespace: b")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("error: namespace given more than once") == true)
        #expect(found.first?.hasPrefix("_index.yaml:2:") == true)
    }

    @Test(arguments: [
        (
            "namespace: app\nentries: []",
            "_index.yaml:1:1: error: the index: version is missing; expected \"1.0\""
        ),
        (
            "version: '2.0'\nnamespace: app",
            "_index.yaml:1:10: error: version: expected \"1.0\", found \"2.0\""
        ),
        (
            "version: '1.0'",
            "_index.yaml:1:1: error: the index: namespace is missing; "
                + "expected a name such as \"app\""
        ),
        (
            "version: '1.0'\nnamespace:",
            "_index.yaml:2:1: error: the index: namespace is missing; "
                + "expected a name such as \"app\""
        ),
        (
            "version: '1.0'\nnamespace: app\nentries: 7",
            "_index.yaml:3:10: error: the index: entries: expected a list, found \"7\""
        ),
    ])
    func `an index says what it is`(yaml: String, problem: String) throws {
        #expect(try errors(yaml) == [problem])
    }

    @Test(arguments: ["a b", "", "a:b", ".hidden", "ä", "a/b", String(repeating: "x", count: 129)])
    func `a bad name is told`(name: String) throws {
        let rule = "expected letters, digits, \"_\", \"-\" and \".\", at most 128"
        #expect(
            try errors("version: '1.0'\nnamespace: '\(name)'")
                == ["_index.yaml:2:12: error: namespace \"\(name)\": \(rule)"]
        )
        #expect(
            try problems(ofEntries: "  - {name: '\(name)', kind: process.host}")
                == ["_index.yaml:8:12: error: name \"\(name)\": \(rule)"]
        )
    }

    /// Lines that stand for the entries from line 8 on, and what is wrong with them.
    @Test(arguments: [
        ("  - 7", ["8:5: error: entry: expected a mapping, found \"7\""]),
        (
            "  - {name: x}",
            ["8:5: error: entry \"x\": kind is missing; expected one such as \"process.lua\""]
        ),
        ("  - {kind: process.host}", ["8:5: error: entry: name is missing; expected a name"]),
        (
            "  - {name: x, kind: process.lua}",
            [
                "8:5: error: entry \"x\": source is missing; "
                    + "expected \"file://name.lua\", or the program itself"
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: ''}",
            [
                "8:42: error: entry \"x\": source is empty; "
                    + "expected \"file://name.lua\", or the program itself"
            ]
        ),
        (
            "  - {name: x, kind: library.lua, source: [1]}",
            ["8:42: error: entry \"x\": source: expected text, found a list"]
        ),
        (
            "  - {name: x, kind: process.lua, source: worker.lua}",
            [
                "8:42: error: \"app:x\": source worker.lua: this is read as a program; "
                    + "for a file, write file://worker.lua"
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: 'file://none.lua'}",
            ["8:42: error: \"app:x\": source file://none.lua: no such file"]
        ),
        (
            "  - {name: x, kind: process.lua, source: 'file://../w.lua'}",
            ["8:42: error: \"app:x\": source file://../w.lua: it leaves the app folder"]
        ),
        (
            "  - {name: x, kind: process.lua, source: 'file://a/../../w.lua'}",
            ["8:42: error: \"app:x\": source file://a/../../w.lua: it leaves the app folder"]
        ),
        (
            "  - {name: x, kind: process.lua, source: 'file:///etc/passwd'}",
            [
                "8:42: error: \"app:x\": source file:///etc/passwd: "
                    + "expected a path inside the app folder"
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: 'file://'}",
            ["8:42: error: \"app:x\": source file://: expected an ordinary file"]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, modul: [time]}",
            ["8:61: warning: entry \"x\": unknown field \"modul\"; did you mean \"modules\"?"]
        ),
        (
            "  - {name: x, kind: library.lua, source: file://worker.lua, zebra: 1}",
            ["8:61: warning: entry \"x\": unknown field \"zebra\""]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, modules: [tmie]}",
            ["8:71: error: entry \"x\": unknown module \"tmie\"; did you mean \"time\"?"]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, modules: time}",
            ["8:70: error: entry \"x\": modules: expected a list, found \"time\""]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, modules: [[]]}",
            ["8:71: error: entry \"x\": modules: expected a list of texts, found a list"]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, method: {}}",
            ["8:69: error: entry \"x\": method: expected text, found a mapping"]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, imports: {l: 'app:none'}}",
            ["8:74: error: import \"l\": there is no entry \"app:none\""]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, imports: {l: tools}}",
            [
                "8:74: error: entry \"x\": import \"l\": "
                    + "expected an id such as \"app:name\", found \"tools\""
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, imports: {l: 'app:x'}}",
            ["8:74: error: import \"l\": expected a library.lua, but \"app:x\" is a process.lua"]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, imports: {time: 'app:x'}}",
            [
                "8:77: error: entry \"x\": import \"time\": "
                    + "a built-in module has that name; expected another alias"
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, imports: {end: 'app:x'}}",
            [
                "8:76: error: entry \"x\": import \"end\": "
                    + "expected a name Lua code can use for a global"
            ]
        ),
        (
            "  - {name: x, kind: process.host, host: {max_processes: -1, wokers: 2}}",
            [
                "8:57: error: entry \"x\": host: max_processes: "
                    + "expected an integer from 0 to 100000000, found \"-1\"",
                "8:61: warning: entry \"x\": host: unknown field \"wokers\"; "
                    + "did you mean \"workers\"?",
            ]
        ),
        (
            "  - {name: x, kind: process.host, host: {max_processes: many, workers: '2'}}",
            [
                "8:57: error: entry \"x\": host: max_processes: "
                    + "expected an integer from 0 to 100000000, found \"many\"",
                "8:72: error: entry \"x\": host: workers: "
                    + "expected an integer from 1 to 1024, found \"2\"",
            ]
        ),
        (
            "  - {name: x, kind: process.lua, source: file://worker.lua, limits: {memory_bytes: 1}}",
            [
                "8:84: error: entry \"x\": limits: memory_bytes: "
                    + "expected an integer from 65536 to 1099511627776, found \"1\""
            ]
        ),
        (
            "  - {name: x, kind: process.service}",
            ["8:5: error: entry \"x\": process is missing; expected the id of a process.lua"]
        ),
        (
            "  - {name: x, kind: process.service, process: 'app:nope', host: 'app:process'}",
            [
                "8:47: error: process: there is no entry \"app:nope\"",
                "8:65: error: host: there is no entry \"app:process\"; "
                    + "did you mean \"app:processes\"?",
            ]
        ),
        (
            "  - {name: x, kind: process.service, process: 'app:processes', host: 'app:x'}",
            [
                "8:47: error: process: expected a process.lua, "
                    + "but \"app:processes\" is a process.host",
                "8:70: error: host: expected a process.host, but \"app:x\" is a process.service",
            ]
        ),
        (
            "  - {name: w, kind: process.odd}\n  - {name: v, kind: process.odd}",
            ["8:21: warning: entries of kind \"process.odd\" are skipped: app:w, app:v"]
        ),
        (
            "  - {name: w, kind: proces.lua}",
            [
                "8:21: warning: entries of kind \"proces.lua\" are skipped: app:w; "
                    + "did you mean \"process.lua\"?"
            ]
        ),
    ])
    func `what is wrong with an entry is told with its place`(
        entries: String,
        expected: [String]
    ) throws {
        #expect(try problems(ofEntries: entries) == expected.map { "_index.yaml:" + $0 })
    }

    @Test(arguments: [
        ("start_timeout: 10", "11:22"), ("stop_timeout: soon", "11:21"),
        ("stable_threshold: -1s", "11:25"), ("auto_start: yes", "11:19"),
        ("requires: app:w", "11:17"), ("requires: [w]", "11:18"), ("requires: ['app:w']", "11:18"),
        ("restart: 1", "11:16"), ("restart: {initial_delay: 5}", "11:32"),
        ("restart: {initial_delay: 1h}", "11:16"), ("restart: {jitter: 1.5}", "11:25"),
        ("restart: {backoff_factor: 0}", "11:33"), ("restart: {max_attempts: -1}", "11:31"),
        ("restart: {max_attempts: 1.5}", "11:31"),
    ])
    func `what is wrong with a lifecycle is told with its place`(
        field: String,
        place: String
    ) throws {
        let found = try problems(
            ofEntries: """
                  - {name: w, kind: process.lua, source: file://worker.lua}
                  - {name: s, kind: process.service, process: "app:w",
                     lifecycle: {
                      \(field)}}
                """
        )
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix("_index.yaml:\(place): error: ") == true, "\(found)")
    }

    @Test func `a service needs a host where there are several`() throws {
        let found = try problems(
            ofEntries: """
                  - {name: more, kind: process.host}
                  - {name: w, kind: process.lua, source: file://worker.lua}
                  - {name: s, kind: process.service, process: "app:w"}
                """
        )
        #expect(
            found == [
                "_index.yaml:10:5: error: service \"app:s\": "
                    + "host is missing; expected the id of a host"
            ]
        )
    }

    @Test func `import cycles are told once, where they close`() throws {
        let found = try problems(
            ofEntries: """
                  - {name: a, kind: library.lua, source: "return 1", imports: {l: "app:b"}}
                  - {name: b, kind: library.lua, source: "return 1", imports: {l: "app:c"}}
                  - {name: c, kind: library.lua, source: "return 1",
                     imports: {m: "app:d", l: "app:a"}}
                  - {name: d, kind: library.lua, source: "return 1"}
                  - {name: e, kind: process.lua, source: "return 1",
                     imports: {x: "app:a", y: "app:d"}}
                  - {name: f, kind: library.lua, source: "return 1", imports: {l: "app:f"}}
                """
        )
        #expect(
            found == [
                "_index.yaml:11:31: error: imports form a cycle: "
                    + "app:a -> app:b -> app:c -> app:a",
                "_index.yaml:15:67: error: imports form a cycle: app:f -> app:f",
            ]
        )
    }

    @Test func `services that require each other are told`() throws {
        let found = try problems(
            ofEntries: """
                  - {name: w, kind: process.lua, source: file://worker.lua}
                  - {name: s, kind: process.service, process: "app:w",
                     lifecycle: {requires: ["app:t"]}}
                  - {name: t, kind: process.service, process: "app:w",
                     lifecycle: {requires: ["app:s"]}}
                """
        )
        #expect(
            found == ["_index.yaml:12:29: error: requires form a cycle: app:s -> app:t -> app:s"]
        )
    }

    @Test func `a chain of imports may be long`() throws {
        var entries = ""
        for index in 0..<3_000 {
            let imports = index < 2_999 ? ", imports: {l: \"app:n\(index + 1)\"}" : ""
            entries += "  - {name: n\(index), kind: library.lua, source: \"return 1\"\(imports)}\n"
        }
        #expect(try problems(ofEntries: entries).isEmpty)
    }

    @Test func `an id declared twice is told with both places`() throws {
        let app = try TemporaryApp([
            "a/_index.yaml": indexHead,
            "b/_index.yaml": "version: '1.0'\nnamespace: app\nentries:\n"
                + "  - {name: processes, kind: process.host}\n",
        ])
        #expect(
            app.problems() == [
                "b/_index.yaml:4:12: error: \"app:processes\" is declared already "
                    + "at a/_index.yaml:4"
            ]
        )
    }

    @Test func `problems of all files come together, sorted by place`() throws {
        let app = try TemporaryApp([
            "z/_index.yaml": "version: '1.0'\nnamespace: z\nentries: 1\nodd: 1",
            "a/_index.yaml": "version: '3'\nentries: [7]",
            "m/_index.yaml": indexHead,
        ])
        #expect(
            app.problems().map { String($0.prefix { $0 != " " }) } == [
                "a/_index.yaml:1:1:", "a/_index.yaml:1:10:", "a/_index.yaml:2:11:",
                "z/_index.yaml:3:10:", "z/_index.yaml:4:1:",
            ]
        )
    }

    @Test func `a folder that is none is told`() throws {
        let app = try TemporaryApp(["file.txt": ""])
        func found(_ folder: String) -> [String] {
            do throws(AppProblems) {
                _ = try AppLoader.load(folder: folder)
                return []
            } catch {
                return error.problems.map(\.description)
            }
        }
        #expect(found(app.path + "/none") == ["\(app.path)/none: error: no such folder"])
        #expect(
            found(app.path + "/file.txt")
                == ["\(app.path)/file.txt: error: expected a folder, found a file"]
        )
        #expect(
            found(app.path) == [
                "\(app.path): error: expected a _index.yaml in the folder or below, found none"
            ]
        )
    }

    @Test func `an app without a host loads with a warning`() throws {
        let found = try problems(ofIndex: "version: '1.0'\nnamespace: app\n")
        #expect(
            found == [
                "_index.yaml: warning: no entry of kind process.host: "
                    + "there is nowhere to run a process"
            ]
        )
    }

    private func errors(_ yaml: String) throws -> [String] {
        try problems(ofIndex: yaml).filter { !$0.contains("warning: no entry of kind") }
    }
}
