import Glibc
import Payload
import Posix
import Synchronization
import Testing

@testable import ProcessRuntime

/// The races that break naive runtimes (RELIABILITY D, R), provoked on real threads.
@Suite(.serialized) struct RaceTests {
    /// R6, R16, W1, N3: a chain of 1,000 linked processes, each with a name and a watcher.
    @Test(arguments: [2, 8])
    func `the first of a chain fails and all are gone, each EXIT once, no name left`(
        _ workers: Int
    ) throws {
        let count = 1_000
        for _ in 0..<Settings.runs {
            try Crew.with(workers: workers, processes: count + 10) { crew in
                let runtime = crew.runtime
                let seen = Mutex<[PID: Int]>([:])
                let stale = Atomic<Int>(0)
                let names = Mutex<[PID: String]>([:])
                let watcher = Listener(runtime) { _ in
                    .goOn
                } onMail: { _, mail in
                    guard case .exit(of: let pid, _) = mail else { return .goOn }
                    seen.withLock { $0[pid, default: 0] += 1 }
                    let name = names.withLock { $0[pid] ?? "" }
                    if runtime.lookup(name) != nil || runtime.isAlive(pid)
                        || runtime.send(1, to: pid)
                    {
                        stale.wrappingAdd(1, ordering: .relaxed)
                    }
                    return .goOn
                }
                let watcherPID = try runtime.spawn(.plain, running: watcher)
                var chain: [PID] = []
                for index in 0..<count {
                    var request = SpawnRequest.plain
                    request.name = "member-\(index)"
                    request.linkedTo = chain.last
                    request.monitoredBy = watcherPID
                    let pid = try runtime.spawn(request, running: Listener(runtime))
                    names.withLock { $0[pid] = "member-\(index)" }
                    chain.append(pid)
                }
                let first = chain[0]
                runtime.kill(first, .error(ErrorValue(message: "broken")))
                #expect(wait { runtime.counts.live == 1 })
                #expect(wait { seen.withLock { $0.count } == count })
                #expect(seen.withLock { $0.values.allSatisfy { $0 == 1 } })
                let found = stale.load(ordering: .relaxed)
                #expect(found == 0)
                #expect(runtime.allNames().isEmpty)
                #expect(watcher.overlaps.load(ordering: .relaxed) == 0)
                for (pid, before) in zip(chain.dropFirst(), chain) {
                    #expect(runtime.exitRecord(of: pid)?.reason == .linked(from: before))
                }
            }
        }
    }

    /// R1, W4: Erlang's demonitor race, 100 groups of 100.
    ///
    ///     target              watcher
    ///     ends                monitors
    ///                         stops monitoring, empties its mailbox
    ///     EXIT is sent        must not get it any more
    @Test func `after unmonitor and a look into the mailbox no EXIT comes`() throws {
        let (groups, members) = (100, 100)
        try Crew.with(workers: 4, processes: groups * (members + 1) + 10) { crew in
            let runtime = crew.runtime
            let late = Atomic<Int>(0)
            let missing = Atomic<Int>(0)
            let done = Atomic<Int>(0)
            for group in 0..<groups {
                let target = try runtime.spawn(.plain, running: Listener(runtime))
                for member in 0..<members {
                    let watcher = DemonitorRacer(
                        runtime,
                        target,
                        stops: member % 2 == 0,
                        luck: Luck(seed: UInt64(group * members + member))
                    ) { wasLate, wasMissing in
                        if wasLate { late.wrappingAdd(1, ordering: .relaxed) }
                        if wasMissing { missing.wrappingAdd(1, ordering: .relaxed) }
                        done.wrappingAdd(1, ordering: .releasing)
                    }
                    let pid = try runtime.spawn(.plain, running: watcher)
                    if member == members / 2 { runtime.kill(target, .terminated) }
                    // The last look: every EXIT that will ever come is there by then.
                    let wait = runtime.waitForExit(of: target) { _ in runtime.send(1, to: pid) }
                    if case .ended = wait { runtime.send(1, to: pid) }
                }
            }
            #expect(wait { done.load(ordering: .acquiring) == groups * members })
            let (lateCount, missingCount) = (
                late.load(ordering: .relaxed), missing.load(ordering: .relaxed)
            )
            #expect(lateCount == 0 && missingCount == 0)
        }
    }

