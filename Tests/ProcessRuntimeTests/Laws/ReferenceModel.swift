@testable import ProcessRuntime

/// The rules of processes in the plainest form there is, replayed over a history.
///
/// Dictionaries and arrays, no locks, no scheduler, nothing shared with the runtime. It knows after
/// each fact who is routable, who is tied to whom, who has which name and what lies in each mailbox,
/// and compares every answer the runtime gave with the only right one. What does not fit is a
/// mismatch. It also notes for the laws when each process was gone and whom each death concerned.
struct ReferenceModel {
    struct Process {
        var limits = ProcessLimits()
        var links: [PID] = []
        var monitors: [PID] = []
        var traps = false
        var mailbox: [Mail] = []
        /// Decided but perhaps not carried out.
        var doom: ExitReason?
        var isRoutable: Bool { doom == nil }
        var queuedMessages: Int {
            mailbox.count { if case .message = $0 { true } else { false } }
        }
    }

    /// A death as it was carried out, and whom it had to be told.
    struct Death {
        let pid: PID
        /// Index of its `ended` fact.
        let at: Int
        let reason: ExitReason
        /// Routable watchers.
        var watchers: [PID] = []
        /// Routable partners and whether they trapped links.
        var partners: [(pid: PID, traps: Bool)] = []
    }

    private enum TimerAct: Equatable {
        case signal(PID, Int)
        case lifetime(PID)
        case terminate(PID)
    }

    /// Living and dying processes.
    private var processes: [PID: Process] = [:]
    private var owners: [String: PID] = [:]
    private var timers: [(tick: UInt64, act: TimerAct)] = []
    /// Ticks below this have run.
    private var tick: UInt64 = 1_000
    private var index = 0

    /// Index of the fact since which a process is not routable.
    private(set) var gone: [PID: Int] = [:]
    private(set) var deaths: [Death] = []
    private(set) var mismatches: [String] = []

    init(_ facts: [Fact]) {
        for (index, fact) in facts.enumerated() {
            self.index = index
            replay(fact)
        }
    }

    private mutating func replay(_ fact: Fact) {
        switch fact {
        case .spawned(let pid, let parent, let ties, let name, let limits, let at):
            spawn(pid, parent, ties, name, limits, at)
        case .spawnRefused(let partner, let ties, let name, let fault):
            expect(refusals(partner, ties, name).contains(fault), "spawn was refused: \(fault)")
        case .sent(let number, let sender, let receiver, let fault):
            send(number, sender, receiver, fault)
        case .cancelled(let number, let sender, let receiver, let fault):
            let alive = isRoutable(receiver)
            expect(fault == (alive ? nil : .processNotFound), "cancel answered \(Self.word(fault))")
            if alive { processes[receiver]?.mailbox.append(.cancel(number, from: sender)) }
        case .received(let pid, let mail):
            let next = processes[pid]?.mailbox.first
            expect(next == mail, "received \(mail), due was \(Self.word(next))")
            if next != nil { processes[pid]?.mailbox.removeFirst() }
        case .emptied(let pid):
            let left = processes[pid]?.mailbox ?? []
            expect(left.isEmpty, "\(pid.number) did not get \(left)")
        case .monitored(let target, let watcher, let fault): monitor(target, watcher, fault)
        case .unmonitored(let target, let watcher):
            processes[watcher]?.monitors.removeAll { $0 == target }
        case .linked(let first, let second, let fault): link(first, second, fault)
        case .unlinked(let first, let second):
            processes[first]?.links.removeAll { $0 == second }
            processes[second]?.links.removeAll { $0 == first }
        case .trapping(let pid, let traps): processes[pid]?.traps = traps
        case .registered(let text, let pid, let isNew, let fault):
            register(text, pid, isNew, fault)
        case .unregistered(let text, let loser):
            expect(loser == owner(text), "unregister took \(text) from \(Self.word(loser))")
            owners[text] = nil
        case .lookedUp(let text, let pid):
            expect(pid == owner(text), "lookup of \(text) found \(Self.word(pid))")
        case .killed(let pid, let answer):
            expect(answer == isRoutable(pid), "kill of \(pid.number) answered \(answer)")
            condemn(pid, .terminated)
        case .turn(let pid):
            expect(processes[pid] != nil, "\(pid.number) ran after its end")
        case .returned(let pid, let reason): condemn(pid, reason)
        case .ended(let pid, let reason): end(pid, reason)
        case .timerStarted(let pid, let number, let deadline):
            add(.signal(pid, number), deadline)
        case .timerStopped(let pid, let number, let answer):
            let place = timers.firstIndex { $0.act == .signal(pid, number) }
            expect(answer == (place != nil), "stopping timer \(number) answered \(answer)")
            if let place { timers.remove(at: place) }
        case .terminateLater(let pid, let deadline): add(.terminate(pid), deadline)
        case .time(let now): pass(to: now)
        case .census(let snapshots, _, _, _): compare(snapshots)
        case .quiet, .fed: break
        }
    }

