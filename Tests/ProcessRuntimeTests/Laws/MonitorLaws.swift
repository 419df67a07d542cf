@testable import ProcessRuntime

extension Law {
    /// W: what `monitor` promises (SEMANTICS 8).
    static let monitors = [
        Law("W1", "each monitor in place at a death yields exactly one EXIT") { history, law in
            for death in history.model.deaths {
                for watcher in death.watchers {
                    let life = history.life(watcher)
                    guard life.lastEmptied > death.at else { continue }
                    law.require(
                        life.exits(of: death.pid).count == 1,
                        "\(watcher.number) missed the end of \(death.pid.number)"
                    )
                }
            }
        },
        Law("W2", "a refused monitor yields no EXIT") { history, law in
            var accepted = Set<Pair>()
            var refused = Set<Pair>()
            for fact in history.facts {
                switch fact {
                case .monitored(let target, let watcher, nil):
                    accepted.insert(Pair(watcher, target))
                case .monitored(let target, let watcher, _):
                    refused.insert(Pair(watcher, target))
                case .spawned(let pid, by: let parent?, let ties, _, _, _):
                    if ties.contains(.monitor) { accepted.insert(Pair(parent, pid)) }
                default: break
                }
            }
            for pair in refused.subtracting(accepted) {
                law.require(
                    history.life(pair.first).exits(of: pair.second).isEmpty,
                    "\(pair.first.number) got an EXIT of \(pair.second.number)"
                )
            }
        },
        Law("W3", "monitoring the dead is an error") { history, law in
            for (at, fact) in history.facts.enumerated() {
                guard case .monitored(let target, let watcher, nil) = fact, target != watcher
                else { continue }
                law.require(
                    history.isRoutable(target, before: at),
                    "\(watcher.number) monitors the dead \(target.number)"
                )
            }
        },
        Law("W4", "an EXIT not queued at unmonitor never comes") { history, law in
            var ended = Set<PID>()
            var stopped = Set<Pair>()
            for fact in history.facts {
                switch fact {
                case .ended(let pid, _): ended.insert(pid)
                case .unmonitored(let target, let watcher) where !ended.contains(target):
                    stopped.insert(Pair(watcher, target))
                case .monitored(let target, let watcher, nil):
                    stopped.remove(Pair(watcher, target))
                case .received(let watcher, .exit(of: let target, _)):
                    law.require(
                        !stopped.contains(Pair(watcher, target)),
                        "\(watcher.number) had stopped to monitor \(target.number)"
                    )
                default: break
                }
            }
        },
        Law("W5", "a child spawned monitored yields its EXIT however soon it ends") {
            history,
            law in
            var released = Set<Pair>()
            for case .unmonitored(let target, let watcher) in history.facts {
                released.insert(Pair(watcher, target))
            }
            for case .spawned(let child, by: let parent?, let ties, _, _, _) in history.facts {
                guard ties.contains(.monitor), !released.contains(Pair(parent, child)),
                    let end = history.life(child).ended.first,
                    history.life(parent).lastEmptied > end
                else { continue }
                law.require(
                    history.life(parent).exits(of: child).count == 1,
                    "\(parent.number) missed its child \(child.number)"
                )
            }
        },
        Law("W6", "all watchers of a death are told the same, result or error") { history, law in
            for (watcher, life) in history.lives {
                for case (_, .exit(of: let target, let outcome)) in life.mail {
                    guard let reason = history.life(target).reason else { continue }
                    law.require(
                        outcome == Mail.Outcome(reason)
                            && (outcome.result == nil || outcome.error == nil),
                        "\(watcher.number) was told \(outcome) of \(target.number)"
                    )
                }
            }
        },
        Law("W7", "monitoring twice adds no second EXIT") { history, law in
            for (watcher, life) in history.lives {
                var seen = Set<PID>()
                for case (_, .exit(of: let target, _)) in life.mail {
                    law.require(
                        seen.insert(target).inserted,
                        "\(watcher.number) got two EXITs of \(target.number)"
                    )
                }
            }
        },
        Law("W8", "a dead watcher leaves no entry behind") { history, law in
            for (at, snapshots) in history.censuses {
                for snapshot in snapshots {
                    for watcher in snapshot.monitoredBy {
                        law.require(
                            history.life(watcher).ended.allSatisfy { $0 > at },
                            "\(snapshot.pid.number) is monitored by the dead \(watcher.number)"
                        )
                    }
                }
            }
        },
        Law("W9", "whoever saw an EXIT finds that process dead for good") { history, law in
            var seen = Set<PID>()
            for fact in history.facts {
                switch fact {
                case .received(let pid, let mail):
                    law.require(!seen.contains(pid), "\(pid.number) receives after its EXIT")
                    if case .exit(of: let target, _) = mail { seen.insert(target) }
                case .turn(let pid):
                    law.require(!seen.contains(pid), "\(pid.number) runs after its EXIT")
                case .sent(_, _, to: let pid, nil):
                    law.require(!seen.contains(pid), "\(pid.number) got mail after its EXIT")
                case .lookedUp(_, let pid?):
                    law.require(!seen.contains(pid), "\(pid.number) has a name after its EXIT")
                case .census(let snapshots, _, _, _):
                    for snapshot in snapshots {
                        law.require(!seen.contains(snapshot.pid), "an exited process is shown")
                    }
                default: break
                }
            }
        },
    ]
}

/// Two pids in an order that matters.
struct Pair: Hashable {
    let first: PID
    let second: PID

    init(_ first: PID, _ second: PID) {
        self.first = first
        self.second = second
    }

    /// The same two in the order of their numbers, for relations that have no direction.
    static func unordered(_ one: PID, _ other: PID) -> Pair {
        one.number < other.number ? Pair(one, other) : Pair(other, one)
    }
}