    /// R4, N1, N2, N6: register against exit against lookup.
    @Test func `a name belongs to one, and never to somebody whose EXIT was seen`() throws {
        try Crew.with(workers: 4, processes: 400) { crew in
            let runtime = crew.runtime
            let wins = Atomic<Int>(0)
            let held = Atomic<Int>(0)
            let broken = Atomic<Int>(0)
            let rounds = 4_000
            // Looks the name up, monitors who has it, and checks again when that one has ended.
            let looker = Listener(runtime) { _ in
                .goOn
            } onMail: { own, mail in
                switch mail {
                case .message:
                    if let owner = runtime.lookup("prize") {
                        try? runtime.monitor(owner, by: own)
                    }
                case .exit(of: let pid, _):
                    if runtime.lookup("prize") == pid { broken.wrappingAdd(1, ordering: .relaxed) }
                default: break
                }
                return .goOn
            }
            let lookerPID = try runtime.spawn(.plain, running: looker)
            for round in 0..<rounds {
                // Each tries once; a winner holds the prize until it ends, at once.
                let contender = Listener(runtime) { own in
                    let isWinner = (try? runtime.register("prize", for: own)) ?? false
                    if isWinner {
                        wins.wrappingAdd(1, ordering: .relaxed)
                        if held.exchange(1, ordering: .acquiring) == 1 {
                            broken.wrappingAdd(1, ordering: .relaxed)
                        }
                        if runtime.lookup("prize") != own {
                            broken.wrappingAdd(1, ordering: .relaxed)
                        }
                        held.store(0, ordering: .releasing)
                    }
                    return .end(.normal(.nothing))
                }
                while (try? runtime.spawn(.plain, running: contender)) == nil { sched_yield() }
                if round % 3 == 0 { runtime.send(1, to: lookerPID) }
            }
            #expect(wait { runtime.counts.live == 1 })
            #expect(runtime.lookup("prize") == nil && runtime.allNames().isEmpty)
            let (won, wrong) = (wins.load(ordering: .relaxed), broken.load(ordering: .relaxed))
            #expect(won > 0 && wrong == 0)
            // The registry keeps nothing of the dead.
            #expect(runtime.names.all().isEmpty)
        }
    }

    /// N5 and a claim meanwhile: the registry and the process never disagree afterwards.
    ///
    ///     thread 1                    thread 2
    ///     unregister: frees the name
    ///                                 registers it anew
    ///     removes it from the process's own list, the new entry too
    @Test func `the registry and the process agree after unregister and register at once`() throws {
        try Crew.with(workers: 1, processes: 10) { crew in
            let runtime = crew.runtime
            let rounds = 1_000 * Settings.runs
            let pid = try runtime.spawn(.plain, running: Listener(runtime))
            let begun = Atomic<Int>(0)
            let done = Atomic<Int>(0)
            let other = PosixThread(name: "names", stackBytes: 1 << 20) {
                for round in 1...rounds {
                    while begun.load(ordering: .acquiring) < round { sched_yield() }
                    // A lost entry stays lost: later calls find the name registered.
                    for _ in 0..<40 { _ = try? runtime.register("x", for: pid) }
                    done.store(round, ordering: .releasing)
                }
            }
            var disagreements = 0
            let luck = Luck(seed: 1)
            for round in 1...rounds {
                _ = try runtime.register("x", for: pid)
                begun.store(round, ordering: .releasing)
                for _ in 0..<luck.below(400) { _ = done.load(ordering: .relaxed) }
                runtime.unregister("x")
                while done.load(ordering: .acquiring) < round { sched_yield() }
                let names = runtime.snapshot(pid)?.names
                if names != (runtime.names.find("x") == pid ? ["x"] : []) { disagreements += 1 }
            }
            other.join()
            #expect(disagreements == 0)
            runtime.kill(pid, .terminated)
            #expect(crew.everybodyEnds())
            #expect(runtime.names.all().isEmpty)
        }
    }

