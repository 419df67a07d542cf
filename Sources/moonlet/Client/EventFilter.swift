// Which events `moonlet events` shows, and where a replay ends.

/// What a replay shows; filtering happens here because the server's filters would hide its end.
struct EventFilter {
    static let allKinds = usualKinds + ["LOG"]
    static let usualKinds = [
        "SPAWN", "EXIT", "LINK_DOWN", "CANCEL", "REGISTER", "UNREGISTER", "RESTART", "UPGRADE",
        "LIMIT", "STALLED",
    ]
    /// Shows all the server sends.
    static let everything = EventFilter(kinds: nil, pid: nil)

    /// The kinds to show; nil for all.
    var kinds: [String]?
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
        if let kinds, !kinds.contains(event.kind) { return false }
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
        passed.epoch != latest.epoch || passed.number >= latest.number
    }

    /// Notes that the stream came to the event `id`.
    mutating func pass(_ id: String) {
        if let id = EventID(id) { passed = id }
    }
}

/// `<epoch>-<seq>`.
struct EventID: Equatable {
    var epoch: String
    var number: UInt64

    /// Parses an event id; nil where it is none.
    init?(_ text: String) {
        guard let dash = text.lastIndex(of: "-"),
            let number = UInt64(text[text.index(after: dash)...])
        else { return nil }
        epoch = String(text[..<dash])
        self.number = number
    }
}
