import Foundation
import Glibc
import Testing

/// SIGTERM and SIGINT: everybody gets an answer, then the program ends with the right code.
@Suite struct ShutdownTests {
    /// Programs that end in different ways when the server does.
    static func app() throws -> TemporaryApp {
        try TemporaryApp([
            (
                "polite",
                """
                return { main = function()
                    local event = process.events():receive()
                    return event.kind .. ": " .. event.reason
                end }
                """
            ),
            (
                "stubborn",
                """
                return { main = function()
                    local events = process.events()
                    while true do events:receive() end
                end }
                """
            ),
            (
                "runaway",
                "return function() while true do pcall(function() while true do end end) end end"
            ),
            ("idle", "return function() process.listen('never'):receive() end"),
        ])
    }

    @Test func `everybody hears of the end and gets an answer`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path)
        for entry in ["runaway", "runaway", "idle"] {
            _ = try server.spawn("{\"entry\": \"app.test:\(entry)\"}")
        }
        let stream = try EventReader(server, "?kind=EXIT,CANCEL")
        _ = try stream.next()
        let busy = try RawConnection(server)
        let body = #"{"entry": "app.test:polite", "name": "polite"}"#
        try busy.send(
            "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        let waits = waitFor(seconds: 5) { () -> Bool? in
            let answer = try? server.get("/v1/processes/@polite")
            return answer?.json["waiting_for"].items.contains(.string("events")) == true
                ? true : nil
        }
        #expect(waits == true)

        let watch = Stopwatch()
        server.signal(SIGTERM)
        let answer = try busy.answer()
        #expect(answer.status == 200)
        #expect(answer.json["result"].text == "CANCEL: shutting down", "\(answer.text)")
        #expect(busy.isClosedByServer())
        busy.close()
        let events = try stream.read { _ in false }
        #expect(events.last?.kind == "bye")
        #expect(events.last?.data["reason"].text == "draining")
        // The server gives clients that keep their side open a while to read the last bytes.
        stream.connection.close()
        #expect(server.exitCode(within: 10) == 0)
        // The stop takes far less than the ten seconds it may: nobody here refuses to end.
        #expect(watch.milliseconds < 3_000)
        #expect(!server.logLines.contains(.missing), "\(server.logText)")
        #expect(server.logLines.last?["msg"].text == "stopped")
    }

    @Test func `a server that drains is not ready, spawns nothing and accepts nobody`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--shutdown-timeout", "3s"])
        // An answer that is still owed keeps its connection open while the server drains.
        let pid = try server.spawn(#"{"entry": "app.test:stubborn"}"#)
        let open = try RawConnection(server)
        try open.send("GET /v1/processes/\(pid)/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let other = try RawConnection(server)
        try other.send("GET /v1/processes/\(pid)/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(
            waitFor(seconds: 5) {
                try? server.get("/v1/system").json["counts"]["connections"].integer == 3
                    ? true : nil
            } != nil
        )
        server.signal(SIGTERM)
        #expect(server.logHas("stopping"))
        let refused = waitFor(seconds: 2) { () -> Bool? in
            (try? RawConnection(server)) == nil ? true : nil
        }
        #expect(refused == true)
        try open.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let spawn = #"{"entry": "app.test:idle"}"#
        try other.send(
            "POST /v1/processes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(spawn.utf8.count)\r\n\r\n\(spawn)"
        )
        #expect(try open.answer().json["reason"].text == "shutdown")
        let ready = try open.answer()
        #expect(ready.status == 503)
        #expect(ready.code == "draining")
        #expect(try other.answer().status == 200)
        #expect(try other.answer().code == "draining")
        #expect(server.exitCode(within: 5) == 0)
    }

    @Test(arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
    func `a second signal ends it at once`(_ signal: Int32, _ code: Int32) throws {
        let app = try Self.app()
        let server = try RunningServer(app.path)
        _ = try server.spawn(#"{"entry": "app.test:stubborn", "name": "stubborn"}"#)
        let waits = waitFor(seconds: 5) { () -> Bool? in
            let answer = try? server.get("/v1/processes/@stubborn")
            return answer?.json["waiting_for"].items.contains(.string("events")) == true
                ? true : nil
        }
        #expect(waits == true)
        server.signal(signal)
        #expect(server.logHas("\"stopping\""))
        let watch = Stopwatch()
        server.signal(signal)
        #expect(server.exitCode(within: 3) == code)
        #expect(watch.milliseconds < 2_000)
    }

    @Test func `who ignores the request to end is ended within the timeout`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--shutdown-timeout", "1s"])
        _ = try server.spawn(#"{"entry": "app.test:stubborn"}"#)
        let watch = Stopwatch()
        #expect(server.stop() == 0)
        #expect(watch.milliseconds < 2_500)
    }

    @Test func `a SIGHUP with nothing to read again is told and ends nothing`() throws {
        let app = try Self.app()
        let server = try RunningServer(app.path, ["--shutdown-timeout", "3s"])
        server.signal(SIGHUP)
        #expect(server.logHas("nothing to read again"))
        #expect(try server.get("/readyz").status == 200)
        _ = try server.spawn(#"{"entry": "app.test:stubborn"}"#)
        server.signal(SIGTERM)
        #expect(server.logHas("\"stopping\""))
        // It is no second signal, which would end the server with another code.
        server.signal(SIGHUP)
        #expect(server.exitCode(within: 6) == 0)
    }
}
