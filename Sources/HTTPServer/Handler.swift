package import HTTP

/// Answers requests.
///
/// Called on a loop thread: it must not block.
package protocol Handler: Sendable {
    /// Answers `request`, now or later, by calling `exchange.respond` exactly once.
    ///
    /// Not called for one that `admit` has found another way for.
    func handle(_ request: Request, _ exchange: any Exchange)

    /// Decides about a request that announces a body, before the body is read.
    ///
    /// `head` has an empty body. The default admits every request with the server's own limit.
    func admit(_ head: Request) -> Admission

    /// Words one of the server's own refusals, which reads and is dressed as the handler's own.
    ///
    /// `request` is what is refused, perhaps with some of its body; nil where none could be read, or
    /// its head is not at hand any more.
    func refuse(_ fault: Fault, of request: Request?) -> Response
    /// Words a refusal in place of `answer`, which cannot be sent.
    func refuse(_ fault: Fault, insteadOf answer: Response) -> Response
}

extension Handler {
    package func admit(_ head: Request) -> Admission { .proceed(bodyBytesMax: nil) }
}

/// What becomes of a request whose body has not been read yet.
package enum Admission: Sendable {
    /// Read the body, at most `bodyBytesMax` bytes of it, or the server's limit when nil; then the
    /// request goes to `handle`.
    case proceed(bodyBytesMax: Int?)
    /// Read the body, at most `bodyBytesMax` bytes of it, and give it to `then`.
    ///
    /// `then` is called in place of `handle`, once, on the loop thread: what was found out about the
    /// head need not be found out again. It is not called if the body does not come.
    case collect(bodyBytesMax: Int, then: @Sendable ([UInt8], any Exchange) -> Void)
    /// Answer now and close: the body is not wanted.
    case refuse(Response)
    /// Do not wait for the body: hand its bytes, at most `bodyBytesMax`, to what `begin` makes.
    ///
    /// `begin` is called in place of `handle`, once, on the loop thread, before the first byte; with
    /// it the request is the receiver's. A body that announces more than it may have is refused with
    /// 413 before that. A request without a body goes to `handle`.
    case stream(bodyBytesMax: Int, begin: @Sendable (any Exchange) -> any BodyReceiver)
}

/// Takes a request's body while it arrives.
///
/// Calls come on the connection's loop thread, one at a time, and must not block: first `receive`,
/// any number of times, and then exactly one of `ended` and `failed`.
///
/// - *Answering*: by the exchange, at any time: before, while or after the body comes, with bytes or
///   with a stream, which then runs while the body still comes. The stream is asked to `fill` after
///   each of the calls here, so that it need not wake itself for what they bring.
/// - *Back-pressure*: `wantsMore` is asked before each `receive`, and again whenever the stream was
///   filled or woken. While it is false, or the client does not take what was answered, nothing is
///   read, and the protocol's flow control stops the client; such time is not the client's.
/// - *Early end*: an answer that is complete before the body is ends the reading. The receiver gets
///   no further call, and the rest of the body is not wanted: HTTP/1 closes the connection (and
///   lingers, so that the client can read the answer), HTTP/2 resets the stream with NO_ERROR
///   (RFC 9113, 8.1).
/// - *Half-closing*: a client may shut down its side after the body; its answer goes on.
/// - *Progress*: in each window of `ConnectionLimits.bodyNanoseconds` something must come.
package protocol BodyReceiver: AnyObject, Sendable {
    /// Whether it can take more now.
    var wantsMore: Bool { get }
    /// Takes the next bytes, never none; how they are cut means nothing.
    func receive(_ bytes: Span<UInt8>)
    /// The body is complete.
    func ended()
    /// The body will not be completed.
    func failed(_ failure: BodyFailure)
}

/// Why a body that was being streamed ends early.
package enum BodyFailure: Sendable, Equatable {
    /// The client is gone, or closed its side in the middle: nobody may be left to read an answer.
    case disconnected
    /// Too large, malformed or too slow.
    ///
    /// If there is no answer yet the server gives the fault's; a stream that runs may say so in its
    /// own form, and is to end. The connection closes after it.
    case refused(Fault)
}

/// One request waiting for its answer.
///
/// `respond` may be called from any thread; the loop is woken when it is not the loop's own. A
/// response to a client that is gone is dropped, and a stream in it is stopped. An exchange that is
/// released unanswered answers 500, unless its client is gone.
package protocol Exchange: AnyObject, Sendable {
    func respond(_ response: Response)
    /// Calls `action` once on the loop thread if the client goes away before the response was sent.
    ///
    /// A client that has only shut down its sending side is not gone: it looks the same, but what
    /// it is sent while it waits (an interim response; over HTTP/2 a PING) only one that is gone
    /// refuses. Over HTTP/1.0 there is nothing to send, and it counts as gone; an answer given all
    /// the same is still sent to it. Whoever reads a stream of content, and has sent no body
    /// meanwhile, is gone as soon as it sends no more.
    func onDisconnect(_ action: @escaping @Sendable () -> Void)
    /// Calls `action` on the loop thread after `nanoseconds`, unless the request was answered or its
    /// client has gone before.
    func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void)
}
