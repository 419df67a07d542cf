// One thread that owns sockets: waits for readiness, runs what is due, and never blocks elsewhere.
//
// An iteration:
// 1. wait in the poller: until something is ready, the next deadline, or one second has passed;
// 2. store the progress stamp (liveness reads it);
// 3. serve the ready sockets, each settled (flushed, re-registered) before the next;
// 4. run the jobs other threads left;
// 5. tell those whose deadline has come;
// 6. settle what was touched meanwhile, or the first of it: whoever has much to do goes on in the
//    next iteration, after those whose sockets have become ready.
//
// Other threads leave a job in the inbox; the first into an empty inbox raises the eventfd. The
// loop empties the whole inbox, so one raise is enough for any number of jobs.
//
// Split by who touches it: `inbox`, `wakeUp`, `progressStamp`, `thread` are for all threads; everything
// else belongs to the loop thread.

import HTTP
import Posix
import Synchronization

/// Something registered with a loop; all calls come on the loop's thread.
protocol Pollable: AnyObject {
    var token: PollToken { get }
    /// The earliest moment asked of the heap and not yet come; the loop's bookkeeping.
    var scheduledAt: UInt64 { get set }
    /// When `deadlineReached` is wanted; nil for never.
    var deadline: UInt64? { get }
    func ready(_ readiness: Readiness)
    func deadlineReached()
    /// Does what is left to do after a change; called after every event, job and deadline.
    func settle()
}

/// What another thread asks of a loop.
enum LoopJob: Sendable {
    /// `since`: when the handler got the request, in monotonic nanoseconds.
    case respond(PollToken, UInt64, Response, since: UInt64)
    case abandoned(PollToken, UInt64)
    case watchDisconnect(PollToken, UInt64, @Sendable () -> Void)
    case timer(PollToken, UInt64, nanoseconds: UInt64, @Sendable () -> Void)
    case wake(PollToken, UInt64)
    case run(@Sendable (EventLoop) -> Void)
}

/// The loop; see the file's header.
///
/// `@unchecked Sendable`: what is not atomic or locked is used by the loop thread only, from `run`
/// to its end; before the thread starts, by the one that sets it up.
@safe
final class EventLoop: @unchecked Sendable {
    // For all threads.
    private let inbox = Mutex<[LoopJob]>([])
    private let wakeUp: EventFD
    private let progressStamp = Atomic<UInt64>(0)
    private let thread = Atomic<UInt64>(0)

    // For the loop thread.
    let sockets: any SocketLayer
    private let poller: any Poller
    private let clock: @Sendable () -> UInt64
    private let wallClock: @Sendable () -> UInt64
    private let round: RoundHooks
    private(set) var now: UInt64 = 0
    private var registered: [(any Pollable)?] = []
    private var nextRegistration: UInt32 = 1
    private var deadlines = DeadlineHeap()
    private var touched: [Connection] = []
    private var jobs: [LoopJob] = []
    private var events: [PollEvent] = []
    private var stopping = false
    /// How many requests a connection may hand out before others have their turn: the fewer, the
    /// more have something to do.
    private(set) var requestsPerTurn = EventLoop.requestsPerTurnMax
    private var dateCheckedAt: UInt64 = 0
    private var dateSecond: UInt64 = .max
    private var dateField = DateField(unixSeconds: 0)
    private let wakeToken: PollToken
    /// What a connection reads into before it is parsed.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What it counts.
    let meter: LoopMeter
    /// What TLS opens a record into.
    let plainBuffer: UnsafeMutableRawBufferPointer

    /// How long the loop sleeps at most, so that its stamp shows that it lives.
    private static let tickNanoseconds: UInt64 = 1_000_000_000
    static let readBytes = 65_536
    /// How many of the touched are settled in one iteration.
    private static let settledPerRound = 64
    /// How many requests are handed out in one iteration, about: some ten milliseconds.
    private static let requestsPerRound = 1_024
    private static let requestsPerTurnMax = 32
    private static let recordBytes = 16_384

