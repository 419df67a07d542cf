import Glibc
import Payload
import Posix
import Synchronization
import Testing

@testable import ProcessRuntime

/// The system's clocks.
struct SystemClock: RuntimeClock {
    func now() -> UInt64 { SystemTime.monotonicNanoseconds() }
    func wall() -> UInt64 { SystemTime.wallNanoseconds() }
}

/// What a worker's interruptible part is where no Lua is.
///
/// A body that stands for a long-running script calls `begin`, polls `isInterrupted`, calls `end`.
final class PolledContext: WorkerContext {
    private let run = Atomic<UInt64>(0)
    private let interrupted = Atomic<UInt64>(0)
    /// Called with each look at the serial.
    private let onLook: @Sendable () -> Void

    init(onLook: @escaping @Sendable () -> Void = {}) {
        self.onLook = onLook
    }

    var serial: UInt64 {
        defer { onLook() }
        return run.load(ordering: .acquiring)
    }

    func interrupt(_ serial: UInt64) {
        interrupted.store(serial, ordering: .releasing)
    }

    func begin() { run.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    func end() { run.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    var isInterrupted: Bool {
        interrupted.load(ordering: .acquiring) == run.load(ordering: .acquiring)
    }
}

/// Worker threads with a runtime.
final class Crew: Sendable {
    let pool: WorkerPool
    let runtime: Runtime

    convenience init(
        workers: Int,
        processes: Int = 1_000,
        events: Int = 1_024,
        makeContext: @escaping @Sendable () -> any WorkerContext = { PolledContext() }
    ) {
        let pool = WorkerPool(count: workers, makeContext: makeContext)
        self.init(pool: pool, processes: processes, events: events)
    }

    init(pool: WorkerPool, processes: Int = 1_000, events: Int = 1_024) {
        var configuration = Runtime.Configuration()
        configuration.processesMax = processes
        configuration.eventsMax = events
        configuration.exitsMax = processes
        configuration.namesPerProcessMax = 3
        self.pool = pool
        runtime = Runtime(configuration, clock: SystemClock(), dispatcher: pool)
        pool.start(runtime)
    }

    /// Runs `body` with a crew, and stops its threads.
    static func with<R>(
        workers: Int,
        processes: Int = 1_000,
        events: Int = 1_024,
        _ body: (Crew) throws -> R
    ) rethrows -> R {
        let crew = Crew(workers: workers, processes: processes, events: events)
        defer { crew.pool.stop() }
        return try body(crew)
    }

    /// Waits until everybody has ended; false when that takes longer than `seconds`.
    func everybodyEnds(within seconds: Double = 60) -> Bool {
        wait(within: seconds) { runtime.counts.live == 0 }
    }
}

/// Waits for a condition that other threads bring about, looking again and again.
///
/// The deadline is only for a broken runtime: it is far longer than anything takes.
func wait(within seconds: Double = 60, until condition: () -> Bool) -> Bool {
    let end = SystemTime.monotonicNanoseconds() + UInt64(seconds * 1e9)
    let pace = Parker()
    var looks = 0
    while !condition() {
        if SystemTime.monotonicNanoseconds() > end { return false }
        looks += 1
        if looks < 100 {
            sched_yield()
        } else {
            // Leaves the processors to those who are waited for.
            pace.park(until: SystemTime.monotonicNanoseconds() + 200_000)
        }
    }
    return true
}

/// A process of the thread tests: takes each signal out of its mailbox and shows it to a closure.
final class Listener: Runnable {
    private struct State: ~Copyable {
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        var pid: PID?
    }

    /// What the closure wants next.
    enum Answer {
        case goOn
        case end(ExitReason)
    }

    private let runtime: Runtime
    private let state = Mutex(State())
    private let isRunning = Atomic<Bool>(false)
    private let onStart: @Sendable (PID) -> Answer
    private let onMail: @Sendable (PID, Mail) -> Answer
    private let isStarted = Atomic<Bool>(false)
    let discards = Atomic<Int>(0)
    /// Turns that began while another one of the same process was under way (law P2).
    let overlaps = Atomic<Int>(0)

    init(
        _ runtime: Runtime,
        onStart: @escaping @Sendable (PID) -> Answer = { _ in .goOn },
        onMail: @escaping @Sendable (PID, Mail) -> Answer = { _, _ in .goOn }
    ) {
        self.runtime = runtime
        self.onStart = onStart
        self.onMail = onMail
    }

    func spawned(as pid: PID, in block: ControlBlock) {
        state.withLock { $0.pid = pid }
    }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        if isRunning.exchange(true, ordering: .acquiring) {
            overlaps.wrappingAdd(1, ordering: .relaxed)
        }
        defer { isRunning.store(false, ordering: .releasing) }
        return state.withLock { state in
            guard let pid = state.pid else { return .waiting }
            if !isStarted.exchange(true, ordering: .relaxed) {
                if case .end(let reason) = onStart(pid) { return .ended(reason) }
            }
            runtime.drain(process, into: &state.queue, numberingFrom: &state.sequence)
            while let signal = state.queue.popFirst() {
                if signal.kind == .message {
                    runtime.consumed(process, bytes: signal.byteCount)
                }
                guard let mail = Mail(signal) else { continue }
                if case .end(let reason) = onMail(pid, mail) { return .ended(reason) }
            }
            return .waiting
        }
    }

    func discard() { discards.wrappingAdd(1, ordering: .relaxed) }
    func requestDeath() {}
    var memoryBytes: Int { 0 }
    func describe() -> RunnableDescription { RunnableDescription() }
}

extension Runtime {
    /// Starts a timer whose signal goes to nobody: all it does is to fire.
    func startTimer(forNobodyAt deadline: UInt64) -> TimerKey {
        startTimer(for: PID(slot: PID.slotMax, generation: 0), number: 0, at: deadline)
    }

    /// Starts a timer for each of the timekeeper's next `ticks` ticks.
    func startTimers(ticks: UInt64) {
        for tick in 1...ticks {
            _ = startTimer(forNobodyAt: clock.now() + tick * Timekeeper.tickNanoseconds)
        }
    }

    /// Sends a message that is only a number; false when it was refused.
    @discardableResult
    func send(_ number: Int, from sender: PID? = nil, to receiver: PID) -> Bool {
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(Int64(number))
        let signal = Signal(.message, from: sender, written: writer)
        do throws(RuntimeFault) {
            try send(signal, to: receiver)
            return true
        } catch {
            return false
        }
    }
}
