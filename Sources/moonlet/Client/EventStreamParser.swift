// Server-sent events, bytes in, events out.
//
// Source: HTML Living Standard, 9.2.5 and 9.2.6. Lines end in CR, LF or CR LF; a field without a
// colon has an empty value; one space after the colon is not part of the value; an event without
// data is not dispatched; an id with a NUL is ignored.

/// One dispatched event.
struct ServerSentEvent: Equatable, Sendable {
    /// The `event:` field; empty where there was none.
    var kind: String
    var data: String
    /// The last id seen on the stream so far, this event's own included.
    var lastEventID: String
}

/// Cuts a stream into events; holds no socket.
struct EventStreamParser {
    private var line: [UInt8] = []
    private var lastWasCR = false
    private var kind = ""
    private var data: [String] = []
    private(set) var lastEventID: String
    /// The reconnection time the server asked for, in milliseconds; nil until it did.
    private(set) var retryMilliseconds: Int?
    /// How many comment lines (heartbeats) have come.
    private(set) var commentCount = 0

    /// Begins a stream that goes on after `lastEventID`.
    init(lastEventID: String = "") {
        self.lastEventID = lastEventID
    }

    /// Takes the next bytes and returns the events they complete.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let afterCR = lastWasCR
            lastWasCR = byte == 0x0D
            if byte == 0x0A, afterCR { continue }
            guard byte == 0x0A || byte == 0x0D else {
                line.append(byte)
                continue
            }
            if let event = endLine() { events.append(event) }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: 0x3A) ?? line.endIndex
        let name = String(decoding: line[..<colon], as: UTF8.self)
        var rest = line[colon...].dropFirst()
        if rest.first == 0x20 { rest = rest.dropFirst() }
        take(name, String(decoding: rest, as: UTF8.self))
        return nil
    }

    private mutating func take(_ name: String, _ value: String) {
        switch name {
        case "": commentCount += 1
        case "event": kind = value
        case "data": data.append(value)
        case "id" where !value.utf8.contains(0): lastEventID = value
        case "retry" where !value.isEmpty && value.utf8.allSatisfy({ (0x30...0x39).contains($0) }):
            retryMilliseconds = Int(value) ?? retryMilliseconds
        default: break
        }
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            kind = ""
            data = []
        }
        guard !data.isEmpty else { return nil }
        return ServerSentEvent(
            kind: kind,
            data: data.joined(separator: "\n"),
            lastEventID: lastEventID
        )
    }
}
