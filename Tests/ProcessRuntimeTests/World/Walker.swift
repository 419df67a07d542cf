import Payload
import Synchronization

@testable import ProcessRuntime

/// A process of a world: mostly one random operation a turn.
///
/// Ending the turn after each operation is what "preempted at any API call" means here; now and
/// then a turn has more, so that the second one meets what the first did to the process itself.
final class Walker: Runnable {
    private let hand: Hand
    private let pid = Mutex<PID?>(nil)
    private let mailbox = Mutex(Held())

    private struct Held: ~Copyable {
        var queue = SignalQueue()
        var sequence: UInt64 = 0
    }

    init(_ hand: Hand) {
        self.hand = hand
    }

    func spawned(as pid: PID, in block: ControlBlock) {
        self.pid.withLock { $0 = pid }
    }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        guard let pid = pid.withLock({ $0 }) else { return .waiting }
        hand.world.note(.turn(pid))
        if hand.world.isSettling.load(ordering: .relaxed) {
            receive(process, pid, atMost: .max)
            return .waiting
        }
        for _ in 0..<(hand.random(6) == 0 ? 3 : 1) {
            if let outcome = operation(process, pid) { return outcome }
        }
        return .preempted
    }

    /// Does one thing; returns an outcome when that ends the turn.
    private func operation(_ process: ControlBlock, _ pid: PID) -> TurnOutcome? {
        switch hand.random(40) {
        case 0...6: hand.send(from: pid, to: hand.target())
        case 7: hand.send(from: pid, to: pid)
        case 8: hand.cancel(from: pid, to: hand.target())
        case 9...11: hand.spawn(by: pid)
        case 12...14: hand.link(pid, hand.target())
        case 15: hand.unlink(pid, hand.target())
        case 16...18: hand.monitor(hand.target(), by: pid)
        case 19: hand.unmonitor(hand.target(), by: pid)
        case 20, 21: hand.register(pid)
        case 22: hand.unregister()
        case 23: hand.lookUp()
        case 24, 25: hand.setTrapping(pid, hand.random(2) == 0)
        case 26: hand.kill(hand.target())
        case 27, 28: hand.startTimer(pid)
        case 29: hand.stopTimer()
        case 30, 31: receive(process, pid, atMost: 1 + hand.random(3))
        case 32: receive(process, pid, atMost: .max)
        case 33...36:
            receive(process, pid, atMost: .max)
            // Something that arrives after the look into the mailbox must cause another turn.
            if hand.random(4) == 0 { hand.send(from: pid, to: pid) }
            return .waiting
        case 37: return end(pid, .normal(answer()))
        case 38: return end(pid, .error(ErrorValue(message: "broken \(hand.random(100))")))
        default: break
        }
        return nil
    }

    private func answer() -> Payload {
        var writer = PayloadWriter()
        if hand.random(3) == 0 { writer.writeNil() } else { writer.write(Int64(hand.random(99))) }
        return writer.finish()
    }

    private func end(_ pid: PID, _ reason: ExitReason) -> TurnOutcome {
        hand.world.note(.returned(pid, reason))
        return .ended(reason)
    }

    /// Takes up to `limit` signals and writes down each.
    private func receive(_ process: ControlBlock, _ pid: PID, atMost limit: Int) {
        mailbox.withLock { held in
            hand.world.runtime.drain(process, into: &held.queue, numberingFrom: &held.sequence)
            for _ in 0..<min(limit, held.queue.count) {
                guard let signal = held.queue.popFirst() else { break }
                if signal.kind == .message {
                    hand.world.runtime.consumed(process, bytes: signal.byteCount)
                }
                if let mail = Mail(signal) { hand.world.note(.received(pid, mail)) }
            }
            if held.queue.isEmpty { hand.world.note(.emptied(pid)) }
        }
    }

    func discard() {
        mailbox.withLock { $0.queue = SignalQueue() }
    }

    func requestDeath() {}
    var memoryBytes: Int { 0 }
    func describe() -> RunnableDescription { RunnableDescription() }
}
