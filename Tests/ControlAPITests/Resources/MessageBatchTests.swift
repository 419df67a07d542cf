import Foundation
import HTTP
import HTTPServer
import Payload
import ProcessRuntime
import Testing

@testable import ControlAPI

/// `POST /v1/messages`: the loop's part is played by the test.
struct MessageBatchTests {
    private static let lines = [("Content-Type", "application/x-ndjson")]

    /// A batch under way, as the connection would have it.
    private final class Sender {
        let exchange = FakeExchange()
        let receiver: any BodyReceiver
        let stream: any ResponseStream
        let response: Response
        private var bytes: [UInt8] = []
        private(set) var step: StreamStep?

        init(_ desk: Desk, headers: [(String, String)] = MessageBatchTests.lines) throws {
            let head = MessageBatchTests.head(headers)
            guard case .stream(let max, let begin) = desk.api.admit(head) else {
                throw StreamReader.Missing()
            }
            #expect(max == 64 << 20)
            receiver = begin(exchange)
            response = try #require(exchange.response)
            guard case .stream(let stream) = response.body else { throw StreamReader.Missing() }
            self.stream = stream
            stream.start(StreamWaker {})
        }

        func send(_ text: String) { receiver.receive(Array(text.utf8).span) }

        func fill(room: Int = 256 << 10) {
            repeat { step = stream.fill(&bytes, room: room, now: 0) } while step == .ready
        }

        func fillOnce(room: Int) { step = stream.fill(&bytes, room: room, now: 0) }

