// One request of an HTTP/1 connection, from its head to its answer.

import HTTP

/// A request while its body comes, and then while its answer is awaited.
///
/// An object: it is looked at several times a request, and a copy of a struct's fields each time
/// costs more.
final class HTTP1Request {
    let isHead: Bool
    /// Whether it changes nothing: see `HTTPMethod.isSafe`.
    let isSafe: Bool
    var keepAlive: Bool
    let version: ProtocolVersion
    /// Its number among those in flight; 0 until it is.
    var sequence: UInt64 = 0

    /// The request until it is handed out; where its body is streamed, its head until the answer.
    var request: Request?
    /// Who takes the body once it is whole; nil for the handler.
    var then: (@Sendable ([UInt8], any Exchange) -> Void)?
    /// Who takes the body as it comes; it is not collected then.
    var receiver = BodyStage.none
    var owesContinue: Bool
    /// Since when, and with how many bytes, the present window of the body's progress runs.
    var windowStart: UInt64 = 0
    var windowBytes = 0

    /// Whether it was handed out at its head, and its body as it came.
    var isStreamed = false
    private(set) var response: Response?
    /// What the handler took to answer.
    private(set) var nanoseconds: UInt64 = 0
    /// Whether the response is a stream.
    private(set) var hasStream = false
    var watch = AnswerWatch()

    init(_ head: RequestHead, _ request: Request, windowStart: UInt64) {
        isHead = request.method == "HEAD"
        isSafe = HTTPMethod.isSafe(request.method)
        keepAlive = head.keepAlive
        version = request.version
        self.request = request
        owesContinue = head.expectsContinue && head.bodyKind != .none && version != .http10
        self.windowStart = windowStart
    }

    /// What could not be read as a request, and is only answered.
    ///
    /// `unfinished` is what was being read, where its head was whole.
    init(refused unfinished: HTTP1Request?) {
        isHead = unfinished?.isHead ?? false
        isSafe = unfinished?.isSafe ?? true
        keepAlive = false
        version = unfinished?.version ?? .http11
        owesContinue = false
    }

    /// Adds to the body that is collected.
    func collect(_ bytes: [UInt8]) {
        windowBytes += bytes.count
        if request?.body.isEmpty ?? false {
            request?.body = bytes
        } else {
            request?.body += bytes
        }
    }

    /// Takes the answer; whoever watched is told nothing any more.
    func answer(_ response: Response, after nanoseconds: UInt64 = 0) {
        self.nanoseconds = nanoseconds
        hasStream = response.isStream
        self.response = response
        if isStreamed { request = nil }
        watch.clear()
    }

    func takeResponse() -> Response? { response.take() }
}

/// How far the body of the request being read is from its receiver.
enum BodyStage {
    /// It is collected.
    case none
    case due(@Sendable (any Exchange) -> any BodyReceiver)
    case running(any BodyReceiver)

    var isRunning: Bool { if case .running = self { true } else { false } }
}
