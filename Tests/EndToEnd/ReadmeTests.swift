import Foundation
import TestCertificates
import Testing

/// The lines readers are told to paste, pasted: into a real bash, with real curl.
@Suite struct ReadmeTests {
    /// A bash that is fed line by line, like one somebody pastes into.
    final class Session {
        private let process = Process()
        private let input = Pipe()
        private let output: CapturedLog
        private let errors: CapturedLog

        /// `moonlet` is the binary under test, and speaks to `server`.
        init(_ server: RunningServer) throws {
            let binaries = URL(fileURLWithPath: RunningServer.binary).deletingLastPathComponent()
            var environment = ProcessInfo.processInfo.environment
            environment["PATH"] = binaries.path + ":" + (environment["PATH"] ?? "")
            environment["MOONLET_SERVER"] = server.base
            process.environment = environment
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["--noprofile", "--norc"]
            process.currentDirectoryURL = RunningServer.root
            process.standardInput = input
            let (out, err) = (Pipe(), Pipe())
            process.standardOutput = out
            process.standardError = err
            output = CapturedLog(reading: out.fileHandleForReading)
            errors = CapturedLog(reading: err.fileHandleForReading)
            try process.runUnmasked()
            try out.fileHandleForWriting.close()
            try err.fileHandleForWriting.close()
        }

        deinit {
            if process.isRunning { process.terminate() }
        }

        func paste(_ line: String) throws {
            try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
        }

        private var steps = 0
        var text: String { output.text }
        var complaints: String { errors.text }

        /// Waits until it has printed `words`.
        func prints(_ words: String, within seconds: Double = 15) -> Bool {
            waitFor(seconds: seconds) { output.text.contains(words) ? true : nil } ?? false
        }

        /// Pastes a line and waits until bash has come past it.
        func step(_ line: String) throws -> Bool {
            steps += 1
            try paste(line + "\necho \"<step\" \"\(steps)>\"")
            return prints("<step \(steps)>")
        }

        /// How many commands run behind.
        func jobs() throws -> Int64? {
            #expect(try step("echo \"<jobs\" \"$(jobs -rp | wc -l)>\""))
            let last = output.text.components(separatedBy: "<jobs ").last ?? ""
            return Int64(last.prefix { $0 != ">" })
        }

        /// Leaves bash: the code it ends with, or nil if it does not.
        func end() throws -> Int32? {
            try paste("exit")
            let isOver = waitFor(seconds: 10) { process.isRunning ? nil : true }
            return isOver == true ? process.terminationStatus : nil
        }
    }

    /// The usual address replaced by the server's own.
    static func localised(_ text: String, _ server: RunningServer) -> String {
        text.replacingOccurrences(of: "http://127.0.0.1:7070", with: server.base)
    }

