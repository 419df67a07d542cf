// Which events `moonlet events` shows, and where a replay ends.

import ControlAPI
import ProcessRuntime

/// What a replay shows; filtering happens here because the server's filters would hide its end.
struct EventFilter {
    /// All but what processes log, which the server's log has.
    static let usualKinds = EventKind.allCases.filter { $0 != .log }
    /// Shows all the server sends.
    static let everything = EventFilter(kinds: nil, pid: nil)

    /// The kinds to show; nil for all.
    var kinds: [EventKind]?
    /// The process whose events to show; nil for all.
    var pid: String?

    /// Whether to show `event`.
    ///
    /// Of the control events only a gap is worth a line.
    func lets(
        _ event: ServerSentEvent,
        as format: OutputFormat
    ) throws(CommandFailure) -> Bool {
        guard event.isHappening else { return event.kind == "gap" }
        if let kinds, !kinds.contains(where: { $0.rawValue == event.kind }) { return false }
        guard let pid else { return true }
        return try event.json()["from"]?.string == pid
    }
}

extension ServerSentEvent {
    /// Whether this is something that happened, not a control event (those are in lower case).
    var isHappening: Bool { kind.utf8.first.map { (0x41...0x5A).contains($0) } ?? false }

    /// The event's data.
    func json() throws(CommandFailure) -> JSONValue {
        try Answer(status: 200, body: Array(data.utf8)).json()
    }
}

/// Where a replay ends: at the last event there was when it began.
struct EventEnd {
    private let latest: EventID
    private var passed: EventID

    /// Reads the end from the stream's `hello`.
    init?(hello: ServerSentEvent) throws(CommandFailure) {
        let json = try hello.json()
        guard let latest = EventID(json["latest"]?.string ?? ""),
            let start = EventID(json["id"]?.string ?? "")
        else { return nil }
        self.latest = latest
        passed = start
    }

    /// Whether all that had happened by then was seen; another run of the server ends it too.
    var isReached: Bool {
        passed.epoch != latest.epoch || passed.sequence >= latest.sequence
    }

    /// Notes that the stream came to the event `id`.
    mutating func pass(_ id: String) {
        if let id = EventID(id) { passed = id }
    }
}