    init(
        poller: any Poller,
        labels: Int,
        sockets: any SocketLayer,
        clock: @escaping @Sendable () -> UInt64,
        wallClock: @escaping @Sendable () -> UInt64,
        round: RoundHooks = RoundHooks()
    ) throws(Errno) {
        wakeUp = try EventFD()
        self.round = round
        self.poller = poller
        meter = LoopMeter(labels: labels)
        self.sockets = sockets
        self.clock = clock
        self.wallClock = wallClock
        wakeToken = PollToken(registration: 0, descriptor: wakeUp.descriptor.number)
        unsafe readBuffer = .allocate(byteCount: Self.readBytes, alignment: 16)
        unsafe plainBuffer = .allocate(byteCount: Self.recordBytes, alignment: 16)
        now = clock()
        progressStamp.store(now, ordering: .relaxed)
        // Where this throws, the deinitialiser runs: everything is set.
        try poller.add(wakeToken, .readable)
    }

    deinit {
        unsafe readBuffer.deallocate()
        unsafe plainBuffer.deallocate()
    }

    // MARK: Any thread

    /// Monotonic nanoseconds of the latest iteration; relaxed, a stamp orders nothing.
    var progress: UInt64 { progressStamp.load(ordering: .relaxed) }

    /// Whether the caller is the loop's own thread.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == CurrentThread.number }

    /// Leaves a job for the loop thread.
    func enqueue(_ job: LoopJob) {
        let first = inbox.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        // The loop looks into the inbox before it sleeps: it need not wake itself.
        if first && !isCurrent { wakeUp.raise() }
    }

    /// Does a job at once on the loop's own thread, else leaves it there.
    func perform(_ job: LoopJob) {
        if isCurrent { run(job) } else { enqueue(job) }
    }

    // MARK: The loop thread

    /// Serves until `stop`; called once, by the thread that then is the loop's.
    func run() {
        thread.store(CurrentThread.number, ordering: .relaxed)
        while !stopping { turn() }
        closeListeners()
        for case let connection as Connection in all { connection.close() }
        // Whoever answers from now on is dropped with the loop; streams in late answers are told.
        runJobs()
        // They hold the loop.
        touched = []
    }

    /// Stops accepting and tells every connection.
    func drain() {
        closeListeners()
        for case let connection as Connection in all { connection.drain() }
    }

    /// Ends `run` after the iteration.
    func stop() { stopping = true }

    /// One iteration.
    private func turn() {
        do throws(Errno) {
            try poller.wait(&events, timeoutMilliseconds: sleepMilliseconds())
        } catch {
            // No poller of ours fails while its descriptors live; a scripted one may. The eventfd
            // keeps this from spinning.
            events.removeAll()
            _ = wakeUp.wait(timeoutMilliseconds: 10)
        }
        now = clock()
        progressStamp.store(now, ordering: .relaxed)
        let share = Self.requestsPerRound / max(1, events.count + touched.count)
        requestsPerTurn = max(2, min(Self.requestsPerTurnMax, share))
        round.begins()
        for event in events { serve(event) }
        runJobs()
        fireDeadlines()
        settleTouched()
        round.ends()
    }

    private func serve(_ event: PollEvent) {
        if event.token == wakeToken {
            wakeUp.lower()
            return
        }
        // A stale event: its descriptor was closed, and maybe reused, earlier in this batch.
        guard let pollable = self[event.token] else { return }
        pollable.ready(event.readiness)
        settle(pollable)
    }

    private func runJobs() {
        inbox.withLock { swap(&$0, &jobs) }
        for job in jobs { run(job) }
        jobs.removeAll(keepingCapacity: jobs.count < 4096)
    }

    private func run(_ job: LoopJob) {
        switch job {
        case .respond(let token, let sequence, let response, let since):
            meter.end()
            guard let connection = self[token] as? Connection else {
                meter.leave()
                return response.stopUnsent()
            }
            connection.session.complete(sequence, response, after: clock() &- since)
            connection.touch()
        case .abandoned(let token, let sequence):
            meter.end()
            guard let connection = self[token] as? Connection else { return meter.leave() }
            connection.session.abandon(sequence)
            connection.touch()
        case .watchDisconnect(let token, let sequence, let action):
            // Gone before it was asked: now is the one call.
            guard let connection = self[token] as? Connection else { return action() }
            connection.session.watchDisconnect(sequence, action)
        case .timer(let token, let sequence, let nanoseconds, let action):
            guard let connection = self[token] as? Connection else { return }
            let at = now.addingReportingOverflow(nanoseconds)
            connection.session.addTimer(sequence, at: at.overflow ? .max : at.partialValue, action)
            connection.touch()
        case .wake(let token, let sequence):
            guard let connection = self[token] as? Connection else { return }
            connection.session.wake(sequence)
            connection.touch()
        case .run(let action):
            action(self)
        }
    }

