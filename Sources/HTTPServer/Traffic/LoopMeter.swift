// What one loop counts of its traffic.
//
// Each counter has one writer, the loop's thread, and is a relaxed load and store: no
// read-modify-write, no contention. Who reads (`/metrics`, on any loop) may see one counter a moment
// before another; each for itself only grows.

import HTTP
import Synchronization

/// The counters of one loop; written by its thread only, read by any.
@safe
final class LoopMeter: @unchecked Sendable {
    // Sendable: an address of atomics, set once; see above for who writes them.
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let labels: Int

    /// Cells that are not of one label.
    private enum Cell: Int, CaseIterable {
        case begun, answered, left, accepted, receivedBytes, sentBytes
    }

    /// Of each label: how many answers of each class (1xx to 5xx), buckets, and the nanoseconds.
    private static let classes = 5
    private static let cellsPerLabel = classes + Traffic.bucketNanoseconds.count + 2

    init(labels: Int) {
        self.labels = labels
        let count = Cell.allCases.count + labels * Self.cellsPerLabel
        unsafe cells = .allocate(capacity: count)
        for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: Cell.allCases.count + labels * Self.cellsPerLabel)
        unsafe cells.deallocate()
    }

    // MARK: The loop's thread

    /// A request was handed to the handler.
    func begin() { add(1, to: Cell.begun.rawValue) }

    /// The handler has answered it, or let it go.
    func end() { add(1, to: Cell.answered.rawValue) }

    /// Its client went away before it was answered.
    func leave() { add(1, to: Cell.left.rawValue) }

    /// An answer is written, which took the handler so long.
    func note(_ response: Response, after nanoseconds: UInt64) {
        let label = response.label < labels ? response.label : 0
        let first = Cell.allCases.count + label * Self.cellsPerLabel
        add(1, to: first + min(max(response.status / 100, 1), Self.classes) - 1)
        let buckets = Traffic.bucketNanoseconds
        // Most answers take the first few buckets' time.
        let bucket = buckets.firstIndex { nanoseconds <= $0 } ?? buckets.count
        add(1, to: first + Self.classes + bucket)
        add(nanoseconds, to: first + Self.classes + buckets.count + 1)
    }

    func accept() { add(1, to: Cell.accepted.rawValue) }
    func receive(_ bytes: Int) { add(UInt64(bytes), to: Cell.receivedBytes.rawValue) }
    func send(_ bytes: Int) { add(UInt64(bytes), to: Cell.sentBytes.rawValue) }

    private func add(_ amount: UInt64, to index: Int) {
        // SAFETY: every index above is one of the cells that `init` made.
        let value = unsafe cells[index].load(ordering: .relaxed)
        unsafe cells[index].store(value &+ amount, ordering: .relaxed)
    }

    // MARK: Any thread

    /// Adds what was counted so far to `traffic`, which has as many labels.
    func add(to traffic: inout Traffic) {
        // Answers first: an answer is never counted before its request.
        let answered = read(Cell.answered.rawValue)
        let begun = read(Cell.begun.rawValue)
        // Relaxed: one may be seen before the other that was stored first.
        traffic.inFlight += begun > answered ? Int(begun - answered) : 0
        traffic.disconnects += read(Cell.left.rawValue)
        traffic.accepted += read(Cell.accepted.rawValue)
        traffic.receivedBytes += read(Cell.receivedBytes.rawValue)
        traffic.sentBytes += read(Cell.sentBytes.rawValue)
        for label in 0..<labels {
            var next = Cell.allCases.count + label * Self.cellsPerLabel
            for index in 0..<Self.classes {
                traffic.labels[label].byClass[index] += read(next)
                next += 1
            }
            for index in traffic.labels[label].buckets.indices {
                traffic.labels[label].buckets[index] += read(next)
                next += 1
            }
            traffic.labels[label].nanoseconds += read(next)
        }
    }

    private func read(_ index: Int) -> UInt64 {
        // SAFETY: as `add`.
        unsafe cells[index].load(ordering: .relaxed)
    }
}
