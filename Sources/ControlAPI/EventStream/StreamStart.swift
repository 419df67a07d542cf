/// Where a client asked to begin.
enum Since: Sendable, Equatable {
    case now
    case oldest
    case id(EventID)
    /// A `Last-Event-ID` that is no id: another server's, perhaps.
    case unreadable(String)
}

/// Where a stream begins, and what it must own up to first.
///
/// Pure: of what was asked, and of what the feed has.
struct StreamStart: Sendable, Equatable {
    /// The stream goes on after this event.
    var cursor: UInt64
    /// What `hello` carries: where to resume if nothing more arrives.
    ///
    /// After a restart that is the old id, so that a client cut off right after `hello` is told of
    /// the gap once more.
    var helloID: EventID
    /// What was asked for, where it was an id.
    var requested: String?
    /// A gap known at once; one by eviction shows at the first read.
    var gap: GapReason?

    init(_ since: Since, epoch: String, oldest: UInt64, latest: UInt64) {
        var cursor = latest
        switch since {
        case .now, .unreadable: break
        case .oldest: cursor = oldest - 1
        case .id(let id) where id.epoch != epoch: cursor = oldest - 1
        case .id(let id): cursor = min(id.sequence, latest)
        }
        self.cursor = cursor
        helloID = EventID(epoch: epoch, sequence: cursor)
        switch since {
        case .now, .oldest: break
        case .unreadable(let text):
            requested = text
            gap = .unknownID
        case .id(let id):
            requested = id.text
            if id.epoch != epoch {
                gap = .epochChanged
                helloID = id
            } else if id.sequence > latest {
                gap = .unknownID
            }
        }
    }
}

/// Why events are missing from a stream.
enum GapReason: String, Sendable {
    /// They fell out of the ring before the client came back.
    case evicted
    /// The id is of an earlier run of the server.
    case epochChanged = "epoch-changed"
    /// The id is none this server ever gave out.
    case unknownID = "unknown-id"
    /// The stream itself was overtaken.
    case slowReader = "slow-reader"
}