    /// R8, P3: return, error and several kills at once are one exit.
    @Test func `however many end a process at once, it ends once`() throws {
        try Crew.with(workers: 4, processes: 200) { crew in
            let runtime = crew.runtime
            let told = Atomic<Int>(0)
            let answered = Atomic<Int>(0)
            let rounds = 300 * Settings.runs
            var bodies: [Listener] = []
            let current = Atomic<UInt64>(0)
            let stop = Atomic<Bool>(false)
            let killers = (0..<2).map { index in
                PosixThread(name: "killer-\(index)", stackBytes: 1 << 20) {
                    while !stop.load(ordering: .acquiring) {
                        guard let pid = PID(number: current.load(ordering: .acquiring)) else {
                            continue
                        }
                        if runtime.kill(pid, .terminated) {
                            answered.wrappingAdd(1, ordering: .relaxed)
                        }
                    }
                }
            }
            for round in 0..<rounds {
                let body = Listener(runtime) { pid in
                    current.store(pid.number, ordering: .releasing)
                    return .goOn
                } onMail: { _, _ in
                    .end(round % 2 == 0 ? .normal(.nothing) : .error(ErrorValue(message: "x")))
                }
                bodies.append(body)
                let pid = try runtime.spawn(.plain, running: body)
                switch runtime.waitForExit(
                    of: pid,
                    { _ in told.wrappingAdd(1, ordering: .relaxed) }
                )
                {
                case .ended: told.wrappingAdd(1, ordering: .relaxed)
                case .pending: break
                case .unknown: Issue.record("a process that was made is unknown")
                }
                runtime.send(1, to: pid)
                #expect(wait { !runtime.isAlive(pid) })
            }
            #expect(crew.everybodyEnds())
            stop.store(true, ordering: .releasing)
            for killer in killers { killer.join() }
            #expect(wait { told.load(ordering: .relaxed) == rounds })
            #expect(bodies.allSatisfy { $0.discards.load(ordering: .relaxed) == 1 })
            #expect(bodies.allSatisfy { $0.overlaps.load(ordering: .relaxed) == 0 })
            #expect(runtime.counts.exited == UInt64(rounds))
            #expect(answered.load(ordering: .relaxed) <= rounds)
        }
    }

    /// R7, P5: a lost wake-up would stop the game for ever.
    @Test(arguments: [1, 2, 4])
    func `a ping-pong of 100,000 rounds goes on to its end`(_ workers: Int) throws {
        try Crew.with(workers: workers, processes: 10) { crew in
            let runtime = crew.runtime
            let rounds = 100_000
            let reached = Atomic<Int>(0)
            func player() -> Listener {
                Listener(runtime) { _ in
                    .goOn
                } onMail: { own, mail in
                    guard case .message(let number, let other) = mail else { return .goOn }
                    reached.store(number, ordering: .releasing)
                    if number < rounds, let other { runtime.send(number + 1, from: own, to: other) }
                    return .goOn
                }
            }
            let first = try runtime.spawn(.plain, running: player())
            let second = try runtime.spawn(.plain, running: player())
            runtime.send(1, from: second, to: first)
            #expect(wait { reached.load(ordering: .acquiring) == rounds })
        }
    }

    /// R2, R13: both ends of links and monitors at once, in both orders, while they end.
    @Test func `links and monitors made from both ends at once never lock up`() throws {
        try Crew.with(workers: 4, processes: 100) { crew in
            let runtime = crew.runtime
            for round in 0..<200 * Settings.runs {
                let pids = try (0..<2).map { _ in
                    try runtime.spawn(.plain, running: Listener(runtime))
                }
                let threads = (0..<2).map { side in
                    PosixThread(name: "side", stackBytes: 1 << 20) {
                        let (own, other) = (pids[side], pids[1 - side])
                        for _ in 0..<20 {
                            try? runtime.link(own, other)
                            try? runtime.monitor(other, by: own)
                            runtime.unlink(own, other)
                            runtime.unmonitor(other, by: own)
                        }
                        try? runtime.monitor(other, by: own)
                        if round % 2 == 0 { try? runtime.link(own, other) }
                        runtime.kill(own, .terminated)
                    }
                }
                for thread in threads { thread.join() }
                #expect(crew.everybodyEnds())
            }
        }
    }

    /// R12, L7, W5: the parent dies while it spawns.
    @Test func `a child tied to a dying parent is refused or fails with it`() throws {
        try Crew.with(workers: 4, processes: 100) { crew in
            let runtime = crew.runtime
            for _ in 0..<300 * Settings.runs {
                let parent = try runtime.spawn(.plain, running: Listener(runtime))
                let killer = PosixThread(name: "killer", stackBytes: 1 << 20) {
                    runtime.kill(parent, .terminated)
                }
                for index in 0..<10 {
                    var request = SpawnRequest.plain
                    request.linkedTo = parent
                    request.monitoredBy = parent
                    if index % 2 == 0 { request.name = "child" }
                    _ = try? runtime.spawn(request, running: Listener(runtime))
                }
                killer.join()
                #expect(crew.everybodyEnds())
                #expect(runtime.names.all().isEmpty)
            }
        }
    }

