import Foundation
import HTTP
import ProcessRuntime
import Synchronization
import Testing

@testable import ControlAPI

/// One thing a stream said.
struct Said: Equatable {
    /// The event's name, such as SPAWN or hello; "retry" and "hb" for what is no event.
    var event: String
    var id: String?
    var data = ""

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(data.utf8))) as? [String: Any] ?? [:]
    }

    /// Splits server-sent bytes into what they say; keeps what is no whole block as "rest".
    static func parse(_ bytes: [UInt8]) -> [Said] {
        String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\n").dropLast().map {
            block in
            var said = Said(event: "message")
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
                switch parts[0] {
                case "event": said.event = parts[1]
                case "id": said.id = parts[1]
                case "data": said.data += parts[1]
                case "retry": (said.event, said.data) = ("retry", parts[1])
                case ": hb", "": said.event = "hb"
                default: said.event = line == ": hb" ? "hb" : "unknown \(line)"
                }
            }
            return said
        }
    }
}

/// A client of `/v1/events`, with the loop's part played by the test.
final class StreamReader {
    let stream: any ResponseStream
    let headers: Headers
    let wakes = Wakes()
    private(set) var bytes: [UInt8] = []
    private(set) var step: StreamStep?

    /// Counts the stream's wake-ups; wakes come from any thread.
    final class Wakes: Sendable {
        private let value = Atomic<Int>(0)
        var count: Int { value.load(ordering: .acquiring) }
        func add() { value.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    }

    init(
        _ desk: Desk,
        _ query: String = "",
        headers: [(String, String)] = [],
        onWake: @escaping @Sendable () -> Void = {}
    ) throws {
        let target = "/v1/events" + (query.isEmpty ? "" : "?\(query)")
        let response = try #require(desk.start("GET", target, headers: headers).response)
        try #require(response.status == 200)
        guard case .stream(let stream) = response.body else {
            throw Missing()
        }
        self.stream = stream
        self.headers = response.headers
        let wakes = self.wakes
        stream.start(
            StreamWaker {
                wakes.add()
                onWake()
            }
        )
    }

    struct Missing: Error {}

    deinit { stream.stop() }

    /// One `fill`.
    func fillOnce(room: Int = 256 << 10, now: UInt64 = 0) {
        step = stream.fill(&bytes, room: room, now: now)
    }

    /// Fills until the stream waits or has ended, as a loop with a ready socket would.
    func fill(room: Int = 256 << 10, now: UInt64 = 0) {
        repeat { fillOnce(room: room, now: now) } while step == .ready
    }

    /// Everything said since the last time.
    func take() -> [Said] {
        defer { bytes = [] }
        return Said.parse(bytes)
    }

    /// Fills, and returns what events were said, without control events.
    func events(now: UInt64 = 0) -> [Said] {
        fill(now: now)
        return take().filter { $0.event.first?.isUppercase ?? false }
    }
}
