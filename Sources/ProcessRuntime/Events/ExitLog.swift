import Synchronization

/// The exit records of recent processes: the last `capacity`, none older than `ageNanoseconds`, of
/// `bytesMax` together (the newest always).
final class ExitLog: Sendable {
    private struct Log {
        var records: [PID: ExitRecord] = [:]
        /// Oldest first; `first` is where the live part begins.
        var order: [PID] = []
        var first = 0
        var bytes = 0
    }

    private let log = Mutex(Log())
    private let capacity: Int
    private let bytesMax: Int
    private let ageNanoseconds: UInt64

    init(
        capacity: Int = 10_000,
        bytesMax: Int = 64 << 20,
        ageNanoseconds: UInt64 = 600_000_000_000
    ) {
        self.capacity = capacity
        self.bytesMax = bytesMax
        self.ageNanoseconds = ageNanoseconds
    }

    func add(_ record: ExitRecord) {
        log.withLock { log in
            log.records[record.pid] = record
            log.order.append(record.pid)
            log.bytes += record.weight
            while log.order.count - log.first > capacity { dropOldest(&log) }
            while log.bytes > bytesMax && log.order.count - log.first > 1 { dropOldest(&log) }
            dropOld(&log, now: record.at)
            // The dead part of the array is cut off once it is the larger part.
            if log.first > 1_024 && log.first * 2 > log.order.count {
                log.order.removeFirst(log.first)
                log.first = 0
            }
        }
    }

    /// The record of `pid`, if it is still kept at `now` (nanoseconds since 1970).
    func find(_ pid: PID, now: UInt64) -> ExitRecord? {
        log.withLock { log in
            guard let record = log.records[pid], !isOld(record, now: now) else { return nil }
            return record
        }
    }

    private func isOld(_ record: ExitRecord, now: UInt64) -> Bool {
        now > record.at && now - record.at > ageNanoseconds
    }

    private func dropOldest(_ log: inout Log) {
        let record = log.records.removeValue(forKey: log.order[log.first])
        log.bytes -= record?.weight ?? 0
        log.first += 1
    }

    private func dropOld(_ log: inout Log, now: UInt64) {
        while log.first < log.order.count, let record = log.records[log.order[log.first]],
            isOld(record, now: now)
        {
            dropOldest(&log)
        }
    }
}
