// What a connection is given time for: a head, a body's progress, the wait for the next request.

import HTTP

extension HTTP1Session {
    /// Starts the clock of a head that has begun.
    func noteWaiting(now: UInt64) {
        guard wantsInput else {
            isPaused = true
            return
        }
        if isPaused {
            // While we did not read, the peer's slowness was ours.
            isPaused = false
            if headStartedAt != nil, receivedAnything { headStartedAt = now }
            incoming?.windowStart = now
            incoming?.windowBytes = 0
        }
        if headStartedAt == nil, parser.isInHead { headStartedAt = now }
    }

    var deadline: UInt64? {
        var earliest = stream?.until ?? .max
        for slot in slots { earliest = min(earliest, slot.watch.earliest) }
        if let input = inputDeadline { earliest = min(earliest, input) }
        if hungUp, let probe = probeDeadline { earliest = min(earliest, probe) }
        return earliest == .max ? nil : earliest
    }

    private var inputDeadline: UInt64? {
        guard wantsInput else { return nil }
        if let incoming { return incoming.windowStart + limits.bodyNanoseconds }
        if let headStartedAt { return headStartedAt + limits.headNanoseconds }
        return slots.isEmpty && connection.outputCount == 0
            ? idleSince + limits.idleNanoseconds : nil
    }

    func expire(now: UInt64) {
        let timers = slots.flatMap { $0.watch.takeDue(now) }
        for action in timers { action() }
        stream?.resumeIfDue(now)
        guard let due = inputDeadline, due <= now else { return }
        if let request = incoming {
            // A streamed body may be made as it is sent: any progress will do.
            let least = request.receiver.isRunning ? 1 : limits.bodyBytesPerWindow
            guard request.windowBytes < least else {
                incoming?.windowStart = now
                incoming?.windowBytes = 0
                return
            }
            if !failBody(.refused(.bodyTimeout)) { refuse(.bodyTimeout) }
        } else if parser.isInHead {
            refuse(.headTimeout)
        } else {
            // Nothing was asked: nothing is answered.
            isLast = true
            if slots.isEmpty { connection.closeWhenSent(lingering: false) }
        }
    }
}
