import Synchronization

/// A process as inspection shows it (openapi.yaml, Process), at one moment.
package struct ProcessSnapshot: Sendable {
    package var pid: PID
    package var entry: String
    package var host: String
    package var names: [String]
    /// "ready", "running" or "waiting".
    package var state: String
    /// Nanoseconds since 1970.
    package var startedAt: UInt64
    package var memoryBytes: Int
    package var mailboxMessages: Int
    package var mailboxBytes: Int
    package var cpuNanoseconds: UInt64
    package var links: [PID]
    package var monitors: [PID]
    package var monitoredBy: [PID]
    package var trapLinks: Bool
    package var parent: PID?
    package var fibers: Int
    package var waitingFor: [String]
    package var handlesEvents: Bool
    package var limits: ProcessLimits
    /// Whether it is a `Port`, which lists leave out.
    package var isPort = false
}

extension Runtime {
    /// One process, or nil when it is not alive.
    package func snapshot(_ pid: PID) -> ProcessSnapshot? {
        guard let block = table.block(pid) else { return nil }
        var body: (any Runnable)?
        let snapshot = block.withLock { state -> ProcessSnapshot? in
            guard state.pid == pid, state.phase == .alive else { return nil }
            body = state.body
            return ProcessSnapshot(
                pid: pid,
                entry: state.entry,
                host: state.host,
                names: state.names,
                state: word(block.runState),
                startedAt: state.startedAt,
                memoryBytes: 0,
                mailboxMessages: block.queuedMessages,
                mailboxBytes: block.queuedBytes,
                cpuNanoseconds: block.fields.cpuNanoseconds.load(ordering: .relaxed),
                links: state.links.elements,
                monitors: state.monitors.elements,
                monitoredBy: state.watchers.elements,
                trapLinks: state.trapLinks,
                parent: state.parent,
                fibers: 1,
                waitingFor: [],
                handlesEvents: false,
                limits: state.limits,
                isPort: state.isPort
            )
        }
        guard var snapshot, let body else { return nil }
        let description = body.describe()
        snapshot.memoryBytes = body.memoryBytes
        snapshot.fibers = description.fibers
        snapshot.waitingFor = description.waitingFor
        snapshot.handlesEvents = description.handlesEvents
        return snapshot
    }

    /// What a process is and is called, for who decides about it; nil when it is not known.
    ///
    /// Known are also those that are ending, and those that ended not long ago, which have no names.
    package func subject(of pid: PID) -> (entry: String, names: [String])? {
        let live = table.block(pid)?.withLock { state -> (entry: String, names: [String])? in
            guard state.pid == pid, state.phase == .alive || state.phase == .dying else {
                return nil
            }
            return (state.entry, state.names)
        }
        return (live ?? nil) ?? exitRecord(of: pid).map { ($0.entry, []) }
    }

    /// Every live process, in no order.
    package func snapshots() -> [ProcessSnapshot] {
        allPIDs().compactMap { snapshot($0) }.filter { !$0.isPort }
    }

    /// Bytes that all processes hold now: the sum of up to `sampleMax` or so, else an estimate.
    ///
    /// No more than that many locks are taken, however many processes there are.
    package func memoryBytes(sampleMax: Int = 10_000) -> Int {
        let slots = table.usedSlots
        let step = max(1, counts.live / sampleMax)
        var (sum, seen) = (0, 0)
        for slot in stride(from: 1, to: slots, by: step) {
            guard let block = table.block(slot: slot),
                block.fields.currentPID.load(ordering: .relaxed) != 0,
                let body = block.withLock({ $0.phase == .alive ? $0.body : nil }),
                !(body is Port)
            else { continue }
            sum += body.memoryBytes
            seen += 1
        }
        if step == 1 || seen == 0 { return sum }
        return Int(Double(sum) / Double(seen) * Double(counts.live))
    }

    private func word(_ state: RunState) -> String {
        switch state {
        case .running, .runningWoken: "running"
        case .ready, .starting: "ready"
        case .waiting, .free: "waiting"
        }
    }
}
