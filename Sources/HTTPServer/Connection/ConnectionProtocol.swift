// The seam between a connection's transport and the protocol it speaks.

import HTTP

/// One protocol's state on one connection.
///
/// All calls come on the loop's thread. Calls other than `turn` only note what happened; `turn`,
/// which follows, does the work, so that nothing happens twice or inside something else.
protocol ConnectionProtocol: AnyObject {
    /// Whether more input would be of use now.
    var wantsInput: Bool { get }
    /// Whether `turn` has more to do as soon as output was sent.
    var wantsRoom: Bool { get }
    /// Whether `turn` has more to do: it stopped so that others have theirs, or for want of room.
    var wantsTurn: Bool { get }
    /// When `expire` is wanted; nil for never.
    var deadline: UInt64? { get }

    /// Bytes came; they are lent for the call.
    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64)
    /// The peer has sent all it will, and all of it was received.
    func inputEnded()
    /// The peer has shut down its sending side, or more; there may be input left.
    func peerHungUp()
    /// Does what can be done now: parse, hand to handlers, answer, fill streams.
    ///
    /// At most `EventLoop.requestsPerTurn` requests: see `wantsTurn`.
    func turn(now: UInt64)
    /// The deadline has come.
    func expire(now: UInt64)
    /// The connection is closed: tell the handlers that wait and stop the streams.
    func gone()

    // Answers, found by the number the request was handed out with.
    //
    // `nanoseconds` is what the handler took.
    func complete(_ sequence: UInt64, _ response: Response, after nanoseconds: UInt64)
    func abandon(_ sequence: UInt64)
    func watchDisconnect(_ sequence: UInt64, _ action: @escaping @Sendable () -> Void)
    func addTimer(_ sequence: UInt64, at: UInt64, _ action: @escaping @Sendable () -> Void)
    func wake(_ sequence: UInt64)
}

/// A session that hands nothing out: there is nobody to tell, and no answer to come.
protocol UnaskedSession: ConnectionProtocol {}

extension UnaskedSession {
    var wantsRoom: Bool { false }
    var wantsTurn: Bool { false }
    func gone() {}
    func complete(_ sequence: UInt64, _ response: Response, after nanoseconds: UInt64) {}
    func abandon(_ sequence: UInt64) {}
    func watchDisconnect(_ sequence: UInt64, _ action: @escaping @Sendable () -> Void) {}
    func addTimer(_ sequence: UInt64, at: UInt64, _ action: @escaping @Sendable () -> Void) {}
    func wake(_ sequence: UInt64) {}
}
