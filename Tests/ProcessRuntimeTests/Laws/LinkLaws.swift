@testable import ProcessRuntime

extension Law {
    /// L: what links promise (SEMANTICS 8).
    static let links = [
        Law("L1", "links are symmetric, and a second link is the same link") { history, law in
            for (_, snapshots) in history.censuses {
                let links = Dictionary(snapshots.map { ($0.pid, $0.links) }) { first, _ in first }
                for (pid, partners) in links {
                    law.require(
                        Set(partners).count == partners.count,
                        "\(pid.number) has a link twice"
                    )
                    for partner in partners {
                        law.require(
                            links[partner]?.contains(pid) ?? true,
                            "\(partner.number) lacks the link with \(pid.number)"
                        )
                    }
                }
            }
        },
        Law("L2", "unlink by either side removes both ends") { history, law in
            var cut = Set<Pair>()
            for fact in history.facts {
                switch fact {
                case .unlinked(let one, let other): cut.insert(.unordered(one, other))
                case .linked(let one, let other, nil): cut.remove(.unordered(one, other))
                case .census(let snapshots, _, _, _):
                    for snapshot in snapshots {
                        for partner in snapshot.links {
                            law.require(
                                !cut.contains(.unordered(snapshot.pid, partner)),
                                "\(snapshot.pid.number) is still linked with \(partner.number)"
                            )
                        }
                    }
                default: break
                }
            }
        },
        Law("L3", "a failure ends each partner that does not trap, once") { history, law in
            for death in history.model.deaths where !death.reason.isNormal {
                for partner in death.partners where !partner.traps {
                    let life = history.life(partner.pid)
                    law.require(
                        life.reason == .linked(from: death.pid) && life.ended.count == 1,
                        "\(partner.pid.number) outlived \(death.pid.number)"
                    )
                }
            }
        },
        Law("L4", "a normal exit never ends a partner") { history, law in
            for (pid, life) in history.lives {
                guard case .linked(let cause) = life.reason else { continue }
                law.require(
                    history.life(cause).reason?.isNormal == false,
                    "\(pid.number) failed with \(cause.number), which ended well"
                )
            }
        },
        Law("L5", "a trapping partner gets exactly one LINK_DOWN") { history, law in
            for death in history.model.deaths {
                for partner in death.partners {
                    let life = history.life(partner.pid)
                    let due = partner.traps && !death.reason.isNormal ? 1 : 0
                    let count = life.linkDowns(of: death.pid)
                    law.require(
                        life.lastEmptied > death.at ? count == due : count <= due,
                        "\(partner.pid.number) got \(count) for \(death.pid.number)"
                    )
                }
            }
        },
        Law("L6", "a link that was undone before a death has no effect") { history, law in
            var ended = Set<PID>()
            var cut = Set<Pair>()
            for fact in history.facts {
                switch fact {
                case .unlinked(let one, let other):
                    // What was queued or decided before stays (SEMANTICS 8).
                    if !ended.contains(one) && !ended.contains(other) {
                        cut.insert(.unordered(one, other))
                    }
                case .linked(let one, let other, nil): cut.remove(.unordered(one, other))
                case .ended(let pid, let reason):
                    ended.insert(pid)
                    if case .linked(let cause) = reason {
                        law.require(
                            !cut.contains(.unordered(pid, cause)),
                            "\(pid.number) failed with \(cause.number)"
                        )
                    }
                case .received(let pid, .linkDown(of: let cause, _)):
                    law.require(
                        !cut.contains(.unordered(pid, cause)),
                        "\(pid.number) got LINK_DOWN of \(cause.number)"
                    )
                default: break
                }
            }
        },
        Law("L7", "a child spawned linked is tied both ways from its first instruction") {
            history,
            law in
            var cut = Set<Pair>()
            for case .unlinked(let one, let other) in history.facts {
                cut.insert(.unordered(one, other))
            }
            for case .spawned(let child, by: let parent?, let ties, _, _, _) in history.facts {
                guard ties.contains(.link), !cut.contains(.unordered(child, parent)) else {
                    continue
                }
                felt(child, parent, history, &law)
                felt(parent, child, history, &law)
            }
        },
        Law("L8", "every failure by link goes back to one that failed by itself") { history, law in
            for (pid, life) in history.lives {
                var seen: Set<PID> = [pid]
                var reason = life.reason
                while case .linked(let cause) = reason, seen.insert(cause).inserted {
                    reason = history.life(cause).reason
                }
                if case .linked = reason { law.require(false, "\(pid.number) has no first cause") }
                law.require(life.ended.count <= 1, "\(pid.number) ended \(life.ended.count) times")
            }
        },
        Law("L9", "a failing link is trapped or deadly, never both") { history, law in
            for (pid, life) in history.lives {
                guard case .linked(let cause) = life.reason else { continue }
                law.require(
                    life.linkDowns(of: cause) == 0,
                    "\(pid.number) trapped and failed with \(cause.number)"
                )
            }
        },
        Law("L10", "a kill is not trappable") { history, law in
            for case .killed(let pid, true) in history.facts {
                law.require(
                    history.life(pid).reason == .terminated,
                    "\(pid.number) was killed, and did not end by that"
                )
            }
        },
        Law("L11", "a link with the dead is an error and leaves nothing") { history, law in
            var refused = Set<Pair>()
            // A link made while both lived stays until the exit is carried out.
            var made = Set<Pair>()
            for (at, fact) in history.facts.enumerated() {
                switch fact {
                case .spawned(let child, by: let parent?, let ties, _, _, _):
                    if ties.contains(.link) { made.insert(.unordered(child, parent)) }
                case .linked(let one, let other, nil):
                    made.insert(.unordered(one, other))
                    law.require(
                        history.isRoutable(one, before: at)
                            && history.isRoutable(other, before: at),
                        "\(one.number) is linked with \(other.number), one of them dead"
                    )
                case .linked(let one, let other, _):
                    let pair = Pair.unordered(one, other)
                    if !made.contains(pair) { refused.insert(pair) }
                case .census(let snapshots, _, _, _):
                    for snapshot in snapshots {
                        for partner in snapshot.links {
                            law.require(
                                !refused.contains(.unordered(snapshot.pid, partner)),
                                "\(snapshot.pid.number) has a refused link"
                            )
                        }
                    }
                default: break
                }
            }
        },
    ]

    /// Requires that `other` felt the failure of `first`, if it was there to feel it.
    private static func felt(
        _ first: PID,
        _ other: PID,
        _ history: History,
        _ law: inout Complaints
    ) {
        let life = history.life(other)
        guard let end = history.life(first).ended.first, let reason = history.life(first).reason,
            !reason.isNormal, history.isRoutable(other, before: end),
            life.reason != .linked(from: first), life.lastEmptied > end
        else { return }
        law.require(
            life.linkDowns(of: first) == 1,
            "\(other.number) did not feel the end of \(first.number)"
        )
    }
}
