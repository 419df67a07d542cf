import Foundation
import HTTP
import Payload
import ProcessRuntime
import Testing

@testable import ControlAPI
@testable import LuaLibraries

struct SpawnTests {
    @Test func `a spawn answers with the pid and a position before its events`() throws {
        let desk = Desk()
        try desk.process()
        let before = desk.runtime.feed.latest
        let answer = try desk.ask("POST", "/v1/processes", #"{"entry": "app:idle"}"#)
        #expect(answer.status == 201)
        let pid = try #require(answer.text("pid"))
        #expect(answer.header("Location") == "/v1/processes/\(pid)")
        #expect(answer.text("position") == desk.id(before))
        let parsed = try #require(desk.runtime.pids.parse(pid))
        #expect(desk.runtime.isAlive(parsed))
        #expect(desk.runtime.feed.read(after: before, limit: 9).events.first?.from == parsed)
    }

    @Test func `everything a spawn can say reaches the engine`() throws {
        let desk = Desk()
        let body = #"""
            {"entry": "app:idle", "host": "app:processes", "args": [1, null, {"a": [2.5]}],
             "name": "first", "context": {"tenant": "acme", "gone": null},
             "messages": [{"topic": "t", "payload": "p"}, {"topic": "u"}],
             "limits": {"memory_bytes": 1, "mailbox_messages": 2, "mailbox_bytes": 3, "cpu_ms": 4,
                        "lifetime_ms": 5}}
            """#
        #expect(try desk.ask("POST", "/v1/processes", body).status == 201)
        let order = try #require(desk.orders.current.first)
        #expect(order.entry == "app:idle")
        #expect(order.host == "app:processes")
        #expect(order.arguments.count == 3)
        #expect(order.arguments[0] == Desk.integer(1))
        #expect(order.arguments[1] == .nothing)
        #expect(order.name == "first")
        var context = PayloadWriter()
        let table = context.beginTable(.object)
        context.write("tenant")
        context.write("acme")
        context.endTable(table, sequence: 0, pairs: 1)
        let expected = context.finish()
        #expect(order.context == expected)
        #expect(order.messages.map(\.topic) == ["t", "u"])
        #expect(order.messages.map(\.payload) == [Payload("p"), .nothing])
        #expect(order.limits.memoryBytes == 1)
        #expect(order.limits.mailboxMessages == 2)
        #expect(order.limits.mailboxBytes == 3)
        #expect(order.limits.cpuMilliseconds == 4)
        #expect(order.limits.lifetimeMilliseconds == 5)
    }

    @Test func `a limit of zero is no limit`() throws {
        let desk = Desk()
        let body = #"""
            {"entry": "app:idle", "limits": {"memory_bytes": 0, "mailbox_messages": 0,
             "mailbox_bytes": 0, "cpu_ms": 0, "lifetime_ms": 0}}
            """#
        let answer = try desk.ask("POST", "/v1/processes", body)
        let limits = try #require(desk.orders.current.first).limits
        #expect(
            [limits.memoryBytes, limits.mailboxMessages, limits.mailboxBytes] == [
                1 << 40, 1 << 40, 1 << 40,
            ]
        )
        #expect([limits.cpuMilliseconds, limits.lifetimeMilliseconds] == [0, 0])
        let pid = try #require(answer.text("pid"))
        let message = #"{"topic": "t"}"#
        #expect(try desk.ask("POST", "/v1/processes/\(pid)/messages", message).status == 202)
    }

    @Test func `what is left out stays with the host`() throws {
        let desk = Desk()
        _ = try desk.ask("POST", "/v1/processes", #"{"entry": "app:idle", "host": null}"#)
        let order = try #require(desk.orders.current.first)
        #expect(order.host == nil)
        #expect(order.name == nil)
        #expect(order.context == nil)
        #expect(order.arguments.isEmpty && order.messages.isEmpty)
        #expect(order.limits.memoryBytes == nil && order.limits.lifetimeMilliseconds == nil)
    }

    /// Bodies, and the pointers of their mistakes.
    static let mistakes: [(String, [String])] = [
        ("{}", ["/entry"]),
        (#"{"entry": 1}"#, ["/entry"]),
        (#"{"entry": "e", "args": {}}"#, ["/args"]),
        (#"{"entry": "e", "args": [{"$base64": 1}]}"#, ["/args/0/$base64"]),
        (#"{"entry": "e", "host": 1, "name": []}"#, ["/host", "/name"]),
        (#"{"entry": "e", "context": []}"#, ["/context"]),
        (#"{"entry": "e", "messages": {}}"#, ["/messages"]),
        (#"{"entry": "e", "messages": [1]}"#, ["/messages/0"]),
        (#"{"entry": "e", "messages": [{"topic": "t", "to": 1}]}"#, ["/messages/0/to"]),
        (
            #"{"entry": "e", "messages": [{}, {"topic": "@x"}]}"#,
            ["/messages/0/topic", "/messages/1/topic"]
        ),
        (#"{"entry": "e", "messages": [{"topic": ""}]}"#, ["/messages/0/topic"]),
        (#"{"entry": "e", "limits": {"memory_bytes": -1}}"#, ["/limits/memory_bytes"]),
        (#"{"entry": "e", "limits": {"cpu_ms": 1.5}}"#, ["/limits/cpu_ms"]),
        (#"{"entry": "e", "limits": {"cpu_ms": 9223372036854775807}}"#, ["/limits/cpu_ms"]),
        (#"{"entry": "e", "limits": {"cpus": 1}}"#, ["/limits/cpus"]),
        (#"{"entry": "e", "timeout_ms": 1}"#, ["/timeout_ms"]),
    ]

    @Test(arguments: mistakes.indices)
    func `each mistake in a spawn is pointed at`(_ index: Int) throws {
        let (body, pointers) = SpawnTests.mistakes[index]
        let desk = Desk()
        let answer = try desk.ask("POST", "/v1/processes", body)
        #expect(answer.status == 422)
        #expect(answer.code == "invalid-request")
        #expect(answer.pointers == pointers)
        #expect(desk.orders.current.isEmpty)
    }

    /// Faults, and what each is answered with.
    static let faults: [(LuaEngine.SpawnFault, Int, String, String?)] = [
        (.hostNotFound("h"), 422, "host-not-found", "/host"),
        (.hostNeeded(available: []), 422, "invalid-request", "/host"),
        (.hostNeeded(available: ["a", "b"]), 422, "invalid-request", "/host"),
        (.entryNotFound("e"), 422, "entry-not-found", "/entry"),
        (.notAProcess("e"), 422, "invalid-request", "/entry"),
        (.badSource("e:3: x"), 422, "invalid-request", "/entry"),
        (.badArguments("too many"), 422, "invalid-request", "/args"),
        (.hostFull("h"), 503, "process-limit", nil),
        (.refused(.processLimit), 503, "process-limit", nil),
        (.refused(.draining), 503, "draining", nil),
        (.refused(.nameInvalid("bad")), 422, "invalid-request", "/name"),
        (.refused(.callerDying), 500, "internal", nil),
    ]

    @Test(arguments: faults.indices, ["/v1/processes", "/v1/exec"])
    func `each way a spawn fails has its code`(_ index: Int, _ path: String) throws {
        let (fault, status, code, pointer) = SpawnTests.faults[index]
        let desk = Desk(fault: fault)
        let answer = try desk.ask("POST", path, #"{"entry": "e", "name": "n"}"#)
        #expect(answer.status == status)
        #expect(answer.code == code)
        #expect(answer.pointers == (pointer.map { [$0] } ?? []))
        #expect((answer.header("Retry-After") != nil) == (status == 503))
    }

    @Test func `a taken name spawns nothing and names its owner`() throws {
        let desk = Desk()
        let owner = try desk.process(name: "n")
        let body = #"{"entry": "app:idle", "name": "n"}"#
        let answer = try desk.ask("POST", "/v1/processes", body)
        #expect(answer.status == 409)
        #expect(answer.code == "name-taken")
        #expect(answer.text("owner") == desk.text(owner))
        #expect(desk.runtime.counts.live == 1)
    }

    @Test func `a draining server spawns nothing`() throws {
        let desk = Desk()
        desk.api.beginDrain()
        for path in ["/v1/processes", "/v1/exec"] {
            let answer = try desk.ask("POST", path, #"{"entry": "app:idle"}"#)
            #expect(answer.status == 503)
            #expect(answer.code == "draining")
            #expect(answer["retryable"] as? Bool == true)
        }
        #expect(desk.orders.current.isEmpty)
    }
}

struct InspectTests {
    @Test func `a live process is shown in full`() throws {
        let desk = Desk()
        let (pid, other) = (try desk.process(name: "a name"), try desk.process())
        try desk.runtime.link(pid, other)
        try desk.runtime.monitor(other, by: pid)
        try desk.runtime.monitor(pid, by: other)
        for id in [desk.text(pid), "@a%20name"] {
            let answer = try desk.ask("GET", "/v1/processes/\(id)")
            #expect(answer.status == 200)
            let members: Set = [
                "pid", "entry", "host", "names", "state", "started_at", "memory_bytes",
                "mailbox", "cpu_ns", "links", "monitors", "monitored_by", "trap_links", "fibers",
                "waiting_for", "parent", "exit", "position",
            ]
            #expect(Set(answer.json.keys) == members)
            #expect(answer.text("pid") == desk.text(pid))
            #expect(answer["names"] as? [String] == ["a name"])
            #expect(answer.text("state") == "waiting")
            #expect(answer["links"] as? [String] == [desk.text(other)])
            #expect(answer["monitors"] as? [String] == [desk.text(other)])
            #expect(answer["monitored_by"] as? [String] == [desk.text(other)])
            #expect(answer["waiting_for"] as? [String] == ["inbox"])
            #expect(answer.text("started_at") == "2023-11-14T22:13:21.000Z")
            #expect(answer.text("position") == desk.id(desk.runtime.feed.latest))
        }
    }

    @Test func `a process that ended is shown with its exit`() throws {
        let desk = Desk()
        let pid = try desk.process("app:failure")
        let answer = try desk.ask("GET", "/v1/processes/\(desk.text(pid))")
        #expect(answer.status == 200)
        #expect(answer.text("state") == "exited")
        let exit = try #require(answer["exit"] as? [String: Any])
        #expect(exit["reason"] as? String == "error")
        let error = try #require(exit["error"] as? [String: Any])
        #expect(error["message"] as? String == "boom")
        #expect(error["kind"] as? String == "Invalid")
        #expect(error["retryable"] as? Bool == false)
        #expect(error["details"] as? String == "why")
        #expect(error["traceback"] as? [String] == ["app:failure:3: in main"])
    }

    @Test func `a process about to end is shown once it has ended`() throws {
        let desk = Desk()
        let pid = try desk.process()
        desk.runtime.kill(pid, .shutdown)
        let exchange = desk.start("GET", "/v1/processes/\(desk.text(pid))")
        #expect(exchange.responseCount == 0)
        desk.settle()
        let answer = Answer(try #require(exchange.response))
        #expect((answer["exit"] as? [String: Any])?["reason"] as? String == "shutdown")
    }

    @Test func `an exit too long ago is forgotten`() throws {
        let desk = Desk()
        let pid = try desk.process("app:answer")
        desk.simulation.advance(by: 601_000_000_000)
        let answer = try desk.ask("GET", "/v1/processes/\(desk.text(pid))")
        #expect(answer.code == "process-not-found")
    }
}

struct TerminateTests {
    @Test func `the answer comes only when the exit is carried out`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        let exchange = desk.start("DELETE", "/v1/processes/\(desk.text(pid))")
        #expect(exchange.responseCount == 0)
        #expect(desk.runtime.exitRecord(of: pid) == nil)
        desk.settle()
        #expect(exchange.response?.status == 204)
        #expect(exchange.responseCount == 1)
        #expect(desk.runtime.lookup("n") == nil)
        #expect(desk.runtime.exitRecord(of: pid)?.reason == .terminated)
    }

    @Test func `a dead and known process is answered the same way`() throws {
        let desk = Desk()
        let pid = try desk.process("app:answer")
        #expect(try desk.ask("DELETE", "/v1/processes/\(desk.text(pid))").status == 204)
        #expect(desk.runtime.exitRecord(of: pid)?.reason == .normal(Desk.integer(42)))
    }

    @Test func `a client that leaves is no reason to answer`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let exchange = desk.start("DELETE", "/v1/processes/\(desk.text(pid))")
        exchange.disconnect()
        desk.settle()
        #expect(exchange.responseCount == 0)
        #expect(!desk.runtime.isAlive(pid))
    }
}

struct WaitTests {
    @Test func `a wait ends with the exit`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let exchange = desk.start("GET", "/v1/processes/\(desk.text(pid))/wait")
        #expect(exchange.responseCount == 0)
        #expect(exchange.timerNanoseconds == [30_000_000_000])
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 200)
        #expect(answer.text("kind") == "EXIT")
        #expect(answer.text("from") == desk.text(pid))
        #expect(answer.text("reason") == "terminated")
        #expect((answer["error"] as? [String: Any])?["kind"] as? String == "Canceled")
        exchange.elapse()
        exchange.disconnect()
        #expect(exchange.responseCount == 1)
    }

    @Test(arguments: [0, 1, 60_000])
    func `after the exit the record comes at once`(_ timeout: Int) throws {
        let desk = Desk()
        let pid = try desk.process("app:answer")
        let target = "/v1/processes/\(desk.text(pid))/wait?timeout_ms=\(timeout)"
        let answer = try desk.ask("GET", target)
        #expect(answer.status == 200)
        #expect(answer.integer("result") == 42)
        #expect(answer["error"] is NSNull)
        #expect(answer.text("position") == desk.id(desk.runtime.feed.latest))
    }

    @Test func `when the time is over the answer is not yet`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let target = "/v1/processes/\(desk.text(pid))/wait?timeout_ms=250"
        let exchange = desk.start("GET", target)
        #expect(exchange.timerNanoseconds == [250_000_000])
        exchange.elapse()
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 202)
        #expect(answer.text("pid") == desk.text(pid))
        #expect(answer.text("state") == "waiting")
        #expect(answer.text("position") != nil)
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        #expect(exchange.responseCount == 1)
    }

    @Test func `zero asks and does not wait`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let target = "/v1/processes/\(desk.text(pid))/wait?timeout_ms=0"
        #expect(desk.start("GET", target).response?.status == 202)
    }

    @Test(arguments: ["-1", "60001", "x", "1.5", "", "+1", "99999999999999999999"])
    func `a timeout out of range is refused`(_ timeout: String) throws {
        let desk = Desk()
        let pid = try desk.process()
        let target = "/v1/processes/\(desk.text(pid))/wait?timeout_ms=\(timeout)"
        let answer = try desk.ask("GET", target.replacing("+", with: "%2B"))
        #expect(answer.code == "invalid-query")
        #expect(answer.text("detail") == "timeout_ms must be a whole number from 0 to 60000.")
    }

    @Test func `a client that leaves ends the wait`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let exchange = desk.start("GET", "/v1/processes/\(desk.text(pid))/wait")
        exchange.disconnect()
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        #expect(exchange.responseCount == 0)
    }
}

struct CancelTests {
    @Test func `a cancel is an event with its reason`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        let answer = try desk.ask("POST", "/v1/processes/@n/cancel", #"{"reason": "deploy"}"#)
        #expect(answer.status == 202)
        #expect(answer.text("pid") == desk.text(pid))
        let event = try #require(desk.runtime.feed.read(after: 0, limit: 99).events.last)
        #expect(event.kind == .cancel)
        guard case .text("deploy") = event.detail else {
            Issue.record("the reason is missing")
            return
        }
        #expect(desk.runtime.isAlive(pid))
    }

    @Test func `a grace terminates when it is over and not before`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let target = "/v1/processes/\(desk.text(pid))/cancel"
        let exchange = desk.start("POST", target, #"{"grace_ms": 5000}"#)
        #expect(exchange.response?.status == 202)
        desk.simulation.advance(by: 4_900_000_000)
        #expect(desk.runtime.isAlive(pid))
        desk.simulation.advance(by: 200_000_000)
        #expect(!desk.runtime.isAlive(pid))
    }

    @Test func `only the living can be cancelled`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process("app:answer"))
        #expect(try desk.ask("POST", "/v1/processes/\(pid)/cancel").code == "process-not-found")
    }

    @Test(arguments: [(#"{"grace_ms": -1}"#, "/grace_ms"), (#"{"reason": 1}"#, "/reason")])
    func `a wrong type is pointed at`(_ body: String, _ pointer: String) throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        let answer = try desk.ask("POST", "/v1/processes/\(pid)/cancel", body)
        #expect(answer.pointers == [pointer])
    }
}

struct MessageTests {
    @Test func `a message is in the mailbox when the answer is there`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        let body = #"{"topic": "jobs", "payload": {"id": 7}}"#
        let answer = try desk.ask("POST", "/v1/processes/@n/messages", body)
        #expect(answer.status == 202)
        #expect(answer.text("pid") == desk.text(pid))
        let seen = try desk.ask("GET", "/v1/processes/@n")
        #expect((seen["mailbox"] as? [String: Any])?["messages"] as? Int == 1)
    }

    @Test func `a full mailbox is the sender's to know and may be tried again`() throws {
        let desk = Desk()
        let body = #"{"entry": "app:idle", "limits": {"mailbox_messages": 1}, "name": "n"}"#
        _ = try desk.ask("POST", "/v1/processes", body)
        let message = #"{"topic": "t"}"#
        #expect(try desk.ask("POST", "/v1/processes/@n/messages", message).status == 202)
        let answer = try desk.ask("POST", "/v1/processes/@n/messages", message)
        #expect(answer.status == 429)
        #expect(answer.code == "mailbox-full")
        #expect(answer["retryable"] as? Bool == true)
        #expect(answer.header("Retry-After") == "1")
    }

    @Test func `the dead get no messages`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process("app:answer"))
        let answer = try desk.ask("POST", "/v1/processes/\(pid)/messages", #"{"topic": "t"}"#)
        #expect(answer.code == "process-not-found")
    }

    @Test(arguments: ["{}", #"{"topic": ""}"#, #"{"topic": "@x"}"#, #"{"topic": 1}"#])
    func `a topic is a text that is not the system's`(_ body: String) throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        let answer = try desk.ask("POST", "/v1/processes/\(pid)/messages", body)
        #expect(answer.status == 422)
        #expect(answer.pointers == ["/topic"])
    }

    @Test func `a payload as deep as Lua allows passes and one deeper does not`() throws {
        let desk = Desk()
        let pid = desk.text(try desk.process())
        func send(_ depth: Int) throws -> Answer {
            let value =
                String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return try desk.ask(
                "POST",
                "/v1/processes/\(pid)/messages",
                #"{"topic": "t", "payload": \#(value)}"#
            )
        }
        #expect(try send(128).status == 202)
        #expect(try send(129).status == 422)
        #expect(try send(1_000).status == 400)
    }
}

struct LinkTests {
    @Test func `a link holds until it is taken away`() throws {
        let desk = Desk()
        let (first, second) = (try desk.process(name: "a"), try desk.process())
        let target = "/v1/processes/@a/links/\(desk.text(second))"
        #expect(try desk.ask("PUT", target).status == 204)
        #expect(try desk.ask("PUT", target).status == 204)
        #expect(desk.runtime.snapshot(first)?.links == [second])
        #expect(try desk.ask("DELETE", target).status == 204)
        #expect(desk.runtime.snapshot(second)?.links == [])
        #expect(try desk.ask("DELETE", target).status == 204)
        #expect(try desk.ask("PUT", "/v1/processes/@a/links/@a").status == 204)
    }

    @Test func `both ends must live to be linked and be known to be unlinked`() throws {
        let desk = Desk()
        let live = desk.text(try desk.process())
        let dead = desk.text(try desk.process("app:answer"))
        for target in [
            "/v1/processes/\(live)/links/\(dead)", "/v1/processes/\(dead)/links/\(live)",
        ] {
            let answer = try desk.ask("PUT", target)
            #expect(answer.code == "process-not-found")
            #expect(answer.text("detail") == "process not found: \(dead)")
            #expect(try desk.ask("DELETE", target).status == 204)
        }
        let missing = "/v1/processes/\(live)/links/\(live)9"
        #expect(try desk.ask("PUT", missing).status == 404)
        #expect(try desk.ask("DELETE", missing).text("detail")?.hasSuffix(live + "9") == true)
    }
}