    private mutating func expect(_ fact: Bool, _ complaint: @autoclosure () -> String) {
        if !fact { mismatches.append("fact \(index): \(complaint())") }
    }

    private static func word<T>(_ value: T?) -> String {
        value.map { "\($0)" } ?? "nothing"
    }

    // MARK: Processes

    private func isRoutable(_ pid: PID) -> Bool {
        processes[pid]?.isRoutable ?? false
    }

    private mutating func spawn(
        _ pid: PID,
        _ parent: PID?,
        _ ties: Fact.Ties,
        _ text: String?,
        _ limits: ProcessLimits,
        _ at: UInt64
    ) {
        expect(processes[pid] == nil && gone[pid] == nil, "pid \(pid.number) came again")
        expect(refusals(parent, ties, text).isEmpty, "spawn was not refused")
        var process = Process()
        process.limits = limits
        if let parent, ties.contains(.link) {
            process.links.append(parent)
            processes[parent]?.links.append(pid)
        }
        if let parent, ties.contains(.monitor) { processes[parent]?.monitors.append(pid) }
        processes[pid] = process
        if let text { owners[text] = pid }
        if limits.lifetimeNanoseconds > 0 { add(.lifetime(pid), at + limits.lifetimeNanoseconds) }
    }

    /// Every fault a spawn may be refused with now.
    private func refusals(_ partner: PID?, _ ties: Fact.Ties, _ text: String?) -> [RuntimeFault] {
        var faults: [RuntimeFault] = []
        if let text, let owner = owner(text) { faults.append(.nameTaken(owner)) }
        if let partner, !ties.isEmpty, !isRoutable(partner) { faults.append(.callerDying) }
        return faults
    }

    private mutating func condemn(_ pid: PID, _ reason: ExitReason) {
        guard isRoutable(pid) else { return }
        processes[pid]?.doom = reason
        gone[pid] = index
    }

    private mutating func end(_ pid: PID, _ reason: ExitReason) {
        guard let process = processes.removeValue(forKey: pid) else {
            return expect(false, "\(pid.number) ended twice")
        }
        expect(
            process.doom == reason,
            "\(pid.number) ended by \(reason), not \(Self.word(process.doom))"
        )
        if gone[pid] == nil { gone[pid] = index }
        for (text, owner) in owners where owner == pid { owners[text] = nil }
        timers.removeAll { $0.act == .lifetime(pid) }
        var death = Death(pid: pid, at: index, reason: reason)
        for (watcher, state) in processes where state.monitors.contains(pid) {
            processes[watcher]?.monitors.removeAll { $0 == pid }
            guard state.isRoutable else { continue }
            death.watchers.append(watcher)
            processes[watcher]?.mailbox.append(.exit(of: pid, Mail.Outcome(reason)))
        }
        for (partner, state) in processes where state.links.contains(pid) {
            processes[partner]?.links.removeAll { $0 == pid }
            guard state.isRoutable else { continue }
            death.partners.append((partner, state.traps))
            guard let error = reason.error else { continue }
            if state.traps {
                processes[partner]?.mailbox.append(.linkDown(of: pid, error: error.message))
            } else {
                condemn(partner, .linked(from: pid))
            }
        }
        deaths.append(death)
    }

    // MARK: Messages and relations

