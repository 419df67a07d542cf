import Posix
import Synchronization

/// Writes lines to a descriptor on a thread of its own, so that who logs never waits.
///
/// Lines wait in a queue of at most `linesMax` and `bytesMax`, what is being written included. One
/// that finds no room is lost; where lines were lost, one says how many. A pipe that nobody reads
/// stops this thread and no other.
///
/// Lines stay whole: each is written to its end before the next. Where a write fails (the reader is
/// gone, the disk is full) its line is given up.
final class LogWriter: Sendable {
    private enum Item {
        case line([UInt8])
        /// So many were lost here.
        case lost(Int)
    }

    private struct State {
        var items: [Item] = []
        /// Lines accepted and not yet written, and their bytes.
        var lines = 0
        var bytes = 0
        /// Lost since the last item.
        var lost = 0
        var isIdle = false
    }

    private let descriptor: FileDescriptor
    private let linesMax: Int
    private let bytesMax: Int
    private let notice: @Sendable (Int) -> [UInt8]
    private let state = Mutex(State())
    /// Unparked when there is something to write.
    private let work = Parker()
    /// Unparked when there is nothing left to write.
    private let rest = Parker()

    /// Starts the thread, which lives as long as the program.
    ///
    /// `notice` makes the line that says how many were lost. The bounds: seconds of what a busy server
    /// logs, and far more than its memory at rest differs by.
    init(
        _ descriptor: consuming FileDescriptor,
        linesMax: Int = 16_384,
        bytesMax: Int = 4 << 20,
        notice: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.descriptor = descriptor
        self.linesMax = linesMax
        self.bytesMax = bytesMax
        self.notice = notice
        _ = PosixThread(name: "log", stackBytes: 512 << 10) { self.run() }
    }

    /// Takes a line, its end included; any thread.
    func add(_ line: [UInt8]) {
        let wakes = state.withLock { state in
            guard state.lines < linesMax, state.bytes + line.count <= bytesMax else {
                state.lost += 1
                return false
            }
            if state.lost > 0 { state.items.append(.lost(state.lost)) }
            state.lost = 0
            state.items.append(.line(line))
            state.lines += 1
            state.bytes += line.count
            defer { state.isIdle = false }
            return state.isIdle
        }
        if wakes { work.unpark() }
    }

    /// Waits until everything is written, but no longer than `nanoseconds`; says whether it is.
    ///
    /// For one thread at a time.
    @discardableResult
    func flush(within nanoseconds: UInt64) -> Bool {
        let deadline = SystemTime.monotonicNanoseconds() + nanoseconds
        while !state.withLock({ $0.isIdle }) {
            if !rest.park(until: deadline) { return state.withLock { $0.isIdle } }
        }
        return true
    }

    // MARK: The thread

    private func run() {
        while true {
            let items = state.withLock { state in
                if state.lost > 0 { state.items.append(.lost(state.lost)) }
                state.lost = 0
                state.isIdle = state.items.isEmpty
                defer { state.items = [] }
                return state.items
            }
            if items.isEmpty {
                rest.unpark()
                work.park()
            }
            for item in items { write(item) }
        }
    }

    private func write(_ item: Item) {
        switch item {
        case .lost(let count): write(notice(count))
        case .line(let line):
            write(line)
            state.withLock { state in
                state.lines -= 1
                state.bytes -= line.count
            }
        }
    }

    /// Writes all of a line; waits where the descriptor is one that does not.
    private func write(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            // SAFETY: the bytes are lent for the call.
            let transfer = unsafe rest.withUnsafeBytes { try? unsafe descriptor.write($0) }
            switch transfer {
            case .bytes(let count)?: rest = rest.dropFirst(count)
            case .wouldBlock?:
                guard (try? descriptor.waitWritable(timeoutMilliseconds: -1)) != nil else { return }
            case nil: return
            }
        }
    }
}
