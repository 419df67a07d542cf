// A reader of server-sent events that remembers its last id, as EventSource does.

/// One event of a stream.
struct StreamedEvent {
    var kind: String
    var id: String?
    /// The data as it came; `data` reads it.
    var line: [UInt8]
    var data: JSON { JSON(parsing: line) }

    /// The number in `<epoch>-<seq>`.
    var sequence: UInt64? {
        id.flatMap { id in id.lastIndex(of: "-").flatMap { UInt64(id[id.index(after: $0)...]) } }
    }
    /// hello, gap and bye are about the stream itself.
    var isControl: Bool { kind.first?.isLowercase ?? false }
}

/// One connection to `/v1/events`; for one thread.
///
/// Source: the HTML standard, 9.2.6, for how lines become events.
final class EventReader {
    let connection: RawConnection
    /// What to send as `Last-Event-ID` to go on from here.
    private(set) var lastID: String?
    private var pending = ByteQueue()
    private var hasEnded = false

    /// Connects and reads the answer's head.
    init(
        _ server: RunningServer,
        _ query: String = "",
        lastID: String? = nil,
        fields: [String] = [],
        receiveBytes: Int32? = nil
    ) throws {
        self.lastID = lastID
        connection = try RawConnection(server, receiveBytes: receiveBytes)
        let all = fields + (lastID.map { ["Last-Event-ID: \($0)"] } ?? [])
        let lines = all.map { $0 + "\r\n" }.joined()
        try connection.send(
            "GET /v1/events\(query) HTTP/1.1\r\nHost: localhost\r\n\(lines)\r\n"
        )
        let head = try connection.readHead()
        guard head.status == 200 else {
            throw ServerTrouble(description: "/v1/events: \(head.status)")
        }
    }

    /// The next event; nil at the stream's proper end.
    func next() throws -> StreamedEvent? {
        var kind = "message"
        var id: String?
        var data: [UInt8]?
        while let line = try nextLine() {
            if line.isEmpty {
                if let id { lastID = id }
                guard let data else { continue }
                return StreamedEvent(kind: kind, id: id, line: data)
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            var value = line[(colon + 1)...]
            if value.first == UInt8(ascii: " ") { value.removeFirst() }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "event": kind = String(decoding: value, as: UTF8.self)
            case "id": id = String(decoding: value, as: UTF8.self)
            case "data": data = (data.map { $0 + [10] } ?? []) + value
            default: break
            }
        }
        return nil
    }

    /// Reads up to and with the first event that `isLast` says ends it, or the stream's end.
    func read(until isLast: (StreamedEvent) -> Bool) throws -> [StreamedEvent] {
        var events: [StreamedEvent] = []
        while let event = try next() {
            events.append(event)
            if isLast(event) { break }
        }
        return events
    }

    private func nextLine() throws -> [UInt8]? {
        while true {
            if let line = pending.takeLine() { return line }
            if hasEnded { return nil }
            if let chunk = try connection.readChunk() {
                pending.append(chunk[...])
            } else {
                hasEnded = true
            }
        }
    }
}