    static func read(_ path: String) throws -> String {
        try String(contentsOf: RunningServer.root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test func `the session of the README, as pasted`() throws {
        let readme = try Self.read("README.md")
        let start = try #require(readme.range(of: "```sh\n"))
        let rest = readme[start.upperBound...]
        let block = rest[..<(try #require(rest.range(of: "```")).lowerBound)]
        let server = try RunningServer("examples/worker-pool")
        let session = try Session(server)
        var lines = Self.localised(String(block), server).split(separator: "\n").map(String.init)
        // What a reader does last, after having seen the outcome.
        #expect(lines.last == "kill %1")
        lines.removeLast()
        for line in lines { try session.paste(line) }

        #expect(session.prints(#""reason":"terminated""#), "\(session.text)")
        let answers = session.text
        // The greeter's end with how many it greeted, and the worker's double of 21.
        #expect(answers.contains(#""entry":"app.demo:greeter","reason":"normal","result":1"#))
        #expect(answers.contains(#""outcome":"ok","result":42"#))
        #expect(answers.contains(#""names":["greeter"]"#))
        #expect(!answers.contains("/problems/"), "\(answers)")
        #expect(try session.step("kill %1; wait"))
        #expect(try session.end() == 0)
        #expect(session.complaints.isEmpty, "\(session.complaints)")
        #expect(server.logHas("Hello, Ada!"))
    }

    /// The indented lines of a text, with what goes on on the next one.
    static func commands(_ text: String) -> [String] {
        text.replacingOccurrences(of: "\\\n", with: "").split(separator: "\n")
            .filter { $0.hasPrefix("    ") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func `the commands of the README, as pasted`() throws {
        let readme = try Self.read("README.md")
        let section = readme.components(separatedBy: "\n## ").first {
            $0.hasPrefix("The command line")
        }
        let lines = Self.commands(try #require(section))
        #expect(lines.count > 10 && lines.allSatisfy { $0.hasPrefix("moonlet ") })
        let server = try RunningServer("examples/worker-pool")
        let session = try Session(server)
        try session.paste("moonlet() { command moonlet \"$@\" || echo \"CODE $? $*\"; }")
        for line in lines { #expect(try session.step(line), "\(line): \(session.text)") }
        #expect(try session.end() == 0)
        #expect(session.text.contains("\"Hello, Bob!\""), "\(session.text)")
        // Only the greeter, which was killed, did not end well.
        #expect(session.text.components(separatedBy: "CODE ").count == 2, "\(session.text)")
        #expect(session.text.contains("CODE 1 wait @greeter"), "\(session.text)")
        #expect(session.complaints.contains("terminated"), "\(session.complaints)")
    }

    @Test func `every other command of the README is one, as pasted`() throws {
        let readme = try Self.read("README.md")
        let others = readme.components(separatedBy: "\n## ")
            .filter { !$0.hasPrefix("The command line") }
            .flatMap(Self.commands).filter { $0.hasPrefix("moonlet ") }
        #expect(others.count > 2)
        let files = try TestCertificates()
        try FileManager.default.createSymbolicLink(
            atPath: files.path("examples"),
            withDestinationPath: RunningServer.root.path + "/examples"
        )
        let server = try RunningServer(nil)
        let session = try Session(server)
        // Whatever happens, no server is left behind.
        #expect(try session.step("trap 'kill $(jobs -p)' EXIT; cd \(files.folder)"))
        var codes = 0
        for line in others {
            guard line.hasPrefix("moonlet serve ") else {
                #expect(try session.step(line + "\necho \"<code\" \"$?>\""))
                codes += 1
                #expect(session.text.components(separatedBy: "<code 0>").count == codes + 1)
                continue
            }
            // On a port that is free.
            let served = line.replacingOccurrences(of: "0.0.0.0:7070", with: "0.0.0.0:0")
            // Each with a log of its own: the last one's says that somebody listens.
            let log = "log\(line.count)"
            try session.paste(served + " --listen 127.0.0.1:0 2> \(log) &")
            #expect(
                try session.step(
                    "until grep listening \(log); do kill -0 $! || break; sleep 0.1; done"
                )
            )
            #expect(try session.step("kill $!; wait $! && echo \"<served\" \"\(line.count)>\""))
            #expect(session.text.contains("<served \(line.count)>"), "\(session.text)")
        }
        #expect(try session.end() == 0)
    }

    @Test func `the README says where the command is that it names`() throws {
        let readme = try Self.read("README.md")
        let export = try #require(
            readme.range(of: "    export PATH=\"$PWD/.build/release:$PATH\"\n")
        )
        let first = try #require(readme.range(of: "\n    moonlet "))
        #expect(export.upperBound < first.lowerBound)
        let makefile = try Self.read("Makefile")
        #expect(makefile.contains("\n\t.build/release/moonlet serve $(APP) --listen $(LISTEN)\n"))
        #expect(makefile.contains("LISTEN ?= 127.0.0.1:7070\n"))
    }

    /// An example, and words its lines must print.
    struct Example: CustomTestStringConvertible {
        var name: String
        var prints: [String]
        /// How many lines have a problem for an answer, as they say.
        var problems = 0
        var testDescription: String { name }
    }

    static let examples = [
        Example(
            name: "worker-pool",
            prints: [
                #""outcome":"ok","result":true"#, #""outcome":"ok","result":42"#,
                #""entry":"app.test.process:pool","reason":"normal","result":true"#,
                #""entry":"app.demo:greeter","reason":"normal","result":2"#,
            ]
        ),
        Example(name: "echo", prints: [#""result":"ahoy""#, #""result":true"#]),
        Example(name: "inbox", prints: [#""outcome":"ok""#, #""topic:specific_topic""#]),
        Example(name: "monitoring", prints: [#""result":"done""#, "enough"]),
        Example(
            name: "linking",
            prints: [
                #""result":true"#, "linked process failed", #""reason":"error""#,
                #""reason":"linked""#,
            ]
        ),
        Example(
            name: "registry",
            prints: [#""result":true"#, #""name":"postbox""#, #""reason":"normal""#],
            problems: 1
        ),
    ]

    @Test func `every example's README is pasted here`() throws {
        let folder = RunningServer.root.path + "/examples"
        let found = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(found.sorted() == Self.examples.map(\.name).sorted())
    }

    @Test(arguments: examples)
    func `the lines of an example's README do what it says`(_ example: Example) throws {
        let server = try RunningServer("examples/\(example.name)")
        let readme = try Self.read("examples/\(example.name)/README.md")
        var lines = Self.commands(Self.localised(readme, server))
        // Which is served already.
        #expect(lines.removeFirst() == "make serve APP=examples/\(example.name)")
        #expect(lines.count > 1)
        let session = try Session(server)
        // Every failure of a curl is printed; what runs behind is waited for at the end.
        try session.paste("curl() { command curl -sS \"$@\" || echo \"FAILED $*\"; }")
        let desk = try RawConnection(server)
        for line in lines {
            #expect(try session.step(line), "\(line): \(session.text)")
            guard line.hasSuffix("&") else { continue }
            // A reader takes a moment before the next line: until all that runs behind is
            // connected, and all that ran before has gone.
            let isThere = try waitFor(seconds: 10) { () -> Bool? in
                let counts = try desk.request("GET", "/v1/system").json["counts"]
                let jobs = try session.jobs()
                return counts["connections"].integer == jobs.map { $0 + 1 } ? true : nil
            }
            #expect(isThere == true)
        }
        #expect(try session.step("wait"), "\(session.text)")
        #expect(try session.end() == 0)
        #expect(session.complaints.isEmpty, "\(session.complaints)")
        #expect(!session.text.contains("FAILED"), "\(session.text)")
        let problems = session.text.components(separatedBy: "/problems/").count - 1
        #expect(problems == example.problems, "\(session.text)")
        for words in example.prints {
            #expect(session.text.contains(words), "\(words) is not in: \(session.text)")
        }
    }
}
