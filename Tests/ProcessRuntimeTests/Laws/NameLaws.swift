@testable import ProcessRuntime

extension Law {
    /// N: what the name registry promises (SEMANTICS 9).
    static let names = [
        Law("N1", "a name belongs to at most one process") { history, law in
            for (_, snapshots) in history.censuses {
                let names = snapshots.flatMap(\.names)
                law.require(Set(names).count == names.count, "two processes share a name")
            }
        },
        Law("N2", "a lookup finds only the living") { history, law in
            for (at, fact) in history.facts.enumerated() {
                guard case .lookedUp(let name, let pid?) = fact else { continue }
                law.require(
                    history.isRoutable(pid, before: at),
                    "\(name) is \(pid.number), which is dead"
                )
            }
        },
        Law("N3", "names are free before EXIT and LINK_DOWN go out") { history, law in
            var told = Set<PID>()
            for fact in history.facts {
                switch fact {
                case .received(_, .exit(of: let pid, _)), .received(_, .linkDown(of: let pid, _)):
                    told.insert(pid)
                case .lookedUp(let name, let pid?),
                    .registered(let name, _, _, .nameTaken(let pid)):
                    law.require(!told.contains(pid), "\(pid.number) still has \(name)")
                default: break
                }
            }
        },
        Law("N4", "registering a taken name changes nothing") { history, law in
            walk(history) { at, fact, owner in
                switch fact {
                case .registered(let name, _, _, .nameTaken(let pid)),
                    .spawnRefused(_, _, name: let name?, .nameTaken(let pid)):
                    law.require(owner == pid, "\(name) was said to belong to \(pid.number)")
                case .registered(let name, let pid, isNew: false, nil):
                    law.require(owner == pid, "\(name) was not \(pid.number)'s before")
                case .lookedUp(let name, let pid?):
                    law.require(owner == pid, "\(name) went over to \(pid.number)")
                default: break
                }
            }
        },
        Law("N5", "only unregister or a death takes a name away") { history, law in
            walk(history) { at, fact, owner in
                guard case .lookedUp(let name, nil) = fact, let owner else { return }
                law.require(
                    !history.isRoutable(owner, before: at),
                    "\(name) is gone from \(owner.number)"
                )
            }
        },
        Law("N6", "of several who register a name exactly one wins") { history, law in
            walk(history) { at, fact, owner in
                switch fact {
                case .registered(let name, let pid, isNew: true, nil),
                    .spawned(let pid, _, _, name: let name?, _, _):
                    law.require(
                        owner.map { !history.isRoutable($0, before: at) } ?? true,
                        "\(name) went to \(pid.number) while it had an owner"
                    )
                default: break
                }
            }
        },
    ]

    /// Calls `visit` with each fact about a name and the owner that earlier facts say it has.
    private static func walk(
        _ history: History,
        _ visit: (_ at: Int, _ fact: Fact, _ owner: PID?) -> Void
    ) {
        var owners: [String: PID] = [:]
        for (at, fact) in history.facts.enumerated() {
            switch fact {
            case .registered(let name, let pid, let isNew, nil):
                visit(at, fact, owners[name])
                if isNew { owners[name] = pid }
            case .registered(let name, _, _, _), .lookedUp(let name, _),
                .spawnRefused(_, _, name: let name?, _):
                visit(at, fact, owners[name])
            case .spawned(let pid, _, _, name: let name?, _, _):
                visit(at, fact, owners[name])
                owners[name] = pid
            case .unregistered(let name, from: _): owners[name] = nil
            default: break
            }
        }
    }
}
