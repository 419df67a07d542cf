package import HTTP

/// Answers requests.
///
/// Called on a loop thread: it must not block.
package protocol Handler: Sendable {
    /// Answers `request`, now or later, by calling `exchange.respond` exactly once.
    func handle(_ request: Request, _ exchange: any Exchange)

    /// Decides about a request that announces a body, before the body is read.
    ///
    /// `head` has an empty body. The default admits every request with the server's own limit.
    func admit(_ head: Request) -> Admission
}

extension Handler {
    package func admit(_ head: Request) -> Admission { .proceed(bodyBytesMax: nil) }
}

/// What becomes of a request whose body has not been read yet.
package enum Admission: Sendable {
    /// Read the body: at most `bodyBytesMax` bytes of it, or the server's limit when nil.
    case proceed(bodyBytesMax: Int?)
    /// Answer now and close: the body is not wanted.
    case refuse(Response)
}

/// One request waiting for its answer.
///
/// `respond` may be called from any thread; the loop is woken when it is not the loop's own. A
/// response to a client that is gone is dropped, and a stream in it is stopped. An exchange that is
/// released unanswered answers 500.
package protocol Exchange: AnyObject, Sendable {
    func respond(_ response: Response)
    /// Calls `action` once on the loop thread if the client goes away before the response was sent.
    ///
    /// A client that has only shut down its sending side looks the same as one that is gone, and
    /// counts as gone here; an answer given all the same is still sent to it.
    func onDisconnect(_ action: @escaping @Sendable () -> Void)
    /// Calls `action` on the loop thread after `nanoseconds`, unless answered before.
    func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void)
}
