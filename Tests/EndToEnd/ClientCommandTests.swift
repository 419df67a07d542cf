import Foundation
import Testing

/// Runs the real binary against a scripted server: what is sent, what is printed, how it exits.
@Suite struct ClientCommandTests {
    /// One command, its server's one answer, and all that is to be seen of it.
    struct Case: CustomTestStringConvertible {
        var arguments: [String]
        var reply: ScriptedReply
        var request: String
        var body = ""
        var output = ""
        var errors = ""
        var code: Int32 = 0
        var testDescription: String { arguments.joined(separator: " ") + " -> \(code)" }
    }

    static let process = """
        {"pid":"n.1.4","entry":"a:b","host":"a:h","names":["x","y"],"state":"waiting",\
        "started_at":"2026-01-05T10:15:30.120Z","memory_bytes":12800,\
        "mailbox":{"messages":3,"bytes":90},"cpu_ns":7000000,"links":[],"monitors":[],\
        "monitored_by":[],"trap_links":false,"fibers":1,"waiting_for":["inbox","timer"],\
        "parent":null,"exit":null}
        """

    static let cases: [Case] = [
        Case(
            arguments: [
                "spawn", "a:b", "--host", "a:h", "--name", "n", "--arg", "1", "--arg", "-2",
            ],
            reply: .json(201, #"{"pid":"n.1.4","position":"1-7"}"#),
            request: "POST /v1/processes HTTP/1.1",
            body: #"{"entry":"a:b","host":"a:h","name":"n","args":[1,-2]}"#,
            output: "n.1.4\n"
        ),
        Case(
            arguments: ["spawn", "a:b", "-o", "json"],
            reply: .json(201, #"{"pid":"n.1.4","position":"1-7"}"#),
            request: "POST /v1/processes HTTP/1.1",
            body: #"{"entry":"a:b"}"#,
            output: "{\"pid\":\"n.1.4\",\"position\":\"1-7\"}\n"
        ),
        Case(
            arguments: ["exec", "a:b", "--arg", #"{"x": 2}"#, "--timeout", "2s", "--detach"],
            reply: .json(
                200,
                #"{"pid":"p","outcome":"ok","result":{"n":20.0,"s":"é"},"error":null,"elapsed_ms":1}"#
            ),
            request: "POST /v1/exec HTTP/1.1",
            body: #"{"entry":"a:b","args":[{"x": 2}],"timeout_ms":2000,"on_timeout":"detach"}"#,
            output: "{\"n\":20.0,\"s\":\"é\"}\n"
        ),
        Case(
            arguments: ["exec", "a:b"],
            reply: .json(
                200,
                """
                {"pid":"p","outcome":"error","result":null,"error":{"message":"boo\\u001bm",\
                "kind":"Invalid","retryable":null,"details":null,"traceback":["a:b:3: in main"]},\
                "elapsed_ms":1}
                """
            ),
            request: "POST /v1/exec HTTP/1.1",
            body: #"{"entry":"a:b","timeout_ms":30000}"#,
            errors: "moonlet: boo\\u{1B}m (Invalid)\n    a:b:3: in main\n",
            code: 1
        ),
        Case(
            arguments: ["exec", "a:b"],
            reply: .problem(504, "exec-timeout"),
            request: "POST /v1/exec HTTP/1.1",
            body: #"{"entry":"a:b","timeout_ms":30000}"#,
            errors: "moonlet: The detail. (exec-timeout)\n",
            code: 124
        ),
        Case(
            arguments: ["exec", "a:b"],
            reply: .problem(
                422,
                "entry-not-found",
                #","errors":[{"pointer":"/entry","detail":"no"}]"#
            ),
            request: "POST /v1/exec HTTP/1.1",
            body: #"{"entry":"a:b","timeout_ms":30000}"#,
            errors: "moonlet: The detail. (entry-not-found)\n  /entry: no\n",
            code: 3
        ),
        Case(
            arguments: ["call", "@a", "t", "{}", "--timeout", "1s"],
            reply: .json(200, #"{"topic":"re","payload":[1,"é"],"elapsed_ms":3}"#),
            request: "POST /v1/processes/%40a/call HTTP/1.1",
            body: #"{"topic":"t","payload":{},"timeout_ms":1000}"#,
            output: "[1,\"é\"]\n"
        ),
        Case(
            arguments: ["call", "n.1.4", "t"],
            reply: .problem(504, "call-timeout"),
            request: "POST /v1/processes/n.1.4/call HTTP/1.1",
            body: #"{"topic":"t","timeout_ms":5000}"#,
            errors: "moonlet: The detail. (call-timeout)\n",
            code: 124
        ),
        Case(
            arguments: ["call", "n.1.4", "t"],
            reply: .problem(409, "target-exited"),
            request: "POST /v1/processes/n.1.4/call HTTP/1.1",
            body: #"{"topic":"t","timeout_ms":5000}"#,
            errors: "moonlet: The detail. (target-exited)\n",
            code: 4
        ),
        Case(
            arguments: ["send", "@a b/ü", "t", #""hi""#],
            reply: .json(202, #"{"pid":"p"}"#),
            request: "POST /v1/processes/%40a%20b%2F%C3%BC/messages HTTP/1.1",
            body: #"{"topic":"t","payload":"hi"}"#
        ),
        Case(
            arguments: ["send", "p", "t"],
            reply: .problem(429, "mailbox-full"),
            request: "POST /v1/processes/p/messages HTTP/1.1",
            body: #"{"topic":"t"}"#,
            errors: "moonlet: The detail. (mailbox-full)\n",
            code: 4
        ),
        Case(
            arguments: ["cancel", "p", "--reason", "why", "--grace", "1.5s"],
            reply: .json(202, #"{"pid":"p"}"#),
            request: "POST /v1/processes/p/cancel HTTP/1.1",
            body: #"{"reason":"why","grace_ms":1500}"#
        ),
        Case(
            arguments: ["kill", "p"],
            reply: ScriptedReply(bytes: "HTTP/1.1 204 No Content\r\n\r\n"),
            request: "DELETE /v1/processes/p HTTP/1.1"
        ),
        Case(
            arguments: ["kill", "p"],
            reply: .problem(404, "process-not-found"),
            request: "DELETE /v1/processes/p HTTP/1.1",
            errors: "moonlet: The detail. (process-not-found)\n",
            code: 3
        ),
        Case(
            arguments: ["wait", "p"],
            reply: .json(200, #"{"kind":"EXIT","reason":"normal","result":[1,null],"error":null}"#),
            request: "GET /v1/processes/p/wait?timeout_ms=60000 HTTP/1.1",
            output: "[1,null]\n"
        ),
        Case(
            arguments: ["wait", "p"],
            reply: .json(200, #"{"kind":"EXIT","reason":"terminated","result":null,"error":null}"#),
            request: "GET /v1/processes/p/wait?timeout_ms=60000 HTTP/1.1",
            errors: "moonlet: exit: terminated\n",
            code: 1
        ),
        Case(
            arguments: ["wait", "@p", "--timeout", "5ms"],
            reply: .json(202, #"{"pid":"n.1.4","state":"waiting","position":"1-7"}"#),
            request: "GET /v1/processes/%40p/wait?timeout_ms=5 HTTP/1.1",
            errors: "moonlet: @p is still running.\n",
            code: 124
        ),
        Case(
            arguments: ["ps", "--entry", "a:*", "--sort=-memory", "--limit", "5"],
            reply: .json(
                200,
                #"{"items":["# + process + #"],"next_cursor":"c1","position":"1-7"}"#
            ),
            request: "GET /v1/processes?entry=a%3A%2A&sort=-memory&limit=5 HTTP/1.1",
            output: """
                PID    ENTRY  NAME  STATE    STARTED              MEMORY    MAILBOX  CPU   WAITING FOR
                n.1.4  a:b    x,y   waiting  2026-01-05 10:15:30  12.5 KiB  3        7 ms  inbox,timer

                """,
            errors: "There are more: moonlet ps --cursor c1\n"
        ),
        Case(
            arguments: ["inspect", "n.1.4"],
            reply: .json(200, String(process.dropLast()) + #","position":"1-7"}"#),
            request: "GET /v1/processes/n.1.4 HTTP/1.1",
            output: """
                pid               n.1.4
                entry             a:b
                host              a:h
                names             x, y
                state             waiting
                started_at        2026-01-05T10:15:30.120Z
                memory_bytes      12800
                mailbox.messages  3
                mailbox.bytes     90
                cpu_ns            7000000
                links             -
                monitors          -
                monitored_by      -
                trap_links        false
                fibers            1
                waiting_for       inbox, timer
                parent            -
                exit              -

                """
        ),
        Case(
            arguments: ["names"],
            reply: .json(200, #"{"items":[{"name":"a\u001bb","pid":"n.1.4"}],"position":"1-7"}"#),
            request: "GET /v1/names HTTP/1.1",
            output: "NAME      PID\na\\u{1B}b  n.1.4\n"
        ),
        Case(
            arguments: ["health"],
            reply: .json(200, #"{"status":"ok"}"#),
            request: "GET /readyz HTTP/1.1",
            output: "ready\n"
        ),
        Case(
            arguments: ["health"],
            reply: .problem(503, "draining"),
            request: "GET /readyz HTTP/1.1",
            errors: "moonlet: The detail. (draining)\n",
            code: 1
        ),
        Case(
            arguments: ["names"],
            reply: .problem(401, "unauthorized"),
            request: "GET /v1/names HTTP/1.1",
            errors: "moonlet: The detail. (unauthorized)\n",
            code: 4
        ),
    ]

    @Test(arguments: cases)
    func `a command sends its request, prints the answer and exits with its code`(
        _ expected: Case
    ) throws {
        let server = try ScriptedServer([expected.reply])
        let run = try CommandRun.of(expected.arguments + ["--server", server.url])
        #expect(run.output == expected.output)
        #expect(run.errors == expected.errors)
        #expect(run.code == expected.code)
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix(expected.request + "\r\n"))
        #expect(request.components(separatedBy: "\r\n\r\n").last == expected.body)
        #expect(request.contains("Content-Type: application/json\r\n") == !expected.body.isEmpty)
    }

    @Test func `wait asks again for the pid a name had, until the exit comes`() throws {
        let server = try ScriptedServer([
            .json(202, #"{"pid":"n.1.4","state":"waiting","position":"1-7"}"#),
            .json(200, #"{"kind":"EXIT","reason":"normal","result":7,"error":null}"#),
        ])
        let run = try CommandRun.of(["wait", "@x", "--timeout", "90s", "--server", server.url])
        #expect(run.output == "7\n")
        #expect(run.code == 0)
        let lines = server.requests.map { $0.prefix { $0 != "\r\n" } }
        #expect(
            lines == [
                "GET /v1/processes/%40x/wait?timeout_ms=60000 HTTP/1.1",
                "GET /v1/processes/n.1.4/wait?timeout_ms=30000 HTTP/1.1",
            ]
        )
    }

    @Test func `the environment names the server and the token, and flags win`() throws {
        let first = try ScriptedServer([.json(200, #"{"items":[],"position":"1-7"}"#)])
        let environment = ["MOONLET_SERVER": first.url, "MOONLET_TOKEN": "t1"]
        #expect(try CommandRun.of(["names"], environment: environment).code == 0)
        #expect(first.requests[0].contains("Authorization: Bearer t1\r\n"))

        let second = try ScriptedServer([.json(200, #"{"items":[],"position":"1-7"}"#)])
        let flags = ["names", "--server", second.url, "--token", "t2"]
        #expect(try CommandRun.of(flags, environment: environment).code == 0)
        #expect(second.requests[0].contains("Authorization: Bearer t2\r\n"))
    }

    @Test func `no server is exit code 5 and a sentence that says how to start one`() throws {
        // The port was free a moment ago and nothing else on this machine asks for it.
        let url = try ScriptedServer.unusedURL()
        let run = try CommandRun.of(["ps", "--server", url])
        #expect(
            run.errors == "moonlet: no moonlet server at \(url) (connection refused). "
                + "Start one with: moonlet serve APP\n"
        )
        #expect(run.output == "")
        #expect(run.code == 5)
        let version = try CommandRun.of(["version", "--server", url])
        #expect(version.code == 0)
        #expect(version.output.contains("none at \(url)"))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "HTTP/1.1 2", "",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n",
    ])
    func `a server that answers no HTTP counts as unreachable`(_ bytes: String) throws {
        let server = try ScriptedServer([ScriptedReply(bytes: bytes)])
        let run = try CommandRun.of(["names", "--server", server.url])
        #expect(run.code == 5)
        #expect(run.output == "")
        #expect(run.errors.hasPrefix("moonlet: no moonlet server at"))
    }

    @Test(arguments: [
        ["bogus"], ["exec"], ["exec", "a:b", "--timeout", "30"], ["exec", "a:b", "--arg", "{x"],
        ["send", "p", "t", "word"], ["ps", "--server", "ftp://x"], ["ps", "-o", "xml"],
        ["ps", "--token", "a\r\nB: c"], ["events", "--kind", "NOPE"], ["events", "--max", "0"],
    ])
    func `a command line that makes no sense is exit code 2`(_ arguments: [String]) throws {
        let run = try CommandRun.of(
            arguments,
            environment: ["MOONLET_SERVER": "http://127.0.0.1:9"]
        )
        #expect(run.code == 2)
        #expect(run.output == "")
        #expect(!run.errors.isEmpty)
    }

    @Test func `help goes to standard output and is no failure`() throws {
        for arguments in [["--help"], ["help", "exec"], ["events", "-h"]] {
            let run = try CommandRun.of(arguments)
            #expect(run.code == 0)
            #expect(run.output.contains("USAGE: moonlet"))
            #expect(run.errors == "")
        }
    }
}
