/// Pids in the order they came, each at most once.
///
/// One word while small: an array that is searched. With more than `fewMax` a hash index beside it
/// makes adding, finding and removing O(1), so that a process with 100,000 links or monitors is no
/// burden.
struct PIDSet: ~Copyable, Sendable {
    /// Searching this many words costs less than hashing one.
    static let fewMax = 32

    private enum Storage: Sendable {
        case few([PID])
        case many(Indexed)
    }

    private var storage = Storage.few([])

    /// Everything in it, oldest first.
    ///
    /// O(1) while small, O(n) otherwise.
    var elements: [PID] {
        switch storage {
        case .few(let list): list
        case .many(let indexed): indexed.order.compactMap { $0 }
        }
    }

    func contains(_ pid: PID) -> Bool {
        switch storage {
        case .few(let list): list.contains(pid)
        case .many(let indexed): indexed.places[pid] != nil
        }
    }

    /// Adds `pid` at the end; false when it is there already.
    @discardableResult
    mutating func insert(_ pid: PID) -> Bool {
        guard !contains(pid) else { return false }
        switch storage {
        case .many(let indexed): indexed.append(pid)
        case .few(var list):
            // The array must have one owner to grow in place.
            storage = .few([])
            list.append(pid)
            storage = list.count > PIDSet.fewMax ? .many(Indexed(list)) : .few(list)
        }
        return true
    }

    /// Removes `pid`; false when it is not there.
    @discardableResult
    mutating func remove(_ pid: PID) -> Bool {
        switch storage {
        case .many(let indexed):
            guard indexed.remove(pid) else { return false }
            if indexed.places.count <= PIDSet.fewMax / 2 { storage = .few(elements) }
            return true
        case .few(var list):
            guard let index = list.firstIndex(of: pid) else { return false }
            storage = .few([])
            list.remove(at: index)
            storage = .few(list)
            return true
        }
    }

    /// Everything in it, oldest first; it is empty afterwards.
    mutating func takeAll() -> [PID] {
        let all = elements
        storage = .few([])
        return all
    }

    /// An array with holes and the place of each pid in it.
    // Sendable: one set has it, sets are never copied, and whoever may change a set has it alone.
    private final class Indexed: @unchecked Sendable {
        var order: [PID?]
        var places: [PID: Int] = [:]

        init(_ list: [PID]) {
            order = list
            places.reserveCapacity(list.count * 2)
            for (index, pid) in list.enumerated() { places[pid] = index }
        }

        func append(_ pid: PID) {
            places[pid] = order.count
            order.append(pid)
        }

        func remove(_ pid: PID) -> Bool {
            guard let index = places.removeValue(forKey: pid) else { return false }
            order[index] = nil
            // Half of it holes: closing them costs what was saved by not moving before.
            if order.count > 2 * places.count + PIDSet.fewMax { close() }
            return true
        }

        private func close() {
            order.removeAll { $0 == nil }
            for (index, pid) in order.enumerated() {
                if let pid { places[pid] = index }
            }
        }
    }
}
