// When to look at what again: a binary heap of moments.

import Posix

/// Moments in rising order, each with the registration that asked for it.
///
/// Nothing is removed early: whoever asked keeps its own true deadline and compares (see
/// `EventLoop`), so that moving a deadline further away, which every request does, costs nothing.
struct DeadlineHeap {
    struct Entry {
        let at: UInt64
        let token: PollToken
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }
    var count: Int { entries.count }

    /// O(log n).
    mutating func insert(_ entry: Entry) {
        var index = entries.count
        entries.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].at < entries[parent].at else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    /// Takes the earliest moment if it has come; O(log n).
    mutating func popDue(_ now: UInt64) -> Entry? {
        guard let first = entries.first, first.at <= now else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && entries[child].at < entries[least].at {
                least = child
            }
            if least == index { return first }
            entries.swapAt(index, least)
            index = least
        }
    }
}
