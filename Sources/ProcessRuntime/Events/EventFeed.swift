import Payload
import Synchronization

/// Kinds of lifecycle event, as they read on the wire (openapi.yaml, EventKind).
///
/// Nothing publishes RESTART and UPGRADE yet: there are no services.
package enum EventKind: String, Sendable, CaseIterable {
    case spawn = "SPAWN"
    case exit = "EXIT"
    case linkDown = "LINK_DOWN"
    case cancel = "CANCEL"
    case register = "REGISTER"
    case unregister = "UNREGISTER"
    case restart = "RESTART"
    case upgrade = "UPGRADE"
    case limit = "LIMIT"
    case stalled = "STALLED"
    case log = "LOG"
}

/// One thing that happened, as the feed keeps it.
package struct LifecycleEvent: Sendable {
    /// Rises by one for each event of this server; the first is 1.
    package let sequence: UInt64
    /// Nanoseconds since 1970.
    package let at: UInt64
    package let kind: EventKind
    package let from: PID
    package let entry: String
    package let host: String
    package let detail: Detail

    package enum Detail: Sendable {
        case none
        /// SPAWN: the name it was given, if any.
        case spawned(name: String?, parent: PID?)
        case exited(ExitRecord)
        case linkDown(to: PID, error: ErrorValue?)
        /// REGISTER, UNREGISTER: the name.
        case named(String)
        /// CANCEL, LIMIT, STALLED: the reason.
        case text(String)
        case logged(level: String, message: String, line: Int)
    }

    /// What it counts against the ring's byte bound: about its size in memory.
    var weight: Int {
        switch detail {
        case .exited(let record): record.weight
        case .linkDown(_, let error): 200 + (error?.weight ?? 0)
        case .text(let text): 200 + text.utf8.count
        case .named(let name): 200 + name.utf8.count
        case .logged(_, let message, _): 200 + message.utf8.count
        default: 200
        }
    }
}

/// The ring of recent events: publishers append and never wait; readers hold a cursor.
///
/// Bounded by count and bytes; what falls out is gone, and a reader whose cursor is older learns how
/// many it missed.
package final class EventFeed: Sendable {
    private struct Ring {
        var events: [LifecycleEvent?]
        /// Sequence of the oldest event kept.
        var oldest: UInt64 = 1
        /// Sequence the next event gets.
        var next: UInt64 = 1
        var bytes = 0
        var listener: (@Sendable () -> Void)?
    }

    private let ring: Mutex<Ring>
    private let capacity: Int
    private let bytesMax: Int
    private let latestSequence = Atomic<UInt64>(0)
    /// How many readers want LOG events; relaxed, since a line more or less is no loss.
    private let logReaders = Atomic<Int>(0)

    package init(capacity: Int = 65_536, bytesMax: Int = 64 << 20) {
        self.capacity = max(capacity, 1)
        self.bytesMax = bytesMax
        ring = Mutex(Ring(events: Array(repeating: nil, count: max(capacity, 1))))
    }

    /// The sequence of the newest event; zero before the first.
    ///
    /// Read it *before* taking a snapshot of state: everything that changes later has a higher one.
    package var latest: UInt64 { latestSequence.load(ordering: .acquiring) }

    /// Whether somebody reads LOG events: only then are they worth room in the ring.
    package var wantsLogs: Bool { logReaders.load(ordering: .relaxed) > 0 }

    /// One more (or less) reader of LOG events.
    package func countLogReader(_ change: Int) {
        logReaders.wrappingAdd(change, ordering: .relaxed)
    }

    /// Calls `listener` after each publish, on the publisher's thread; it must not block.
    package func setListener(_ listener: @escaping @Sendable () -> Void) {
        ring.withLock { $0.listener = listener }
    }

    func publish(
        _ kind: EventKind,
        from: PID,
        entry: String,
        host: String,
        at: UInt64,
        _ detail: LifecycleEvent.Detail
    ) {
        let listener = ring.withLock { ring -> (@Sendable () -> Void)? in
            let event = LifecycleEvent(
                sequence: ring.next,
                at: at,
                kind: kind,
                from: from,
                entry: entry,
                host: host,
                detail: detail
            )
            if ring.next - ring.oldest == UInt64(capacity) { evict(&ring) }
            ring.events[Int(ring.next % UInt64(capacity))] = event
            ring.next += 1
            ring.bytes += event.weight
            while ring.bytes > bytesMax && ring.oldest < ring.next - 1 { evict(&ring) }
            // Release: pairs with the acquire load in `latest`, so that a snapshot taken after that
            // shows what the event tells of.
            latestSequence.store(event.sequence, ordering: .releasing)
            return ring.listener
        }
        listener?()
    }

    private func evict(_ ring: inout Ring) {
        let index = Int(ring.oldest % UInt64(capacity))
        ring.bytes -= ring.events[index]?.weight ?? 0
        ring.events[index] = nil
        ring.oldest += 1
    }

    /// What a reader gets: events after its cursor, and how many were lost before the first.
    package struct Batch: Sendable {
        package var events: [LifecycleEvent] = []
        /// Events the ring no longer had.
        package var missed: UInt64 = 0
    }

    /// At most `limit` events after the sequence `cursor`.
    package func read(after cursor: UInt64, limit: Int) -> Batch {
        ring.withLock { ring in
            var batch = Batch()
            // A cursor comes from outside: any number.
            var sequence = min(cursor, ring.next) + 1
            if sequence < ring.oldest {
                batch.missed = ring.oldest - sequence
                sequence = ring.oldest
            }
            while sequence < ring.next && batch.events.count < limit {
                if let event = ring.events[Int(sequence % UInt64(capacity))] {
                    batch.events.append(event)
                }
                sequence += 1
            }
            return batch
        }
    }

    /// The oldest sequence kept (one above the newest when nothing is).
    package var oldest: UInt64 { ring.withLock { $0.oldest } }
}
