import Payload
import Synchronization

@testable import ProcessRuntime

/// What can be done to a world; each writes down what it did and what came back.
extension World {
    func note(_ fact: Fact) {
        facts.append(fact)
    }

    /// A process to do something to: mostly a known one, dead or alive.
    func target() -> PID {
        known.isEmpty ? World.nobody : known[random(known.count)]
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
        let partner = parent ?? (known.isEmpty ? nil : target())
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
        let walker = Walker(world: self)
        let result = attempt { () throws(RuntimeFault) in
            try runtime.spawn(request, running: walker)
        }
        switch result {
        case .failure(let fault):
            note(.spawnRefused(by: partner, ties, name: name, fault))
        case .success(let pid):
            note(
                .spawned(
                    pid,
                    by: partner,
                    ties,
                    name: name,
                    request.limits,
                    at: runtime.clock.now()
                )
            )
            if known.count >= World.populationMax + 4 { known.removeFirst() }
            known.append(pid)
            let wait = runtime.waitForExit(of: pid) { [unowned self] record in
                note(.ended(record.pid, record.reason))
                // Most of the dead are forgotten: doing things to them soon says nothing new.
                if random(4) != 0 { known.removeAll { $0 == record.pid } }
            }
            // It had no turn yet, so a wait can only be pending.
            if case .pending = wait {} else { note(.ended(pid, .shutdown)) }
        }
    }

    func kill(_ pid: PID) {
        note(.killed(pid, runtime.kill(pid, .terminated)))
    }

    func terminateLater(_ pid: PID) {
        let delay = UInt64(1 + random(300)) * 700_000
        note(.terminateLater(pid, deadline: runtime.clock.now() + delay))
        runtime.terminate(pid, after: delay)
    }

    // MARK: Messages

    func send(from sender: PID?, to receiver: PID) {
        nextNumber += 1
        let number = nextNumber
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(Int64(number))
        var parcel: Signal? = Signal(.message, from: sender, written: writer)
        let result = attempt { () throws(RuntimeFault) in
            if let signal = parcel.take() { try runtime.send(signal, to: receiver) }
        }
        note(.sent(number, from: sender, to: receiver, fault(result)))
    }

    func cancel(from sender: PID?, to receiver: PID) {
        nextNumber += 1
        let number = nextNumber
        let result = attempt { () throws(RuntimeFault) in
            try runtime.cancel(receiver, reason: String(number), from: sender)
        }
        note(.cancelled(number, from: sender, to: receiver, fault(result)))
    }

    // MARK: Relations

    func monitor(_ target: PID, by watcher: PID) {
        let result = attempt { () throws(RuntimeFault) in
            try runtime.monitor(target, by: watcher)
        }
        note(.monitored(target, by: watcher, fault(result)))
    }

    func unmonitor(_ target: PID, by watcher: PID) {
        runtime.unmonitor(target, by: watcher)
        note(.unmonitored(target, by: watcher))
    }

    func link(_ first: PID, _ second: PID) {
        let result = attempt { () throws(RuntimeFault) in try runtime.link(first, second) }
        note(.linked(first, second, fault(result)))
    }

    func unlink(_ first: PID, _ second: PID) {
        runtime.unlink(first, second)
        note(.unlinked(first, second))
    }

    func setTrapping(_ pid: PID, _ traps: Bool) {
        runtime.setTrapLinks(traps, of: pid)
        note(.trapping(pid, traps))
    }

    // MARK: Names

    func register(_ pid: PID) {
        let name = World.names[random(World.names.count)]
        let result = attempt { () throws(RuntimeFault) in try runtime.register(name, for: pid) }
        let isNew = (try? result.get()) ?? false
        note(.registered(name, pid, isNew: isNew, fault(result)))
    }

    func unregister() {
        let name = World.names[random(World.names.count)]
        note(.unregistered(name, from: runtime.unregister(name)))
    }

    func lookUp() {
        let name = World.names[random(World.names.count)]
        note(.lookedUp(name, runtime.lookup(name)))
    }

    // MARK: Time

    func startTimer(_ pid: PID) {
        nextTimer += 1
        let deadline = runtime.clock.now() + UInt64(random(600)) * 900_000
        let key = runtime.startTimer(for: pid, number: Int64(nextTimer), at: deadline)
        note(.timerStarted(pid, nextTimer, deadline: deadline))
        startedTimers.append((pid, nextTimer, key))
    }

    func stopTimer() {
        guard !startedTimers.isEmpty else { return }
        let timer = startedTimers[random(startedTimers.count)]
        note(.timerStopped(timer.owner, timer.number, runtime.stopTimer(timer.key)))
    }

    func passTime() {
        passTime(nanoseconds: UInt64(1 + random(random(4) == 0 ? 300 : 4)) * 800_000)
    }

    func passTime(nanoseconds: UInt64) {
        simulation.advance(by: nanoseconds)
        note(.time(runtime.clock.now()))
    }

    // MARK: Looking

    func takeCensus() {
        let counts = runtime.counts
        note(
            .census(
                runtime.snapshots(),
                spawned: Int(counts.spawned),
                exited: Int(counts.exited),
                live: counts.live
            )
        )
    }

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
