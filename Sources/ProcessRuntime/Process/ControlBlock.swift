import Payload
import Synchronization

/// What a process asks for when it is made.
package struct ProcessLimits: Sendable, Equatable {
    /// Bytes of Lua memory.
    package var memoryBytes = 64 << 20
    package var mailboxMessages = 100_000
    package var mailboxBytes = 64 << 20
    /// Time on a worker, from the beginning of each turn to its end; zero for none.
    ///
    /// It is CPU time as far as the system gives the worker's thread a CPU all the while: reading the
    /// thread's own clock twice a turn would cost more than a short turn does.
    package var cpuNanoseconds: UInt64 = 0
    /// Time from spawn; zero for none.
    package var lifetimeNanoseconds: UInt64 = 0

    package init() {}
}

/// What does a process's work: Lua, or a Swift closure in a test.
///
/// `run` and `discard` are called only by whoever holds the process's turn, one at a time. The other
/// two may be called by any thread at any time.
package protocol Runnable: AnyObject, Sendable {
    /// Says which process it is, before its first turn and before anybody else knows the pid.
    func spawned(as pid: PID, in block: ControlBlock)
    /// Runs until it waits, has had its slice, or ends.
    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome
    /// Gives everything back; nothing of it runs again.
    func discard()
    /// Asks it to stop for good as soon as it can: its next outcome does not matter.
    func requestDeath()
    /// Bytes it holds now.
    var memoryBytes: Int { get }
    /// What it waits for, how many fibers it has.
    func describe() -> RunnableDescription
}

extension Runnable {
    package func spawned(as pid: PID, in block: ControlBlock) {}
}

/// How a turn ended.
package enum TurnOutcome: Sendable {
    /// Nothing to do until a signal comes.
    case waiting
    /// Its slice is over; it wants to go on.
    case preempted
    /// It is over.
    case ended(ExitReason)
}

package struct RunnableDescription: Sendable {
    package var fibers = 1
    package var waitingFor: [String] = []
    /// Whether it listens for events, so that a CANCEL means something to it.
    package var handlesEvents = false
    package init() {}
}

/// The part of a worker thread that can be interrupted from outside.
package protocol WorkerContext: AnyObject, Sendable {
    /// Odd while script code runs; another number for each run.
    var serial: UInt64 { get }
    /// Interrupts the run that `serial` names; does nothing when it is over.
    func interrupt(_ serial: UInt64)
}

/// Whether a process waits, is queued, or runs.
///
/// Changes only in `ControlBlock+Turn.swift`.
package enum RunState: UInt8 {
    /// The slot is free.
    case free
    /// Being made: not yet handed to the scheduler.
    case starting
    /// Nothing to do.
    case waiting
    /// In a run queue.
    case ready
    /// A worker has its turn.
    case running
    /// As running, and something arrived since the turn began.
    case runningWoken
}

