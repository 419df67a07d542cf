@testable import ProcessRuntime

extension Law {
    /// P and X: processes, timers and what the outside sees.
    ///
    /// P2 (one thread at a time) has no meaning on one thread: the tests in Threads have it.
    static let processes = [
        Law("P1", "a pid is never given twice") { history, law in
            var seen = Set<PID>()
            for case .spawned(let pid, _, _, _, _, _) in history.facts {
                law.require(seen.insert(pid).inserted, "\(pid.number) came again")
            }
        },
        Law("P3", "a process runs between its birth and its one end") { history, law in
            for (pid, life) in history.lives {
                law.require(life.ended.count <= 1, "\(pid.number) ended \(life.ended.count) times")
                if let born = life.born, let turn = life.firstTurn {
                    law.require(turn > born, "\(pid.number) ran before it was made")
                }
                if let end = life.ended.first, let turn = life.lastTurn {
                    law.require(turn < end, "\(pid.number) ran after its end")
                }
            }
        },
        Law("P4", "spawned is live plus exited, at all times") { history, law in
            var born = 0
            for fact in history.facts {
                switch fact {
                case .spawned: born += 1
                case .census(_, let spawned, let exited, let live):
                    law.require(
                        spawned == live + exited && spawned == born,
                        "\(born) spawns: \(spawned) = \(live) + \(exited)"
                    )
                default: break
                }
            }
        },
        Law("P5", "nobody sleeps on mail: when all is quiet all mail was seen") { history, law in
            var waiting: [PID: Int] = [:]
            for (at, fact) in history.facts.enumerated() {
                switch fact {
                case .sent(_, _, to: let pid, nil), .cancelled(_, _, to: let pid, nil):
                    waiting[pid, default: 0] += 1
                case .received(let pid, .message), .received(let pid, .cancel):
                    waiting[pid, default: 0] -= 1
                case .quiet:
                    for (pid, count) in waiting where history.isRoutable(pid, before: at) {
                        law.require(count == 0, "\(pid.number) sleeps on \(count) messages")
                    }
                default: break
                }
            }
        },
        Law("P6", "timers fire once, never early, never after they were stopped", checkTimers),
        Law("X1", "the feed has every process's life in order, without a gap") { history, law in
            var next: UInt64 = 1
            var phase: [PID: EventKind] = [:]
            for case .fed(let sequence, let kind, let pid) in history.facts {
                law.require(sequence == next, "event \(sequence) follows \(next - 1)")
                next = sequence + 1
                switch (kind, phase[pid]) {
                case (.spawn, nil): phase[pid] = .spawn
                case (.exit, .spawn): phase[pid] = .exit
                // LINK_DOWN is the dead one's event to its partner: it follows the EXIT.
                case (.linkDown, .exit): break
                case (.spawn, _), (.exit, _), (.linkDown, _), (_, nil), (_, .exit):
                    law.require(false, "\(kind) of \(pid.number) is out of place")
                default: break
                }
            }
            for (pid, life) in history.lives where next > 1 {
                let seen: EventKind? = life.ended.isEmpty ? .spawn : .exit
                law.require(phase[pid] == seen, "the feed lost the life of \(pid.number)")
            }
        },
        Law("X2", "every process ends visibly, and a killed one is gone at once") { history, law in
            for (pid, life) in history.lives where life.born != nil {
                law.require(life.ended.count == 1, "\(pid.number) has no end")
            }
            var killed = Set<PID>()
            for fact in history.facts {
                switch fact {
                case .killed(let pid, true):
                    law.require(killed.insert(pid).inserted, "\(pid.number) was killed twice")
                case .census(let snapshots, _, _, _):
                    for snapshot in snapshots {
                        law.require(!killed.contains(snapshot.pid), "a killed process is shown")
                    }
                default: break
                }
            }
        },
    ]

    @Sendable
    private static func checkTimers(_ history: History, _ law: inout Complaints) {
        struct Timer {
            let owner: PID
            let deadline: UInt64
            var isStopped = false
            var fired = 0
            /// Index of the first moment it was due.
            var dueAt: Int?
        }
        var timers: [Int: Timer] = [:]
        var now: UInt64 = 0
        for (at, fact) in history.facts.enumerated() {
            switch fact {
            case .time(let time):
                now = time
                for (number, timer) in timers where timer.dueAt == nil {
                    // A timer may be up to one tick late.
                    if timer.deadline + 1_000_000 <= now { timers[number]?.dueAt = at }
                }
            case .timerStarted(let owner, let number, let deadline):
                timers[number] = Timer(owner: owner, deadline: deadline)
            case .timerStopped(_, let number, true): timers[number]?.isStopped = true
            case .received(let pid, .timer(let number)):
                guard let timer = timers[number] else {
                    law.require(false, "timer \(number) was never started")
                    continue
                }
                law.require(timer.owner == pid, "timer \(number) went to \(pid.number)")
                law.require(now >= timer.deadline, "timer \(number) is early")
                law.require(!timer.isStopped, "timer \(number) was stopped")
                law.require(timer.fired == 0, "timer \(number) fired twice")
                timers[number]?.fired += 1
            default: break
            }
        }
        for (number, timer) in timers where !timer.isStopped && timer.fired == 0 {
            guard let due = timer.dueAt, history.isRoutable(timer.owner, before: due) else {
                continue
            }
            law.require(
                history.life(timer.owner).lastEmptied < due,
                "timer \(number) never fired"
            )
        }
    }
}
