import Glibc
import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

/// Calls through ports against everything that can end one, on real threads.
@Suite(.serialized) struct CallRaceTests {
    /// How a call ended, and how often somebody said so.
    private struct Verdict {
        var replies = 0
        var exits = 0
        var closes = 0
    }

    /// What a target does with the message.
    private enum Manner: Int, CaseIterable {
        case replies, repliesAndEnds, ends, repliesTwice, linksAndFails, isSilent
    }

    /// A target of one call, which answers in its manner.
    private func target(_ runtime: Runtime, _ manner: Manner) -> Listener {
        Listener(runtime) { _ in
            .goOn
        } onMail: { own, mail in
            guard case .message(let number, from: let caller?) = mail else { return .goOn }
            switch manner {
            case .replies: runtime.send(number, from: own, to: caller)
            case .repliesTwice:
                runtime.send(number, from: own, to: caller)
                runtime.send(number, from: own, to: caller)
            case .repliesAndEnds:
                runtime.send(number, from: own, to: caller)
                return .end(.normal(.nothing))
            case .ends: return .end(.normal(.nothing))
            case .linksAndFails:
                try? runtime.link(own, caller)
                return .end(.error(ErrorValue(message: "broken")))
            case .isSilent: break
            }
            return .goOn
        }
    }

    private func call(
        _ runtime: Runtime,
        _ target: PID,
        _ number: Int,
        _ verdict: Shelf<Verdict>
    ) throws -> PID {
        let port = Port(runtime, entry: "test:call") { signal in
            switch signal.kind {
            case .message: verdict.change { $0.replies += 1 }
            case .exit: verdict.change { $0.exits += 1 }
            default: return nil
            }
            return .normal(.nothing)
        } onClose: {
            verdict.change { $0.closes += 1 }
        }
        let pid = try runtime.open(port)
        try? runtime.monitor(target, by: pid)
        runtime.send(number, from: pid, to: target)
        return pid
    }

    /// The EXIT that follows a reply.
    ///
    ///     target                caller
    ///     replies               opens, monitors, sends
    ///     ends                  gets the reply: never the EXIT that was told after it
    @Test(arguments: [2, 8])
    func `each call ends once, by the reply wherever one was sent before the exit`(
        _ workers: Int
    ) throws {
        let count = 2_000
        try Crew.with(workers: workers, processes: 3 * count + 10) { crew in
            let runtime = crew.runtime
            var calls: [(manner: Manner, verdict: Shelf<Verdict>, port: PID)] = []
            for number in 0..<count {
                let manner = Manner.allCases[number % Manner.allCases.count]
                let pid = try runtime.spawn(.plain, running: target(runtime, manner))
                let verdict = Shelf(Verdict())
                calls.append((manner, verdict, try call(runtime, pid, number, verdict)))
            }
            // The silent are given up: the time is over.
            for call in calls where call.manner == .isSilent {
                #expect(runtime.kill(call.port, .terminated))
            }
            #expect(wait { calls.allSatisfy { $0.verdict.value.closes > 0 } })
            for call in calls {
                let verdict = call.verdict.value
                let (replies, exits): (Int, Int) =
                    switch call.manner {
                    case .replies, .repliesTwice, .repliesAndEnds: (1, 0)
                    case .ends, .linksAndFails: (0, 1)
                    case .isSilent: (0, 0)
                    }
                #expect(verdict.replies == replies && verdict.exits == exits, "\(call.manner)")
                #expect(verdict.closes == 1)
            }
            let ports = Set(calls.map(\.port))
            #expect(ports.count == count)
            #expect(wait { runtime.allPIDs().allSatisfy { !ports.contains($0) } })
        }
    }

    /// The time that is over when the reply comes.
    ///
    ///     target                time                  caller
    ///     replies               is over               gets one of the two, and closes once
    @Test func `a reply against the end of the time is one of the two`() throws {
        let count = 3_000
        try Crew.with(workers: 4, processes: count + 10) { crew in
            let runtime = crew.runtime
            let server = try runtime.spawn(.plain, running: target(runtime, .replies))
            var verdicts: [Shelf<Verdict>] = []
            for number in 0..<count {
                let verdict = Shelf(Verdict())
                verdicts.append(verdict)
                let port = try call(runtime, server, number, verdict)
                if number % 3 > 0 { sched_yield() }
                runtime.kill(port, .terminated)
            }
            #expect(wait { verdicts.allSatisfy { $0.value.closes > 0 } })
            for verdict in verdicts.map(\.value) {
                #expect(verdict.closes == 1 && verdict.replies <= 1 && verdict.exits == 0)
            }
            // Nothing of them is left at the target.
            #expect(wait { runtime.snapshot(server)?.monitoredBy.isEmpty ?? false })
        }
    }
}

/// A value threads share.
private final class Shelf<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: sending Value) { held = Mutex(value) }
    var value: Value { held.withLock { $0 } }
    func change(_ change: @Sendable (inout Value) -> Void) { held.withLock { change(&$0) } }
}
