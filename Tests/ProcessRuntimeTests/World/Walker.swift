import Payload
import Synchronization

@testable import ProcessRuntime

/// A process of a world: mostly one random operation a turn.
///
/// Ending the turn after each operation is what "preempted at any API call" means here; now and
/// then a turn has more, so that the second one meets what the first did to the process itself.
final class Walker: Runnable {
    // Unowned: the world outlives the turns it gives.
    private unowned let world: World
    private let pid = Mutex<PID?>(nil)
    private let mailbox = Mutex(Held())

    private struct Held: ~Copyable {
        var queue = SignalQueue()
        var sequence: UInt64 = 0
    }

    init(world: World) {
        self.world = world
    }

    func spawned(as pid: PID, in block: ControlBlock) {
        self.pid.withLock { $0 = pid }
    }

    func run(_ process: ControlBlock, on worker: (any WorkerContext)?) -> TurnOutcome {
        guard let pid = pid.withLock({ $0 }) else { return .waiting }
        world.note(.turn(pid))
        if world.isSettling {
            receive(process, pid, atMost: .max)
            return .waiting
        }
        for _ in 0..<(world.random(6) == 0 ? 3 : 1) {
            if let outcome = operation(process, pid) { return outcome }
        }
        return .preempted
    }

    /// Does one thing; returns an outcome when that ends the turn.
    private func operation(_ process: ControlBlock, _ pid: PID) -> TurnOutcome? {
        switch world.random(40) {
        case 0...6: world.send(from: pid, to: world.target())
        case 7: world.send(from: pid, to: pid)
        case 8: world.cancel(from: pid, to: world.target())
        case 9...11: world.spawn(by: pid)
        case 12...14: world.link(pid, world.target())
        case 15: world.unlink(pid, world.target())
        case 16...18: world.monitor(world.target(), by: pid)
        case 19: world.unmonitor(world.target(), by: pid)
        case 20, 21: world.register(pid)
        case 22: world.unregister()
        case 23: world.lookUp()
        case 24, 25: world.setTrapping(pid, world.random(2) == 0)
        case 26: world.kill(world.target())
        case 27, 28: world.startTimer(pid)
        case 29: world.stopTimer()
        case 30, 31: receive(process, pid, atMost: 1 + world.random(3))
        case 32: receive(process, pid, atMost: .max)
        case 33...36:
            receive(process, pid, atMost: .max)
            // Something that arrives after the look into the mailbox must cause another turn.
            if world.random(4) == 0 { world.send(from: pid, to: pid) }
            return .waiting
        case 37: return end(pid, .normal(answer()))
        case 38: return end(pid, .error(ErrorValue(message: "broken \(world.random(100))")))
        default: break
        }
        return nil
    }

    private func answer() -> Payload {
        var writer = PayloadWriter()
        if world.random(3) == 0 { writer.writeNil() } else { writer.write(Int64(world.random(99))) }
        return writer.finish()
    }

    private func end(_ pid: PID, _ reason: ExitReason) -> TurnOutcome {
        world.note(.returned(pid, reason))
        return .ended(reason)
    }

    /// Takes up to `limit` signals and writes down each.
    private func receive(_ process: ControlBlock, _ pid: PID, atMost limit: Int) {
        mailbox.withLock { held in
            world.runtime.drain(process, into: &held.queue, numberingFrom: &held.sequence)
            for _ in 0..<min(limit, held.queue.count) {
                guard let signal = held.queue.popFirst() else { break }
                if signal.kind == .message {
                    world.runtime.consumed(process, bytes: signal.byteCount)
                }
                if let mail = Mail(signal) { world.note(.received(pid, mail)) }
            }
            if held.queue.isEmpty { world.note(.emptied(pid)) }
        }
    }

    func discard() {
        mailbox.withLock { $0.queue = SignalQueue() }
    }

    func requestDeath() {}
    var memoryBytes: Int { 0 }
    func describe() -> RunnableDescription { RunnableDescription() }
}
