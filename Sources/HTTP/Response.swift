/// What a handler answers; the connection adds framing fields (Content-Length, Connection, Date).
package struct Response: Sendable {
    package var status: Int
    package var headers: Headers
    package var body: ResponseBody
    /// In an answer to HEAD: how many bytes the content would have that `body` spares to make.
    package var omittedBytes: Int?
    /// What it counts as in the server's metrics: a number below `ServerConfiguration.labels`.
    package var label = 0

    package init(status: Int, headers: Headers = Headers(), body: ResponseBody = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A response's content: nothing, bytes at hand, or a stream that is asked for more.
package enum ResponseBody: Sendable {
    case none
    case bytes([UInt8])
    case stream(any ResponseStream)
}

/// Content made while it is sent (server-sent events, NDJSON).
///
/// The connection calls `fill` on its loop thread whenever the socket has room: after the head is
/// sent, after earlier bytes went out, when the stream's `StreamWaker` was called, and when the
/// time named by `.waiting` has come. It is never called concurrently.
package protocol ResponseStream: AnyObject, Sendable {
    /// Takes the waker before the first `fill`; the stream may call it from any thread.
    func start(_ waker: StreamWaker)

    /// Appends at most about `room` bytes to `output` and says how to go on.
    ///
    /// - Parameters:
    ///   - output: bytes to be sent next; append only.
    ///   - room: how many bytes the connection is ready to hold (at least one whole event may be
    ///     appended even if it is longer).
    ///   - now: monotonic nanoseconds.
    /// - Returns: how to go on.
    func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep

    /// Says that the connection is gone or the stream was ended; `fill` is not called again.
    func stop()
}

/// How a stream goes on after a `fill`.
package enum StreamStep: Sendable, Equatable {
    /// More is ready now: call again once there is room.
    case ready
    /// Nothing now: call again when woken, or at `until` (monotonic nanoseconds) if given.
    case waiting(until: UInt64?)
    /// The content is complete.
    case ended
}

/// Asks a connection's loop to call `fill` again.
///
/// Cheap, callable from any thread, coalesced.
package struct StreamWaker: Sendable {
    private let action: @Sendable () -> Void

    package init(_ action: @escaping @Sendable () -> Void) {
        self.action = action
    }

    package func wake() { action() }
}