        /// The results so far, and no more.
        func take() throws -> [[String: Any]] {
            defer { bytes = [] }
            return try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
                let json = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return try #require(json as? [String: Any])
            }
        }
    }

    private static func head(_ headers: [(String, String)], query: String? = nil) -> Request {
        Request(
            method: "POST",
            path: "/v1/messages",
            query: query,
            authority: "localhost:7070",
            headers: Headers(headers)
        )
    }

    private static func code(_ result: [String: Any]) -> String? {
        (result["error"] as? [String: Any])?["code"] as? String
    }

    private func topics(_ desk: Desk, _ pid: PID) -> Int {
        desk.runtime.snapshot(pid)?.mailboxMessages ?? -1
    }

    @Test func `each line is sent as it comes, and answered in order`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "worker")
        let sender = try Sender(desk)
        #expect(sender.response.status == 200)
        #expect(sender.response.headers["Content-Type"] == "application/x-ndjson")
        sender.send(#"{"to": "@worker", "topic": "a"}"# + "\n" + #"{"to": "@wor"#)
        sender.fill()
        let first = try sender.take()
        #expect(first.count == 1 && first[0]["ok"] as? Bool == true)
        #expect(first[0]["pid"] as? String == desk.text(pid) && first[0]["index"] as? Int == 0)
        #expect(topics(desk, pid) == 1)
        sender.send(#"ker", "topic": "b", "payload": {"n": 1}}"# + "\n\n \r\n")
        // The last line needs no end.
        sender.send(#"{"to": "\#(desk.text(pid))", "topic": "c"}"#)
        sender.receiver.ended()
        sender.fill()
        #expect(sender.step == .ended)
        let rest = try sender.take()
        #expect(rest.map { $0["index"] as? Int } == [1, 2])
        #expect(rest.allSatisfy { $0["ok"] as? Bool == true })
        #expect(topics(desk, pid) == 3)
    }

    @Test func `a line that is refused says why, and the next one is sent`() throws {
        let desk = Desk { $0.bodyBytesMax = 200 }
        let pid = try desk.process(name: "worker")
        var request = SpawnRequest(entry: "app:full", host: "app:processes")
        request.name = "full"
        request.limits.mailboxMessages = 0
        _ = try desk.runtime.spawn(request, running: Body { _ in .waiting })
        let bad: [(line: String, code: String)] = [
            ("{", "invalid-json"), ("[]", "invalid-request"),
            (#"{"to": "", "topic": "t"}"#, "invalid-request"),
            (#"{"to": "@worker", "topic": "@t"}"#, "invalid-request"),
            (#"{"to": "@worker", "topic": "t", "from": 1}"#, "invalid-request"),
            (#"{"to": "@nobody", "topic": "t"}"#, "name-not-found"),
            (#"{"to": "worker", "topic": "t"}"#, "process-not-found"),
            (#"{"to": "@full", "topic": "t"}"#, "mailbox-full"),
            (String(repeating: "x", count: 201), "payload-too-large"),
        ]
        let good = #"{"to": "@worker", "topic": "t"}"#
        let sender = try Sender(desk)
        for (line, _) in bad { sender.send(line + "\n" + good + "\n") }
        sender.receiver.ended()
        sender.fill()
        let results = try sender.take()
        try #require(results.count == 2 * bad.count)
        for (number, item) in bad.enumerated() {
            #expect(Self.code(results[2 * number]) == item.code)
            #expect(results[2 * number]["ok"] as? Bool == false)
            #expect(results[2 * number]["index"] as? Int == 2 * number)
            #expect(results[2 * number + 1]["ok"] as? Bool == true)
        }
        let pointed = results[6]["error"] as? [String: Any]
        let errors = pointed?["errors"] as? [[String: Any]]
        #expect(errors?.first?["pointer"] as? String == "/topic")
        #expect(topics(desk, pid) == bad.count)
    }

    @Test func `nothing more is wanted while there is no room for results`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "w")
        let sender = try Sender(desk)
        #expect(sender.receiver.wantsMore)
        sender.send(String(repeating: #"{"to": "@w", "topic": "t"}"# + "\n", count: 100))
        #expect(!sender.receiver.wantsMore)
        sender.fillOnce(room: 200)
        #expect(sender.step == .ready && !sender.receiver.wantsMore)
        let done = topics(desk, pid)
        #expect(done > 0 && done < 20)
        sender.fill()
        #expect(sender.receiver.wantsMore && topics(desk, pid) == 100)
    }

    @Test func `a body that is cut off by the server ends with a line without an index`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "w")
        let sender = try Sender(desk)
        sender.send(#"{"to": "@w", "topic": "t"}"# + "\n" + #"{"to": "@w", "topic": "t"}"#)
        let fault = Fault(status: 413, code: "payload-too-large", detail: "Too large.")
        sender.receiver.failed(.refused(fault))
        sender.fill()
        #expect(sender.step == .ended)
        let results = try sender.take()
        #expect(results.count == 2 && results[0]["ok"] as? Bool == true)
        #expect(results[1]["index"] == nil && Self.code(results[1]) == "payload-too-large")
        #expect(topics(desk, pid) == 1)
    }

    @Test func `a client that is gone has no more sent`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "w")
        let sender = try Sender(desk)
        sender.send(#"{"to": "@w", "topic": "t"}"# + "\n")
        sender.receiver.failed(.disconnected)
        sender.stream.stop()
        sender.fill()
        #expect(sender.step == .ended && topics(desk, pid) == 0)
    }

    @Test func `a body that the client cuts off ends with a line without an index`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "w")
        let sender = try Sender(desk)
        sender.send(#"{"to": "@w", "topic": "t"}"# + "\n" + #"{"to": "@w", "top"#)
        sender.receiver.failed(.disconnected)
        sender.fill()
        #expect(sender.step == .ended)
        let results = try sender.take()
        #expect(results.count == 2 && results[0]["ok"] as? Bool == true)
        #expect(results.last?["index"] == nil && topics(desk, pid) == 1)
        let error = try #require(results.last?["error"] as? [String: Any])
        #expect(error["code"] as? String == "invalid-request" && error["status"] as? Int == 400)
    }

    @Test func `the audit line says how many there were, and how it ended`() throws {
        let good = #"{"to": "@w", "topic": "t"}"# + "\n"
        let fault = Fault(status: 413, code: "payload-too-large", detail: "Too large.")
        let ends: [(lines: Int, end: (Desk, Sender) -> Void, target: String, status: String)] = [
            (0, { $1.receiver.ended() }, "0 messages", "200"),
            (1, { $1.receiver.ended() }, "1 message", "200"),
            (2, { $1.receiver.ended() }, "2 messages", "200"),
            (1, { desk, _ in desk.api.beginDrain() }, "1 message", "200 ended: draining"),
            (
                1, { $1.receiver.failed(.disconnected) }, "1 message",
                "200 ended: invalid-request"
            ),
            (
                1, { $1.receiver.failed(.refused(fault)) }, "1 message",
                "200 ended: payload-too-large"
            ),
            (1, { $1.stream.stop() }, "1 message", "client gone"),
        ]
        for (lines, end, target, status) in ends {
            let notebook = Notebook()
            let desk = Desk({ $0.audits = true }, log: notebook.logger)
            _ = try desk.process(name: "w")
            let sender = try Sender(desk)
            sender.send(String(repeating: good, count: lines))
            sender.fill()
            end(desk, sender)
            sender.fill()
            // As the connection does with each that ended.
            sender.stream.stop()
            let audits = notebook.lines.filter { $0.message == "audit" }
            #expect(audits.map { $0.fields["target"] } == [target])
            #expect(audits.map { $0.fields["status"] } == [status])
        }
    }

    @Test func `the server's end ends it, after what has come`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "w")
        let sender = try Sender(desk)
        sender.fill()
        #expect(sender.step == .waiting(until: 1_000_000_000))
        sender.send(#"{"to": "@w", "topic": "t"}"# + "\n")
        desk.api.beginDrain()
        sender.fill()
        #expect(sender.step == .ended && topics(desk, pid) == 1)
        #expect(Self.code(try #require(try sender.take().last)) == "draining")
    }

    @Test(arguments: [
        ([("Content-Type", "application/json")], nil, 415),
        ([], nil, 415),
        ([("Content-Type", "application/x-ndjson"), ("Content-Encoding", "gzip")], nil, 415),
        ([("Content-Type", "application/x-ndjson"), ("Idempotency-Key", "k")], nil, 400),
        ([("Content-Type", "application/x-ndjson")], "x=1", 400),
        ([("Content-Type", "application/x-ndjson"), ("Origin", "http://evil")], nil, 403),
    ])
    func `what cannot be begun is refused at its head`(
        _ headers: [(String, String)],
        _ query: String?,
        _ status: Int
    ) throws {
        let desk = Desk()
        guard case .refuse(let response) = desk.api.admit(Self.head(headers, query: query)) else {
            Issue.record("it was admitted")
            return
        }
        #expect(response.status == status)
        #expect(response.headers["X-Request-Id"] != nil)
    }

    @Test func `no body is no messages`() throws {
        let desk = Desk()
        let exchange = desk.start("POST", "/v1/messages", "", headers: Self.lines)
        guard case .stream(let stream)? = exchange.response?.body else {
            Issue.record("no stream")
            return
        }
        var bytes: [UInt8] = []
        #expect(stream.fill(&bytes, room: 1_000, now: 0) == .ended)
        #expect(bytes.isEmpty)
    }
}
