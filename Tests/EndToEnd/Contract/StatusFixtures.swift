import Foundation
import Glibc

/// The servers and processes that the requests of the status table are about.
///
/// Made once; a request that uses something up asks for a new one.
final class StatusFixtures {
    let app: TemporaryApp
    /// A server like any other.
    let server: RunningServer
    /// One where everything there may be one of is taken.
    let full: RunningServer
    /// One that asks for a token.
    let guarded: RunningServer
    private let followerToken: String
    private let senderToken: String
    private let fullStream: EventReader
    private var count = 0

    init() throws {
        app = try TemporaryApp([
            ("idle", "return function() process.listen('never'):receive() end"),
            ("quick", "return function(...) return ... end"),
            (
                "echo",
                """
                return { main = function()
                    local inbox = process.inbox()
                    while true do
                        local message = inbox:receive()
                        if message.topic == "stop" then return "stopped" end
                        process.send(message.from, "echo", message.payload)
                    end
                end }
                """
            ),
        ])
        server = try RunningServer(app.path)
        let follower = try TokenTests.make("follower", "--scope", "events")
        let sender = try TokenTests.make("sender", "--scope", "send")
        (followerToken, senderToken) = (follower.token, sender.token)
        let tokens = try TokenTests.TokensFile(follower.entry + sender.entry)
        guarded = try RunningServer(app.path, ["--token-file", tokens.path])
        full = try RunningServer(
            app.path,
            ["--max-processes", "1", "--max-streams-per-peer", "1", "--max-connections", "8"]
        )
        _ = try full.spawn(#"{"entry": "app.test:idle", "name": "only"}"#)
        fullStream = try EventReader(full, "")
        _ = try fullStream.next()
    }

    /// A name nobody has.
    func newName() -> String {
        count += 1
        return "name-\(count)"
    }

    /// A new process; `more` are further members of the spawn.
    func process(_ entry: String = "idle", _ more: String = "") throws -> String {
        try server.spawn(#"{"entry": "app.test:\#(entry)"\#(more)}"#)
    }

    /// A process that has ended.
    func ended() throws -> String {
        let pid = try process()
        _ = try server.request("DELETE", "/v1/processes/\(pid)")
        return pid
    }

    /// A process whose mailbox has no room.
    func stuffed() throws -> String {
        let pid = try process("idle", #", "limits": {"mailbox_messages": 1, "mailbox_bytes": 1}"#)
        return pid
    }

    /// A field that shows the guarded server a token which does not allow the operation.
    func powerless(_ operation: String) -> String {
        let token = operation == "GET /v1/events" ? senderToken : followerToken
        return "Authorization: Bearer \(token)"
    }

    /// Asks the guarded server for an operation.
    func askGuarded(_ operation: String, _ fields: [String]) throws -> HTTPAnswer {
        let parts = operation.split(separator: " ").map(String.init)
        let path = parts[1].replacing("{id}", with: "@a").replacing("{other}", with: "@b")
            .replacing("{name}", with: "a")
        return try guarded.request(parts[0], path, fields: fields)
    }

    /// A body over the limit of 1 MiB, which is also JSON.
    static let huge = "\"" + String(repeating: "x", count: 1 << 20) + "\""

    /// An answer while the server is draining, to a request whose head had begun before.
    func whileDraining(_ request: String) throws -> HTTPAnswer {
        let server = try RunningServer(app.path)
        let connection = try RawConnection(server)
        try connection.send("GET \(request) HTTP/1.1\r\nHost: localhost\r\n")
        // It is in the middle of a head when another's answer has come.
        _ = try server.get("/livez")
        server.signal(SIGTERM)
        let refuses = waitFor(seconds: 10) { (try? RawConnection(server)) == nil ? true : nil }
        guard refuses == true else { throw ServerTrouble(description: "it does not drain") }
        try connection.send("\r\n")
        return try connection.answer()
    }
}