/// One slot of the process table, by its address.
///
/// Blocks are made with their table's page, reused, and freed with the table; a pid is a slot's
/// generation. Passing one on costs nothing: it is not reference counted.
///
/// Who may touch what:
///   state, currentPID, dying, ...        atomics, any thread
///   guarded                              under its lock; lock order in ARCHITECTURE.md
///   turnBody, turnCPULimit, consumed...  only whoever holds the turn, or fills or frees the slot
///   the Runnable's inside                only whoever holds the turn
@safe
package struct ControlBlock: Equatable, @unchecked Sendable {
    // Sendable: an address; what it points at says itself who may touch it.
    // SAFETY: the table outlives every use of its blocks: the runtime that everyone holds has it.
    private let address: UnsafeMutablePointer<Fields>

    /// Makes the blocks of `count` slots from `first` on, side by side.
    static func make(from first: Int, count: Int) -> UnsafeMutablePointer<Fields> {
        let memory = UnsafeMutablePointer<Fields>.allocate(capacity: count)
        for place in 0..<count {
            unsafe (memory + place).initialize(to: Fields(slot: first + place))
        }
        return unsafe memory
    }

    init(at address: UnsafeMutablePointer<Fields>) {
        unsafe self.address = unsafe address
    }

    package static func == (left: ControlBlock, right: ControlBlock) -> Bool {
        unsafe left.address == right.address
    }

    /// What a slot holds.
    struct Fields: ~Copyable {
        let slot: Int
        /// Pairs: a release store by whoever fills or frees the slot; acquire loads before a turn.
        let currentPID = Atomic<UInt64>(0)
        let state = Atomic<UInt8>(RunState.free.rawValue)
        /// Set when the process must end; read by spawns, turns and the timekeeper.
        ///
        /// Pairs: a release store under the lock, before `urge`; acquire loads where a spawn hands the
        /// process over and where a turn begins and ends. The reason is in `guarded`.
        let dying = Atomic<Bool>(false)
        /// Whether `incoming` holds something; changes only under the lock.
        ///
        /// Read without it by whoever has the turn: a signal put there after the look is followed by
        /// a `wake`, which keeps the turn from ending unseen.
        let hasIncoming = Atomic<Bool>(false)
        /// Messages ever accepted and their bytes; written under the lock only.
        let accepted = Tally()
        /// Messages ever consumed and their bytes; written by whoever has the turn only.
        let consumed = Tally()
        /// Bytes of EXIT, LINK_DOWN and CANCEL that nobody received yet.
        let queuedEventBytes = Atomic<Int>(0)
        /// Bytes of answers that it waits for and has not taken yet.
        let queuedReplyBytes = Atomic<Int>(0)
        /// Time on a worker in the turns that are over; as `ProcessLimits.cpuNanoseconds`.
        ///
        /// Pairs: a release store by whoever has the turn; an acquire load before `turnStartedAt` is
        /// read (`usedNanoseconds`).
        let cpuNanoseconds = Atomic<UInt64>(0)
        /// When the present turn began (monotonic nanoseconds); zero between turns.
        let turnStartedAt = Atomic<UInt64>(0)
        /// The worker that runs it now, plus one; zero for none.
        ///
        /// A hint for interrupts only.
        let workerHint = Atomic<Int>(0)
        let guarded = Mutex(Guarded())
        /// What the turn runs, and its CPU limit, as in `guarded`: for whoever has the turn.
        ///
        /// Written before the process's first turn and at its end, by whoever has it then.
        var turnBody: (any Runnable)?
        var turnCPULimit: UInt64 = 0

        init(slot: Int) {
            self.slot = slot
        }
    }

    /// Messages and their bytes, counted up by one writer at a time: no read-modify-write is needed.
    struct Tally: ~Copyable {
        let messages = Atomic<Int>(0)
        let bytes = Atomic<Int>(0)

        func add(bytes count: Int) {
            messages.store(messages.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            bytes.store(bytes.load(ordering: .relaxed) &+ count, ordering: .relaxed)
        }

        func reset() {
            messages.store(0, ordering: .relaxed)
            bytes.store(0, ordering: .relaxed)
        }
    }

    /// What the slot holds, in place.
    var fields: Fields { _read { yield unsafe address.pointee } }

    package var slot: Int { fields.slot }

    /// Runs `action` with what the lock guards.
    func withLock<R: ~Copyable>(_ action: (inout sending Guarded) -> sending R) -> sending R {
        fields.guarded.withLock(action)
    }

    var turnBody: (any Runnable)? {
        get { fields.turnBody }
        nonmutating set { unsafe address.pointee.turnBody = newValue }
    }

    var turnCPULimit: UInt64 {
        get { fields.turnCPULimit }
        nonmutating set { unsafe address.pointee.turnCPULimit = newValue }
    }

    /// Messages waiting in the mailbox; exact for whoever holds the lock or the turn.
    ///
    /// Both sides only count up, the consumer behind the sender: another thread may see a consumption
    /// before the arrival it follows, so what it reads is cut at zero.
    package var queuedMessages: Int {
        let gone = fields.consumed.messages.load(ordering: .relaxed)
        return max(0, fields.accepted.messages.load(ordering: .relaxed) &- gone)
    }

    /// Bytes of the messages waiting in the mailbox; as `queuedMessages`.
    package var queuedBytes: Int {
        let gone = fields.consumed.bytes.load(ordering: .relaxed)
        return max(0, fields.accepted.bytes.load(ordering: .relaxed) &- gone)
    }

    package enum Phase: Equatable {
        case free
        /// Being made: has its pid, but nothing reaches it yet.
        case starting
        case alive
        /// Its end is decided but not yet carried out: no longer routable.
        case dying
    }

    struct Guarded: ~Copyable {
        var phase = Phase.free
        var generation: UInt64 = 0
        var pid: PID?
        /// Why it must end, where somebody decided that; the first decision stands.
        var doom: ExitReason?
        var body: (any Runnable)?
        var incoming = SignalQueue()
        var names: [String] = []
        var links = PIDSet()
        var monitors = PIDSet()
        var watchers = PIDSet()
        var exitWaiters: [ExitWaiter] = []
        var trapLinks = false
        /// Whether a `Port` holds the slot: not counted, listed or told of as processes are.
        var isPort = false
        var limits = ProcessLimits()
        var entry = ""
        var host = ""
        var parent: PID?
        var startedAt: UInt64 = 0
        var lifetimeTimer: TimerKey?
    }
}

/// Somebody outside every process who wants to know of an exit.
struct ExitWaiter {
    let id: UInt64
    let notify: @Sendable (ExitRecord) -> Void
}