    /// R9, P6: a timer against its stop against the owner's end.
    @Test func `a stopped timer is silent, one that fired is not early`() throws {
        try Crew.with(workers: 2, processes: 100) { crew in
            let runtime = crew.runtime
            let deadlines = Mutex<[Int: UInt64]>([:])
            let fired = Mutex<[Int: Int]>([:])
            let early = Atomic<Int>(0)
            let owner = Listener(runtime) { _ in
                .goOn
            } onMail: { _, mail in
                guard case .timer(let number) = mail else { return .goOn }
                let deadline = deadlines.withLock { $0[number] ?? .max }
                if runtime.clock.now() < deadline { early.wrappingAdd(1, ordering: .relaxed) }
                fired.withLock { $0[number, default: 0] += 1 }
                return .goOn
            }
            let pid = try runtime.spawn(.plain, running: owner)
            var stopped = Set<Int>()
            let luck = Luck(seed: 5)
            var keys: [(Int, TimerKey)] = []
            for number in 0..<2_000 {
                let deadline = runtime.clock.now() + UInt64(luck.below(3_000_000))
                deadlines.withLock { $0[number] = deadline }
                keys.append(
                    (number, runtime.startTimer(for: pid, number: Int64(number), at: deadline))
                )
                if luck.below(2) == 0 {
                    let (victim, key) = keys[luck.below(keys.count)]
                    if runtime.stopTimer(key) { stopped.insert(victim) }
                }
            }
            #expect(wait { fired.withLock { $0.count } == 2_000 - stopped.count })
            #expect(runtime.pendingTimers == 0)
            let early0 = early.load(ordering: .relaxed)
            #expect(early0 == 0)
            fired.withLock { fired in
                #expect(fired.values.allSatisfy { $0 == 1 })
                #expect(stopped.isDisjoint(with: fired.keys))
            }
        }
    }
}

/// A watcher of the demonitor race.
///
/// First turn: monitors, and maybe stops that again and empties its mailbox. When a message says that
/// the target's exit is carried out, it looks once more and reports.
private final class DemonitorRacer: Runnable {
    private struct State: ~Copyable {
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        var pid: PID?
        var isTied = false
        var hasStopped = false
        var exits = 0
        var isDone = false
    }

    private let runtime: Runtime
    private let target: PID
    private let stops: Bool
    private let luck: Luck
    private let report: @Sendable (_ wasLate: Bool, _ wasMissing: Bool) -> Void
    private let state = Mutex(State())
    private let isStarted = Atomic<Bool>(false)

    init(
        _ runtime: Runtime,
        _ target: PID,
        stops: Bool,
        luck: Luck,
        _ report: @escaping @Sendable (Bool, Bool) -> Void
    ) {
        self.runtime = runtime
        self.target = target
        self.stops = stops
        self.luck = luck
        self.report = report
    }

    func spawned(as pid: PID, in block: ControlBlock) {
        state.withLock { $0.pid = pid }
    }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        state.withLock { state in
            guard let pid = state.pid else { return .waiting }
            if !isStarted.exchange(true, ordering: .relaxed) {
                state.isTied = (try? runtime.monitor(target, by: pid)) != nil
                for _ in 0..<luck.below(4) { sched_yield() }
                if stops {
                    runtime.unmonitor(target, by: pid)
                    state.hasStopped = true
                    // What is queued already may stay; it is taken out and forgotten.
                    var isOver = false
                    look(process, &state, &isOver)
                    state.exits = 0
                    if isOver { finish(&state) }
                    return .waiting
                }
            }
            var isOver = false
            look(process, &state, &isOver)
            if isOver { finish(&state) }
            return .waiting
        }
    }

    private func look(_ process: ControlBlock, _ state: inout State, _ isOver: inout Bool) {
        runtime.drain(process, into: &state.queue, numberingFrom: &state.sequence)
        while let signal = state.queue.popFirst() {
            if signal.kind == .message { isOver = true }
            if signal.kind == .exit { state.exits += 1 }
        }
    }

    private func finish(_ state: inout State) {
        guard !state.isDone else {
            // A later turn: only a late EXIT could bring something new.
            if state.hasStopped && state.exits > 0 { report(true, false) }
            return
        }
        state.isDone = true
        let due = state.isTied && !state.hasStopped ? 1 : 0
        report(state.exits > due, state.exits < due)
    }

    func discard() {}
    func requestDeath() {}
    var memoryBytes: Int { 0 }
    func describe() -> RunnableDescription { RunnableDescription() }
}