    private mutating func send(
        _ number: Int,
        _ sender: PID?,
        _ receiver: PID,
        _ fault: RuntimeFault?
    ) {
        var due: RuntimeFault?
        if let process = processes[receiver], process.isRoutable {
            if process.queuedMessages >= process.limits.mailboxMessages { due = .mailboxFull }
        } else {
            due = .processNotFound
        }
        expect(fault == due, "send \(number) answered \(Self.word(fault)), not \(Self.word(due))")
        if fault == nil { processes[receiver]?.mailbox.append(.message(number, from: sender)) }
    }

    private mutating func monitor(_ target: PID, _ watcher: PID, _ fault: RuntimeFault?) {
        var due: RuntimeFault?
        if target != watcher {
            if !isRoutable(target) || !isRoutable(watcher) {
                due = .processNotFound
            } else if processes[watcher]?.monitors.contains(target) ?? false {
                due = .alreadyMonitoring
            }
        }
        expect(fault == due, "monitor answered \(Self.word(fault)), not \(Self.word(due))")
        if fault == nil && target != watcher { processes[watcher]?.monitors.append(target) }
    }

    private mutating func link(_ first: PID, _ second: PID, _ fault: RuntimeFault?) {
        let alive = isRoutable(first) && isRoutable(second)
        expect(fault == (alive ? nil : .processNotFound), "link answered \(Self.word(fault))")
        guard fault == nil, first != second,
            processes[first]?.links.contains(second) == false
        else { return }
        processes[first]?.links.append(second)
        processes[second]?.links.append(first)
    }

    // MARK: Names

    private func owner(_ text: String) -> PID? {
        guard let pid = owners[text], isRoutable(pid) else { return nil }
        return pid
    }

    private mutating func register(
        _ text: String,
        _ pid: PID,
        _ isNew: Bool,
        _ fault: RuntimeFault?
    ) {
        let owner = owner(text)
        var due: RuntimeFault?
        if let owner, owner != pid {
            due = .nameTaken(owner)
        } else if !isRoutable(pid) {
            due = .processNotFound
        } else if owner == nil && owners.count(where: { $0.value == pid }) >= 3 {
            due = .tooManyNames
        }
        expect(fault == due, "register answered \(Self.word(fault)), not \(Self.word(due))")
        expect(isNew == (due == nil && owner == nil), "register said new: \(isNew)")
        if fault == nil { owners[text] = pid }
    }

    // MARK: Time

    private mutating func add(_ act: TimerAct, _ deadline: UInt64) {
        timers.append((max((deadline + 999_999) / 1_000_000, tick), act))
    }

    private mutating func pass(to now: UInt64) {
        let last = now / 1_000_000
        // Earlier ticks first, and within a tick in the order they were made.
        let due = timers.filter { $0.tick <= last }.enumerated().sorted {
            ($0.element.tick, $0.offset) < ($1.element.tick, $1.offset)
        }
        timers.removeAll { $0.tick <= last }
        tick = max(tick, last + 1)
        for (_, timer) in due {
            switch timer.act {
            case .signal(let pid, let number):
                if isRoutable(pid) { processes[pid]?.mailbox.append(.timer(number)) }
            case .lifetime(let pid): condemn(pid, .limit(.lifetime))
            case .terminate(let pid): condemn(pid, .terminated)
            }
        }
    }

    // MARK: The whole state

    private mutating func compare(_ snapshots: [ProcessSnapshot]) {
        let alive = processes.filter { $0.value.isRoutable }
        expect(
            Set(snapshots.map(\.pid)) == Set(alive.keys),
            "the census shows \(snapshots.count) processes, not \(alive.count)"
        )
        for snapshot in snapshots {
            guard let process = processes[snapshot.pid] else { continue }
            let who = snapshot.pid.number
            expect(snapshot.mailboxMessages == process.queuedMessages, "\(who): mailbox")
            expect(snapshot.trapLinks == process.traps, "\(who): trap_links")
            expect(Set(snapshot.links) == Set(process.links), "\(who): links")
            expect(Set(snapshot.monitors) == Set(process.monitors), "\(who): monitors")
            let watchers = processes.filter { $0.value.monitors.contains(snapshot.pid) }.keys
            expect(Set(snapshot.monitoredBy) == Set(watchers), "\(who): monitored by")
            let names = owners.filter { $0.value == snapshot.pid }.keys
            expect(Set(snapshot.names) == Set(names), "\(who): names")
        }
    }
}
