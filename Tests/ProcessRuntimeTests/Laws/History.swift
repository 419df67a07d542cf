import Testing

@testable import ProcessRuntime

/// A history with the indexes the laws ask for.
struct History {
    /// What one process went through; all times are indexes of facts.
    struct Life {
        var born: Int?
        var ended: [Int] = []
        var reason: ExitReason?
        var firstTurn: Int?
        var lastTurn: Int?
        var mail: [(at: Int, mail: Mail)] = []
        /// When it last saw its mailbox empty; -1 for never.
        var lastEmptied = -1

        /// When it took the EXIT of `pid` out of its mailbox.
        func exits(of pid: PID) -> [Int] {
            mail.compactMap { item in
                if case .exit(of: pid, _) = item.mail { item.at } else { nil }
            }
        }

        func linkDowns(of pid: PID) -> Int {
            mail.count { if case .linkDown(of: pid, _) = $0.mail { true } else { false } }
        }
    }

    struct Send {
        let at: Int
        let number: Int
        let from: PID?
        let to: PID
        let fault: RuntimeFault?
    }

    let facts: [Fact]
    let model: ReferenceModel
    private(set) var lives: [PID: Life] = [:]
    private(set) var sends: [Send] = []
    private(set) var censuses: [(at: Int, snapshots: [ProcessSnapshot])] = []

    init(_ facts: [Fact]) {
        self.facts = facts
        model = ReferenceModel(facts)
        for (at, fact) in facts.enumerated() {
            switch fact {
            case .spawned(let pid, _, _, _, _, _): lives[pid, default: Life()].born = at
            case .ended(let pid, let reason):
                lives[pid, default: Life()].ended.append(at)
                lives[pid, default: Life()].reason = reason
            case .turn(let pid):
                if lives[pid]?.firstTurn == nil { lives[pid, default: Life()].firstTurn = at }
                lives[pid, default: Life()].lastTurn = at
            case .received(let pid, let mail):
                lives[pid, default: Life()].mail.append((at, mail))
            case .emptied(let pid): lives[pid, default: Life()].lastEmptied = at
            case .sent(let number, let from, let to, let fault):
                sends.append(Send(at: at, number: number, from: from, to: to, fault: fault))
            case .census(let snapshots, _, _, _): censuses.append((at, snapshots))
            default: break
            }
        }
    }

    func life(_ pid: PID) -> Life { lives[pid] ?? Life() }

    /// Whether `pid` was routable just before the fact at `index`.
    func isRoutable(_ pid: PID, before index: Int) -> Bool {
        guard let born = lives[pid]?.born, born < index else { return false }
        return model.gone[pid].map { $0 >= index } ?? true
    }
}

/// One statement that must hold in every history.
struct Law: Sendable, CustomTestStringConvertible {
    /// As in RELIABILITY D: group and number.
    let name: String
    let says: String
    /// What contradicts it, in words; empty when it holds.
    let violations: @Sendable (History) -> [String]

    var testDescription: String { "\(name): \(says)" }

    static let all = Law.messages + Law.monitors + Law.links + Law.names + Law.processes
}

/// The complaints of one law.
struct Complaints {
    private(set) var list: [String] = []

    /// Notes `words` where `fact` is false.
    mutating func require(_ fact: Bool, _ words: @autoclosure () -> String) {
        if !fact { list.append(words()) }
    }
}

extension Law {
    /// A law whose check fills in complaints.
    init(
        _ name: String,
        _ says: String,
        _ check: @escaping @Sendable (History, inout Complaints) -> Void
    ) {
        self.init(name: name, says: says) { history in
            var complaints = Complaints()
            check(history, &complaints)
            return complaints.list
        }
    }
}
