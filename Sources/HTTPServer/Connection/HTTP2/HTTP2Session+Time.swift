// What a client has to do by when, and what becomes of it otherwise.

import HTTP

extension HTTP2Session {
    /// How long a client that is told of the end may take to say that it knows.
    private static let drainNanoseconds: UInt64 = 1_000_000_000

    var deadline: UInt64? {
        var earliest = connectionDeadline
        for stream in streams {
            earliest = min(earliest, stream.watch.earliest)
            if let until = stream.pump?.until { earliest = min(earliest, until) }
            if let until = stream.lingersUntil { earliest = min(earliest, until) }
            if stream.isReceiving {
                earliest = min(earliest, stream.windowStart + limits.bodyNanoseconds)
            }
            if hasUnsent(stream) {
                earliest = min(earliest, stream.stallStart + limits.writeStallNanoseconds)
            }
        }
        return earliest == .max ? nil : earliest
    }

    private func hasUnsent(_ stream: HTTP2Stream) -> Bool {
        stream.outgoing.map { $0.pendingBytes > 0 } ?? false
    }

    /// What concerns no single stream; `.max` for nothing.
    private var connectionDeadline: UInt64 {
        var earliest = headDeadline ?? .max
        if case .asked(let since) = shutdown {
            earliest = min(earliest, since + Self.drainNanoseconds)
        }
        if let probe = probeDeadline { earliest = min(earliest, probe) }
        if isIdle { earliest = min(earliest, idleSince + limits.idleNanoseconds) }
        return earliest
    }

    /// When the frame or head under way, or the very first, has to be complete.
    private var headDeadline: UInt64? {
        // While we do not read, the peer's slowness is ours.
        guard wantsInput else { return nil }
        let since = receivedAnything ? codec.unfinishedSince : startedAt
        return since.map { $0 + limits.headNanoseconds }
    }

    private var isIdle: Bool { streams.isEmpty && shutdown != .told && connection.outputCount == 0 }

    func expire(now: UInt64) {
        let timers = streams.flatMap { $0.watch.takeDue(now) }
        for action in timers { action() }
        if let due = headDeadline, due <= now {
            // Nothing of a request is known: nothing is answered.
            return codec.fail(
                HTTP2Failure(code: HTTP2ErrorCode.protocolError, reason: "a frame took too long")
            )
        }
        if case .asked(let since) = shutdown, since + Self.drainNanoseconds <= now { finishDrain() }
        for stream in streams {
            stream.pump?.resumeIfDue(now)
            checkBody(of: stream, now: now)
            checkAnswer(of: stream, now: now)
            if let until = stream.lingersUntil, until <= now {
                stream.lingersUntil = nil
                codec.reset(stream.id, code: HTTP2ErrorCode.noError)
            }
        }
        if isIdle, idleSince + limits.idleNanoseconds <= now {
            shutdown = .told
            codec.finishShutdown()
        }
    }

    /// A body has to bring so many bytes in each window of time.
    private func checkBody(of stream: HTTP2Stream, now: UInt64) {
        guard stream.isReceiving, stream.windowStart + limits.bodyNanoseconds <= now else { return }
        // While we hold back the client's window, its slowness is ours.
        let isOurs = !wantsInput || stream.unreleasedBytes > 0
        // A streamed body may be made as it is sent: any progress will do.
        let least = stream.isStreamed ? 1 : limits.bodyBytesPerWindow
        guard isOurs || stream.windowBytes >= least else { return fail(stream, .bodyTimeout) }
        stream.windowStart = now
        stream.windowBytes = 0
    }

    /// A client has to let so many bytes of an answer go in each window of time.
    ///
    /// One that opens its windows a byte at a time holds on to our memory as well as one that opens
    /// none (CVE-2019-9511).
    private func checkAnswer(of stream: HTTP2Stream, now: UInt64) {
        guard let outgoing = stream.outgoing, outgoing.pendingBytes > 0,
            stream.stallStart + limits.writeStallNanoseconds <= now
        else { return }
        let taken = outgoing.takenBytes - stream.stallBytes
        // Without a closed window the socket holds it up: that is the transport's to judge.
        guard taken < limits.answerBytesPerWindow, codec.isBlocked(stream.id) else {
            stream.stallStart = now
            stream.stallBytes = outgoing.takenBytes
            return
        }
        if codec.isConnectionBlocked {
            codec.fail(
                HTTP2Failure(
                    code: HTTP2ErrorCode.enhanceYourCalm,
                    reason: "the window stays closed"
                )
            )
        } else {
            cut(stream)
        }
    }
}
