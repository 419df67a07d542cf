package import HTTP

/// Answers requests.
///
/// Called on a loop thread: it must not block.
package protocol Handler: Sendable {
    /// Answers `request`, now or later, by calling `exchange.respond` exactly once.
    func handle(_ request: Request, _ exchange: any Exchange)
}

/// One request waiting for its answer.
///
/// `respond` may be called from any thread; the loop is woken when it is not the loop's own. A
/// response to a client that is gone is dropped. An exchange that is released unanswered answers 500.
package protocol Exchange: AnyObject, Sendable {
    func respond(_ response: Response)
    /// Calls `action` once on the loop thread if the client goes away before the response was sent.
    func onDisconnect(_ action: @escaping @Sendable () -> Void)
    /// Calls `action` on the loop thread after `nanoseconds`, unless answered before.
    func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void)
}