    private func fireDeadlines() {
        while let entry = deadlines.popDue(now) {
            guard let pollable = self[entry.token], pollable.scheduledAt == entry.at else {
                continue
            }
            pollable.scheduledAt = .max
            if let deadline = pollable.deadline, deadline <= now { pollable.deadlineReached() }
            settle(pollable)
        }
    }

    /// Settles what was touched first; what is touched meanwhile waits for the next iteration.
    private func settleTouched() {
        guard !touched.isEmpty else { return }
        let count = min(touched.count, Self.settledPerRound)
        for index in 0..<count {
            let connection = touched[index]
            connection.isTouched = false
            settle(connection)
        }
        touched.removeFirst(count)
    }

    private func settle(_ pollable: any Pollable) {
        pollable.settle()
        guard let deadline = pollable.deadline, deadline < pollable.scheduledAt else { return }
        pollable.scheduledAt = deadline
        deadlines.insert(DeadlineHeap.Entry(at: deadline, token: pollable.token))
    }

    /// Asks for `settle` before the loop sleeps again: see `Connection.touch`.
    func append(touched connection: Connection) { touched.append(connection) }

    private func sleepMilliseconds() -> Int32 {
        guard touched.isEmpty, inbox.withLock({ $0.isEmpty }) else { return 0 }
        let wanted = deadlines.first.map { $0.at > now ? $0.at - now : 0 } ?? .max
        // Rounded up: never early, or the loop would spin through the last millisecond.
        return Int32((min(wanted, Self.tickNanoseconds) + 999_999) / 1_000_000)
    }

    // MARK: Registration

    /// A token for `descriptor` that no earlier registration of this loop had.
    func newToken(for descriptor: Int32) -> PollToken {
        let token = PollToken(registration: nextRegistration, descriptor: descriptor)
        // 0 is the eventfd's; after 2^32 registrations a stale event would have to be as old.
        nextRegistration = nextRegistration == .max ? 1 : nextRegistration + 1
        return token
    }

    func add(_ pollable: any Pollable, _ interest: Readiness) throws(Errno) {
        let index = Int(pollable.token.descriptor)
        while registered.count <= index { registered.append(nil) }
        try poller.add(pollable.token, interest)
        registered[index] = pollable
    }

    func change(_ pollable: any Pollable, _ interest: Readiness) throws(Errno) {
        try poller.change(pollable.token, interest)
    }

    /// Forgets a registration; its descriptor is closed by the caller afterwards.
    func remove(_ pollable: any Pollable) {
        let index = Int(pollable.token.descriptor)
        guard index < registered.count, registered[index] === pollable else { return }
        registered[index] = nil
        // A failure leaves nothing to do: the close that follows ends the registration too.
        _ = try? poller.remove(pollable.token)
    }

    subscript(token: PollToken) -> (any Pollable)? {
        let index = Int(token.descriptor)
        guard index < registered.count, let pollable = registered[index],
            pollable.token == token
        else { return nil }
        return pollable
    }

    /// Everything registered now.
    var all: [any Pollable] { registered.compactMap { $0 } }

    var listeners: [Listener] = []

    /// Listens no more; also of a loop that never ran, whose listeners would keep it and themselves.
    func closeListeners() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    /// A descriptor was closed: there may be room for a connection again.
    func unparkListeners() {
        for listener in listeners { listener.unpark() }
    }

    // MARK: The Date field

    /// The Date field of an answer sent now; made once a second, looked at once an iteration.
    var date: DateField {
        if now == dateCheckedAt { return dateField }
        dateCheckedAt = now
        let second = wallClock() / 1_000_000_000
        if second != dateSecond {
            dateSecond = second
            dateField = DateField(unixSeconds: Int64(clamping: second))
        }
        return dateField
    }
}
