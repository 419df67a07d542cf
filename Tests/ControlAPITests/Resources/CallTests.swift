import HTTP
import Payload
import ProcessRuntime
import Testing

@testable import ControlAPI

/// `POST /v1/processes/{id}/call`.
struct CallTests {
    /// A process that does as `answer` says with each message from a caller.
    private func callee(
        _ desk: Desk,
        mailboxMessages: Int = 100,
        _ answer: @escaping @Sendable (Runtime, PID) -> TurnOutcome = { _, _ in .waiting }
    ) throws -> PID {
        let runtime = desk.runtime
        var request = SpawnRequest(entry: "app:callee", host: "app:processes")
        request.limits.mailboxMessages = mailboxMessages
        let body = Body { block in
            var queue = SignalQueue()
            var sequence: UInt64 = 0
            runtime.drain(block, into: &queue, numberingFrom: &sequence)
            while let signal = queue.popFirst() {
                guard signal.kind == .message, let caller = signal.sender else { continue }
                let outcome = answer(runtime, caller)
                if case .waiting = outcome { continue }
                return outcome
            }
            return .waiting
        }
        let pid = try runtime.spawn(request, running: body)
        desk.settle()
        return pid
    }

    private static func reply(_ runtime: Runtime, _ caller: PID, _ text: String = "pong") {
        try? runtime.send(Signal(topic: "re", payload: Payload(text), from: nil), to: caller)
    }

    private func call(
        _ desk: Desk,
        _ pid: PID,
        _ more: String = "",
        headers: [(String, String)] = []
    ) -> FakeExchange {
        desk.start(
            "POST",
            "/v1/processes/\(desk.text(pid))/call",
            #"{"topic": "ping"\#(more)}"#,
            headers: headers
        )
    }

