import Foundation
import ProcessRuntime
import Testing

@testable import ControlAPI

struct ExecTests {
    @Test func `the result is the answer`() throws {
        let desk = Desk()
        let answer = try desk.ask("POST", "/v1/exec", #"{"entry": "app:answer"}"#)
        #expect(answer.status == 200)
        #expect(Set(answer.json.keys) == ["pid", "outcome", "result", "error", "elapsed_ms"])
        #expect(answer.text("outcome") == "ok")
        #expect(answer.integer("result") == 42)
        #expect(answer["error"] is NSNull)
        #expect(answer.integer("elapsed_ms") == 0)
    }

    @Test func `a script that fails is no failure of the server`() throws {
        let desk = Desk()
        let answer = try desk.ask("POST", "/v1/exec", #"{"entry": "app:failure"}"#)
        #expect(answer.status == 200)
        #expect(answer.text("outcome") == "error")
        #expect(answer["result"] is NSNull)
        #expect((answer["error"] as? [String: Any])?["message"] as? String == "boom")
    }

    @Test func `a large result comes whole`() throws {
        let desk = Desk()
        let answer = try desk.ask("POST", "/v1/exec", #"{"entry": "app:big"}"#)
        #expect(answer.text("result")?.count == 100 << 10)
    }

    @Test func `the time counts from the request`() throws {
        let desk = Desk()
        let exchange = desk.start("POST", "/v1/exec", #"{"entry": "app:idle", "name": "n"}"#)
        #expect(exchange.timerNanoseconds == [30_000_000_000])
        desk.simulation.advance(by: 1_234_900_000)
        desk.runtime.kill(try #require(desk.runtime.lookup("n")), .terminated)
        desk.settle()
        #expect(Answer(try #require(exchange.response)).integer("elapsed_ms") == 1_234)
    }

    /// How a wait ends, what was ordered, and whether the process must live afterwards.
    @Test(
        arguments: [true, false],
        ["", #", "on_timeout": "terminate""#, #", "on_timeout": "detach""#]
    )
    func `an exec nobody waits for ends unless it was detached`(
        _ byTime: Bool,
        _ order: String
    ) throws {
        let desk = Desk()
        let body = #"{"entry": "app:idle", "name": "n", "timeout_ms": 5000\#(order)}"#
        let exchange = desk.start("POST", "/v1/exec", body)
        let pid = try #require(desk.runtime.lookup("n"))
        #expect(exchange.timerNanoseconds == [5_000_000_000])
        if byTime { exchange.elapse() } else { exchange.disconnect() }
        desk.settle()
        #expect(desk.runtime.isAlive(pid) == order.contains("detach"))
        guard byTime else {
            #expect(exchange.responseCount == 0)
            return
        }
        let answer = Answer(try #require(exchange.response))
        #expect(exchange.responseCount == 1)
        #expect(answer.status == 504)
        #expect(answer.code == "exec-timeout")
        #expect(answer.text("pid") == desk.text(pid))
        let fate = order.contains("detach") ? "runs on" : "was terminated"
        #expect(answer.text("detail")?.contains(fate) == true)
    }

    @Test(arguments: [
        (#"{"entry": "app:idle", "timeout_ms": 0}"#, "/timeout_ms"),
        (#"{"entry": "app:idle", "timeout_ms": 1.5}"#, "/timeout_ms"),
        (#"{"entry": "app:idle", "timeout_ms": "1s"}"#, "/timeout_ms"),
        (#"{"entry": "app:idle", "on_timeout": "kill"}"#, "/on_timeout"),
        (#"{"timeout_ms": 1}"#, "/entry"),
    ])
    func `each mistake is pointed at and spawns nothing`(_ body: String, _ pointer: String) throws {
        let desk = Desk()
        let answer = try desk.ask("POST", "/v1/exec", body)
        #expect(answer.status == 422)
        #expect(answer.pointers == [pointer])
        #expect(desk.orders.current.isEmpty)
    }
}
