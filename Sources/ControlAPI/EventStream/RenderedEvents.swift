import ProcessRuntime
import Synchronization

/// The JSON of recent events, made once and shared by all streams.
///
/// A ring by sequence, bounded by count and bytes. What is older than the ring (a client catching
/// up) is rendered for that client alone. Two loop threads that meet at the same new event may
/// both render it; nobody waits for anybody.
final class RenderedEvents: Sendable {
    private struct Ring {
        var slots: [(sequence: UInt64, event: RenderedEvent)?]
        /// No slot holds an older sequence.
        var oldest: UInt64 = 0
        var newest: UInt64 = 0
        var bytes = 0
    }

    private let ring: Mutex<Ring>
    private let capacity: UInt64
    private let bytesMax: Int
    /// How often an event was rendered; the cache's use shows in it.
    private let renderings = Atomic<Int>(0)

    init(capacity: Int, bytesMax: Int) {
        self.capacity = UInt64(max(capacity, 1))
        self.bytesMax = bytesMax
        ring = Mutex(Ring(slots: Array(repeating: nil, count: max(capacity, 1))))
    }

    var renderingCount: Int { renderings.load(ordering: .relaxed) }

    /// The rendered form of an event: `render` is called where there is none yet.
    func rendered(_ sequence: UInt64, _ render: () -> RenderedEvent) -> RenderedEvent {
        let known = ring.withLock { ring -> RenderedEvent? in
            guard let slot = ring.slots[index(sequence)], slot.sequence == sequence else {
                return nil
            }
            return slot.event
        }
        if let known { return known }
        let event = render()
        renderings.wrappingAdd(1, ordering: .relaxed)
        ring.withLock { keep(&$0, sequence, event) }
        return event
    }

    private func keep(_ ring: inout Ring, _ sequence: UInt64, _ event: RenderedEvent) {
        guard sequence >= ring.oldest, event.block.count <= bytesMax else { return }
        ring.newest = max(ring.newest, sequence)
        if ring.newest - ring.oldest >= capacity {
            dropOlder(&ring, than: ring.newest - capacity + 1)
        }
        drop(&ring, at: index(sequence))
        ring.slots[index(sequence)] = (sequence, event)
        ring.bytes += event.block.count
        while ring.bytes > bytesMax { dropOlder(&ring, than: ring.oldest + 1) }
    }

    /// Drops what is older than `limit`; at most one round of the ring, however far that is.
    private func dropOlder(_ ring: inout Ring, than limit: UInt64) {
        for sequence in ring.oldest..<min(limit, ring.oldest + capacity) {
            drop(&ring, at: index(sequence))
        }
        ring.oldest = limit
    }

    private func drop(_ ring: inout Ring, at index: Int) {
        ring.bytes -= ring.slots[index]?.event.block.count ?? 0
        ring.slots[index] = nil
    }

    private func index(_ sequence: UInt64) -> Int { Int(sequence % capacity) }
}