    @Test func `the first message to the caller's pid is the answer`() throws {
        let desk = Desk()
        let caller = Box<PID?>(nil)
        let pid = try callee(desk) { runtime, from in
            caller.update { $0 = from }
            Self.reply(runtime, from, "first")
            Self.reply(runtime, from, "second")
            return .waiting
        }
        let exchange = call(desk, pid)
        #expect(exchange.responseCount == 0)
        desk.settle()
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 200 && exchange.responseCount == 1)
        #expect(answer.text("topic") == "re" && answer.text("payload") == "first")
        #expect(answer.integer("elapsed_ms") != nil)
        // The pid is gone, and nobody was told that a process came and went.
        let from = try #require(caller.current)
        #expect(!desk.runtime.isAlive(from))
        #expect(desk.runtime.feed.latest == 1)
        #expect(desk.runtime.snapshot(pid)?.monitoredBy == [])
        #expect(desk.runtime.pendingTimers == 0)
    }

    @Test func `the caller is in no list while it waits`() throws {
        let desk = Desk()
        let caller = Box<PID?>(nil)
        let pid = try callee(desk) { _, from in
            caller.update { $0 = from }
            return .waiting
        }
        let exchange = call(desk, pid)
        while desk.simulation.step() {}
        let list = try desk.listWithoutTime()
        #expect(list == [desk.text(pid)])
        let from = try #require(caller.current)
        #expect(desk.runtime.snapshot(from)?.entry == "moonlet:call")
        #expect(exchange.responseCount == 0)
    }

    @Test func `a target that ends first is 409 with its exit`() throws {
        let desk = Desk()
        let pid = try callee(desk) { _, _ in .ended(.error(Desk.failure)) }
        let exchange = call(desk, pid)
        desk.settle()
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 409 && answer.code == "target-exited")
        let exit = answer["exit"] as? [String: Any]
        #expect(exit?["from"] as? String == desk.text(pid))
        #expect(exit?["reason"] as? String == "error")
        #expect(exchange.responseCount == 1)
    }

    @Test func `a reply that was sent before the exit wins`() throws {
        let desk = Desk()
        let pid = try callee(desk) { runtime, from in
            Self.reply(runtime, from)
            return .ended(.normal(.nothing))
        }
        let exchange = call(desk, pid)
        desk.settle()
        #expect(Answer(try #require(exchange.response)).text("payload") == "pong")
        #expect(exchange.responseCount == 1)
    }

    @Test func `no answer in time is 504, and a late one reaches nobody`() throws {
        let desk = Desk()
        let caller = Box<PID?>(nil)
        let pid = try callee(desk) { _, from in
            caller.update { $0 = from }
            return .waiting
        }
        let exchange = call(desk, pid, #", "timeout_ms": 70"#)
        while desk.simulation.step() {}
        desk.simulation.advance(by: 69_000_000)
        #expect(exchange.responseCount == 0)
        desk.simulation.advance(by: 2_000_000)
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 504 && answer.code == "call-timeout")
        let from = try #require(caller.current)
        Self.reply(desk.runtime, from)
        desk.settle()
        #expect(exchange.responseCount == 1 && !desk.runtime.isAlive(from))
        #expect(desk.runtime.isAlive(pid))
    }

    @Test func `five seconds are the default`() throws {
        let desk = Desk()
        let exchange = call(desk, try callee(desk))
        while desk.simulation.step() {}
        desk.simulation.advance(by: 4_900_000_000)
        #expect(exchange.responseCount == 0)
        desk.simulation.advance(by: 200_000_000)
        #expect(exchange.response?.status == 504)
    }

    @Test func `a client that leaves takes its pid with it`() throws {
        let desk = Desk()
        let caller = Box<PID?>(nil)
        let pid = try callee(desk) { runtime, from in
            caller.update { $0 = from }
            try? runtime.link(from, runtime.lookup("linked") ?? from)
            return .waiting
        }
        // A worker that linked itself to its caller fails with it.
        let worker = try desk.process(name: "linked")
        let exchange = call(desk, pid)
        while desk.simulation.step() {}
        let from = try #require(caller.current)
        #expect(desk.runtime.isAlive(from))
        exchange.disconnect()
        while desk.simulation.step() {}
        #expect(!desk.runtime.isAlive(from) && exchange.responseCount == 0)
        #expect(desk.runtime.pendingTimers == 0)
        #expect(desk.runtime.exitRecord(of: worker)?.reason == .linked(from: from))
    }

    @Test func `whoever terminates its caller is told so`() throws {
        let desk = Desk()
        let pid = try callee(desk) { runtime, from in
            runtime.kill(from, .terminated)
            return .waiting
        }
        let exchange = call(desk, pid)
        desk.settle()
        let answer = Answer(try #require(exchange.response))
        #expect(answer.status == 409 && answer.code == "caller-terminated")
        #expect(exchange.responseCount == 1)
    }

    @Test func `who is dead, unknown or full is refused as for a send`() throws {
        let desk = Desk()
        let full = try callee(desk, mailboxMessages: 0)
        let dead = try callee(desk)
        desk.runtime.kill(dead, .terminated)
        desk.settle()
        for (pid, status, code) in [
            (full, 429, "mailbox-full"), (dead, 404, "process-not-found"),
        ] {
            let answer = Answer(try #require(call(desk, pid).response))
            #expect(answer.status == status && answer.code == code)
        }
        let unnamed = try desk.ask("POST", "/v1/processes/@nobody/call", #"{"topic": "t"}"#)
        #expect(unnamed.status == 404 && unnamed.code == "name-not-found")
        desk.settle()
        #expect(desk.runtime.allPIDs() == [full])
        #expect(desk.runtime.pendingTimers == 0)
    }

    @Test(arguments: [
        (#"{"topic": "@x"}"#, "/topic"), (#"{"payload": 1}"#, "/topic"),
        (#"{"topic": "t", "timeout_ms": 0}"#, "/timeout_ms"),
        (#"{"topic": "t", "wait": 1}"#, "/wait"),
    ])
    func `the body is checked`(_ body: String, _ pointer: String) throws {
        let desk = Desk()
        let pid = try desk.process()
        let answer = try desk.ask("POST", "/v1/processes/\(desk.text(pid))/call", body)
        #expect(answer.status == 422 && answer.pointers == [pointer])
    }

    // MARK: With a key

    private static let key = [("Idempotency-Key", "k")]

    @Test func `with a key the message is sent once, though the client left`() throws {
        let desk = Desk()
        let caller = Box<[PID]>([])
        let pid = try callee(desk) { _, from in
            caller.update { $0.append(from) }
            return .waiting
        }
        let first = call(desk, pid, headers: Self.key)
        while desk.simulation.step() {}
        first.disconnect()
        while desk.simulation.step() {}
        let waiting = call(desk, pid, headers: Self.key)
        #expect(waiting.response?.status == 409)
        Self.reply(desk.runtime, try #require(caller.current.first))
        while desk.simulation.step() {}
        let again = Answer(try #require(call(desk, pid, headers: Self.key).response))
        #expect(again.text("payload") == "pong")
        #expect(again.header("Idempotency-Replayed") == "true")
        #expect(caller.current.count == 1)
    }

    @Test func `with a key a client that leaves takes its exchange with it`() throws {
        let desk = Desk()
        let pid = try callee(desk)
        weak var exchange: FakeExchange?
        do {
            let kept = call(desk, pid, headers: Self.key)
            exchange = kept
            while desk.simulation.step() {}
            kept.disconnect()
        }
        #expect(exchange == nil)
        // The call itself goes on.
        #expect(call(desk, pid, headers: Self.key).response?.status == 409)
    }

    @Test func `calls without a client are bounded, and the oldest gives way`() throws {
        let desk = Desk {
            $0.detachedCallsPerOwnerMax = 3
            $0.detachedCallsMax = 5
        }
        let messages = Box(0)
        let pid = try callee(desk) { _, _ in
            messages.update { $0 += 1 }
            return .waiting
        }
        func ports() -> Int {
            desk.runtime.allPIDs().count { desk.runtime.snapshot($0)?.isPort == true }
        }
        func leave(_ number: Int) {
            let headers = [("Idempotency-Key", "\(number)")]
            let exchange = call(desk, pid, #", "timeout_ms": 86400000"#, headers: headers)
            while desk.simulation.step() {}
            exchange.disconnect()
            while desk.simulation.step() {}
        }
        for number in 0..<10 { leave(number) }
        #expect(ports() == 3 && messages.current == 10)
        // Its retry learns what became of it, and sends nothing.
        let more = #", "timeout_ms": 86400000"#
        let first = Answer(
            try #require(call(desk, pid, more, headers: [("Idempotency-Key", "0")]).response)
        )
        #expect(first.code == "caller-terminated" && messages.current == 10)
        let last = call(desk, pid, more, headers: [("Idempotency-Key", "9")])
        #expect(last.response?.status == 409)
        #expect(Answer(try #require(last.response)).code == "idempotency-in-progress")
    }

    @Test func `detached calls are counted for each owner and in all`() throws {
        let calls = DetachedCalls(perOwnerMax: 2, callsMax: 3)
        let pids = try (1...6).map { try #require(PID(number: UInt64($0))) }
        #expect(calls.add(pids[0], of: "a") == nil && calls.add(pids[1], of: "a") == nil)
        #expect(calls.add(pids[2], of: "a") == pids[0])
        #expect(calls.add(pids[3], of: "b") == nil)
        // All are in use: the oldest of all goes, whose ever it is.
        #expect(calls.add(pids[4], of: "b") == pids[1] && calls.count == 3)
        calls.remove(pids[3])
        calls.remove(pids[3])
        #expect(calls.add(pids[5], of: "b") == nil && calls.count == 3)
    }

    @Test func `with a key a timeout is repeated, not the message`() throws {
        let desk = Desk()
        let messages = Box(0)
        let pid = try callee(desk) { _, _ in
            messages.update { $0 += 1 }
            return .waiting
        }
        #expect(call(desk, pid, headers: Self.key).response == nil)
        desk.settle()
        let again = Answer(try #require(call(desk, pid, headers: Self.key).response))
        #expect(again.status == 504 && again.header("Idempotency-Replayed") == "true")
        #expect(messages.current == 1)
    }

    @Test func `the server's end is 503`() throws {
        let desk = Desk()
        let exchange = call(desk, try callee(desk))
        while desk.simulation.step() {}
        desk.api.beginDrain()
        for pid in desk.runtime.allPIDs() where desk.runtime.snapshot(pid)?.isPort == true {
            desk.runtime.kill(pid, .shutdown)
        }
        while desk.simulation.step() {}
        #expect(Answer(try #require(exchange.response)).code == "draining")
    }
}

extension Desk {
    /// The listed pids, with no time passing meanwhile.
    fileprivate func listWithoutTime() throws -> [String] {
        let exchange = start("GET", "/v1/processes")
        return Answer(try #require(exchange.response)).list("items").compactMap {
            $0["pid"] as? String
        }
    }
}
