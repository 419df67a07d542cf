import Glibc
import Payload
import Synchronization

@testable import ProcessRuntime

/// Somebody who does things to a world: a walker in its turn, or the outside.
///
/// Each function does one thing to the runtime and writes down what it did and what came back. What
/// has effects is stamped with the moment it began, since others may see the effects before it
/// returns; on one thread that makes no difference.
struct Hand {
    unowned let world: World
    let luck: Luck

    private var runtime: Runtime { world.runtime }

    func random(_ bound: Int) -> Int { luck.below(bound) }

    /// On threads: now and then lets somebody else run right here.
    private func nap() {
        guard world.isThreaded else { return }
        switch luck.below(8) {
        case 0: sched_yield()
        case 1: for _ in 0..<luck.below(2_000) { _ = world.stamps.load(ordering: .relaxed) }
        default: break
        }
    }

    /// Does `action` and writes down the fact it returns, at the moment it began.
    private func record(_ action: () -> Fact) {
        nap()
        let begun = world.stamp()
        let fact = action()
        nap()
        world.note(fact, at: begun)
    }

    /// A process to do something to: mostly a known one, dead or alive.
    func target() -> PID {
        world.shared.withLock { $0.known.isEmpty ? World.nobody : $0.known[random($0.known.count)] }
    }

    private func attempt<T>(_ action: () throws(RuntimeFault) -> T) -> Result<T, RuntimeFault> {
        do throws(RuntimeFault) { return .success(try action()) } catch { return .failure(error) }
    }

    private func fault<T>(_ result: Result<T, RuntimeFault>) -> RuntimeFault? {
        if case .failure(let fault) = result { fault } else { nil }
    }

    // MARK: Life and death

    func spawn(by parent: PID?) {
        guard runtime.counts.live < World.populationMax else { return }
        var ties = Fact.Ties()
        // Somebody outside may tie the child to any process it knows.
        let found = target()
        let partner = parent ?? (found == World.nobody ? nil : found)
        if partner != nil { ties = Fact.Ties(rawValue: random(4)) }
        let name = random(5) == 0 ? World.names[random(World.names.count)] : nil
        var request = SpawnRequest(entry: "test:walker", host: "test:host")
        request.parent = parent
        request.name = name
        if ties.contains(.link) { request.linkedTo = partner }
        if ties.contains(.monitor) { request.monitoredBy = partner }
        if random(3) == 0 { request.limits.mailboxMessages = 1 + random(6) }
        if random(20) == 0 {
            request.limits.lifetimeNanoseconds = UInt64(1 + random(400)) * 1_000_000
        }
        let walker = Walker(Hand(world: world, luck: Luck(seed: luck.next())))
        let ready = request
        record {
            let result = attempt { () throws(RuntimeFault) in
                try runtime.spawn(ready, running: walker)
            }
            switch result {
            case .failure(let fault):
                return .spawnRefused(by: partner, ties, name: name, fault)
            case .success(let pid):
                world.welcome(pid)
                return .spawned(
                    pid,
                    by: partner,
                    ties,
                    name: name,
                    ready.limits,
                    at: runtime.clock.now()
                )
            }
        }
    }

    func kill(_ pid: PID) {
        record { .killed(pid, runtime.kill(pid, .terminated)) }
    }

    func terminateLater(_ pid: PID) {
        let delay = UInt64(1 + random(300)) * 700_000
        record {
            let deadline = runtime.clock.now() + delay
            runtime.terminate(pid, after: delay)
            return .terminateLater(pid, deadline: deadline)
        }
    }

    // MARK: Messages

    func send(from sender: PID?, to receiver: PID) {
        record {
            let number = world.nextNumber()
            var writer = PayloadWriter(headerBytes: Signal.headerBytes)
            writer.write(Int64(number))
            var parcel: Signal? = Signal(.message, from: sender, written: writer)
            let result = attempt { () throws(RuntimeFault) in
                if let signal = parcel.take() { try runtime.send(signal, to: receiver) }
            }
            return .sent(number, from: sender, to: receiver, fault(result))
        }
    }

    func cancel(from sender: PID?, to receiver: PID) {
        record {
            let number = world.nextNumber()
            let result = attempt { () throws(RuntimeFault) in
                try runtime.cancel(receiver, reason: String(number), from: sender)
            }
            return .cancelled(number, from: sender, to: receiver, fault(result))
        }
    }

    // MARK: Relations

    func monitor(_ target: PID, by watcher: PID) {
        record {
            let result = attempt { () throws(RuntimeFault) in
                try runtime.monitor(target, by: watcher)
            }
            return .monitored(target, by: watcher, fault(result))
        }
    }

    func unmonitor(_ target: PID, by watcher: PID) {
        record {
            runtime.unmonitor(target, by: watcher)
            return .unmonitored(target, by: watcher)
        }
    }

    func link(_ first: PID, _ second: PID) {
        record {
            let result = attempt { () throws(RuntimeFault) in try runtime.link(first, second) }
            return .linked(first, second, fault(result))
        }
    }

    func unlink(_ first: PID, _ second: PID) {
        record {
            runtime.unlink(first, second)
            return .unlinked(first, second)
        }
    }

    func setTrapping(_ pid: PID, _ traps: Bool) {
        record {
            runtime.setTrapLinks(traps, of: pid)
            return .trapping(pid, traps)
        }
    }

    // MARK: Names

    func register(_ pid: PID) {
        let name = World.names[random(World.names.count)]
        record {
            let result = attempt { () throws(RuntimeFault) in
                try runtime.register(name, for: pid)
            }
            let isNew = (try? result.get()) ?? false
            return .registered(name, pid, isNew: isNew, fault(result))
        }
    }

    func unregister() {
        let name = World.names[random(World.names.count)]
        record { .unregistered(name, from: runtime.unregister(name)) }
    }

    func lookUp() {
        let name = World.names[random(World.names.count)]
        record { .lookedUp(name, runtime.lookup(name)) }
    }

    // MARK: Time

    func startTimer(_ pid: PID) {
        record {
            let number = world.nextNumber()
            let deadline = runtime.clock.now() + UInt64(random(600)) * 900_000
            let key = runtime.startTimer(for: pid, number: Int64(number), at: deadline)
            world.shared.withLock { $0.timers.append((pid, number, key)) }
            return .timerStarted(pid, number, deadline: deadline)
        }
    }

    func stopTimer() {
        let timer = world.shared.withLock { shared in
            shared.timers.isEmpty ? nil : shared.timers[random(shared.timers.count)]
        }
        guard let timer else { return }
        record {
            let answer = runtime.stopTimer(timer.key)
            return .timerStopped(timer.owner, timer.number, answer)
        }
    }

    // MARK: Outside

    /// One thing that somebody who is no process does.
    func outsideOperation() {
        guard runtime.counts.live > 3 else { return spawn(by: nil) }
        switch random(9) {
        case 0, 1: spawn(by: nil)
        case 2: if runtime.counts.live > 4 { kill(target()) }
        case 3: send(from: nil, to: target())
        case 4: cancel(from: nil, to: target())
        case 5: unregister()
        case 6: terminateLater(target())
        case 7: register(target())
        default: link(target(), target())
        }
    }
}

/// Random numbers of one hand.
final class Luck: Sendable {
    private let generator: Mutex<SeededRandom>

    init(seed: UInt64) {
        generator = Mutex(SeededRandom(seed: seed))
    }

    func next() -> UInt64 {
        generator.withLock { $0.next() }
    }

    func below(_ bound: Int) -> Int {
        Int(next() % UInt64(max(bound, 1)))
    }
}
