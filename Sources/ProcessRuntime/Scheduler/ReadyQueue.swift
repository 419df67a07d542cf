/// Processes that wait for a turn: those that were woken, and those that have used up a slice.
///
/// Each kind takes turns in the order it came. The woken go first, so that how soon one of them
/// runs does not depend on how many compute; `Pace` sees to it that the others come to their turns.
struct ReadyQueue {
    private var woken = RunQueue()
    private var spent = RunQueue()

    /// Why a process is in the queue.
    enum Kind {
        /// Something arrived for it, or it is new.
        case woken
        /// It, or the processes that handed their turn on to it, had a whole slice.
        case spent
    }

    var isEmpty: Bool { woken.isEmpty && spent.isEmpty }

    mutating func append(_ block: ControlBlock, _ kind: Kind) {
        switch kind {
        case .woken: woken.append(block)
        case .spent: spent.append(block)
        }
    }

    /// The next one for a worker; `pace` learns its kind.
    mutating func popFirst(_ pace: inout Pace) -> ControlBlock? {
        if woken.isEmpty || pace.owesSpent, let block = spent.popFirst() {
            pace.runsSpent = true
            return block
        }
        return woken.popFirst()
    }
}

/// Where a worker is in time.
struct Pace {
    /// How long a worker passes over those that have used up a slice, while others are woken.
    ///
    /// So they have a quarter of each worker at least.
    static let patienceNanoseconds = 2 * TimeSlice.nanoseconds

    /// When the last turn ended.
    var now: UInt64
    /// When the present chain of hand-overs began.
    var chainStart: UInt64
    /// When the last turn of one that had used up a slice ended.
    private var spentEnd: UInt64
    /// Whether the present turn is one of those.
    var runsSpent = false

    init(now: UInt64) {
        self.now = now
        chainStart = now
        spentEnd = now
    }

    var owesSpent: Bool { now &- spentEnd >= Self.patienceNanoseconds }

    mutating func turnEnded(at time: UInt64) {
        now = time
        if runsSpent { spentEnd = time }
        runsSpent = false
    }
}
