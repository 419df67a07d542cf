import Access
import ProcessRuntime

/// Which events a stream wants.
///
/// `LOG` is wanted only by a filter that names it. An entry ending in `*` matches any ending.
struct EventFilter: Sendable {
    /// Kinds wanted; nil for all but LOG.
    var kinds: Set<EventKind>?
    var pid: PIDWanted = .any
    var name: NameWatch?
    var entry: Pattern?
    var host: String?
    /// Which entries' events the client may see at all.
    var allowed = Extent.full

    enum PIDWanted: Sendable, Equatable {
        case any
        case one(PID)
        /// A pid of an earlier run: its events will not come, but the stream lives, so that a
        /// client that resumes after a restart learns that by `gap` and not by an error.
        case foreign
    }

    /// Whether it leaves out anything but LOG events.
    var isNarrow: Bool {
        kinds != nil || pid != .any || name != nil || entry != nil || host != nil
            || allowed != .full
    }

    /// Whether it asks for LOG events.
    var wantsLogs: Bool { kinds?.contains(.log) ?? false }

    /// Whether `event` is wanted; must see every event, in order, for the name's sake.
    mutating func wants(_ event: LifecycleEvent) -> Bool {
        if name?.concerns(event) == false { return false }
        if let kinds {
            guard kinds.contains(event.kind) else { return false }
        } else if event.kind == .log {
            return false
        }
        switch pid {
        case .any: break
        case .one(let pid): if event.from != pid { return false }
        case .foreign: return false
        }
        if let entry, !entry.matches(event.entry) { return false }
        if let host, host != event.host { return false }
        return allowed.covers(event.entry)
    }
}

/// Follows who holds a name through the events themselves.
///
/// So each event is judged by who held the name when it was published, however late it is read. The
/// events of the holder's exit count as its: an exit frees the names first, and publishes all it
/// has to say with one and the same time.
struct NameWatch: Sendable {
    let name: String
    private var holder: PID?
    private var leaving: (pid: PID, at: UInt64)?

    init(_ name: String, holder: PID? = nil) {
        self.name = name
        self.holder = holder
    }

    /// Whether `event` is about the name or its holder; takes note of what it says of the name.
    mutating func concerns(_ event: LifecycleEvent) -> Bool {
        switch (event.kind, event.detail) {
        case (.register, .named(let text)) where isName(text),
            (.spawn, .spawned(name: let text?, parent: _)) where isName(text):
            holder = event.from
            leaving = nil
            return true
        case (.unregister, .named(let text)) where isName(text):
            if holder == event.from { holder = nil }
            leaving = (event.from, event.at)
            return true
        default:
            if event.from == holder { return true }
            guard let leaving else { return false }
            return leaving.pid == event.from && leaving.at == event.at
        }
    }

    /// Finds out who held the name right after the event `cursor`.
    ///
    /// The last event up to the cursor, or else the first one after it, that is about the name
    /// tells; with none, it is who has the name now. Linear in the events kept.
    mutating func settle(after cursor: UInt64, _ runtime: Runtime) {
        holder = nil
        leaving = nil
        // An exit that is cut in two by the cursor lies close before it.
        let before = cursor - min(cursor, NameWatch.lookBack)
        let recent = runtime.feed.read(after: before, limit: Int(NameWatch.lookBack))
        for event in recent.events.reversed() where event.sequence <= cursor && isAbout(event) {
            _ = concerns(event)
            return
        }
        var position = cursor
        while true {
            // Before the read: who gets the name later than this publishes it later, too.
            let present = runtime.lookup(name)
            let batch = runtime.feed.read(after: position, limit: 1_024)
            if let event = batch.events.first(where: isAbout) {
                // Taken away: it was there. Given: it was nobody's.
                if event.kind == .unregister { holder = event.from }
                return
            }
            guard let last = batch.events.last else {
                holder = present
                return
            }
            position = last.sequence
        }
    }

    private static let lookBack: UInt64 = 256

    /// Whether an event gave the name to somebody or took it away.
    private func isAbout(_ event: LifecycleEvent) -> Bool {
        switch event.detail {
        case .named(let text), .spawned(name: let text?, parent: _): isName(text)
        default: false
        }
    }

    /// Whether a text is the name, byte by byte, as names are registered.
    private func isName(_ text: String) -> Bool { text.utf8.elementsEqual(name.utf8) }
}
