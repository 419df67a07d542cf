// A request handed to a handler, as the handler holds it.

import HTTP
import Posix
import Synchronization

/// The handler's end of a request: reaches its connection by token, through the loop.
///
/// Holds no connection: a handler that keeps it long after the client has gone keeps nothing else
/// alive, and an answer to a connection that is gone finds no one and is dropped.
final class ServerExchange: Exchange {
    private let loop: EventLoop
    private let token: PollToken
    private let sequence: UInt64
    private let startedAt: UInt64
    /// Whether an answer was given; exchanged once, orders nothing else.
    private let answered = Atomic<Bool>(false)

    /// Hands a request out; on the loop's thread.
    init(loop: EventLoop, token: PollToken, sequence: UInt64) {
        self.loop = loop
        self.token = token
        self.sequence = sequence
        startedAt = loop.now
        loop.meter.begin()
    }

    deinit {
        if !answered.load(ordering: .relaxed) { loop.enqueue(.abandoned(token, sequence)) }
    }

    func respond(_ response: Response) {
        guard !answered.exchange(true, ordering: .relaxed) else {
            // A second answer is dropped: the first is on its way.
            return response.stopUnsent()
        }
        loop.perform(.respond(token, sequence, response, since: startedAt))
    }

    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        loop.perform(.watchDisconnect(token, sequence, action))
    }

    func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void) {
        loop.perform(.timer(token, sequence, nanoseconds: nanoseconds, action))
    }
}

/// A stream's way to its loop: any number of wakes before the loop looks are one.
final class StreamSignal: Sendable {
    private let loop: EventLoop
    private let token: PollToken
    private let sequence: UInt64
    /// True from a wake until the loop is about to call `fill`.
    ///
    /// Acquire-release: what the waking thread wrote before `wake` is seen by the `fill` that
    /// follows, whether this wake left the job or found one pending.
    private let pending = Atomic<Bool>(false)

    init(loop: EventLoop, token: PollToken, sequence: UInt64) {
        self.loop = loop
        self.token = token
        self.sequence = sequence
    }

    /// Any thread.
    func raise() {
        guard !pending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        // Through the inbox also on the loop's own thread: `fill` is never called from `wake`.
        loop.enqueue(.wake(token, sequence))
    }

    /// The loop, before it calls `fill`.
    func lower() { _ = pending.exchange(false, ordering: .acquiringAndReleasing) }
}
