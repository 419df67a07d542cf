// A server on a free loopback port with a handler made of closures.

import HTTP
import Logging
import Posix
import Synchronization
import Testing

@testable import HTTPServer

let millisecond: UInt64 = 1_000_000

/// A handler from closures.
struct TestHandler: Handler {
    var onRequest: @Sendable (Request, any Exchange) -> Void
    var onHead: @Sendable (Request) -> Admission = { _ in .proceed(bodyBytesMax: nil) }

    func handle(_ request: Request, _ exchange: any Exchange) { onRequest(request, exchange) }
    func admit(_ head: Request) -> Admission { onHead(head) }

    /// A refusal that says which request it is for, by its path.
    func refuse(_ fault: Fault, of request: Request?) -> Response {
        var headers = Headers([
            ("Content-Type", "application/problem+json"), ("X-Request-Id", "r"),
            ("X-Refused", request?.path ?? "nothing"),
        ])
        if let seconds = fault.retryAfterSeconds { headers.append("Retry-After", "\(seconds)") }
        let text = "\(fault.code) r: \(fault.detail)"
        return Response(status: fault.status, headers: headers, body: .bytes(Array(text.utf8)))
    }

    func refuse(_ fault: Fault, insteadOf answer: Response) -> Response {
        var refusal = refuse(fault, of: nil)
        refusal.label = answer.label
        return refusal
    }
}

/// Answers 200 with `METHOD path body`.
let echo = TestHandler { request, exchange in
    let text = "\(request.method) \(request.path) \(String(decoding: request.body, as: UTF8.self))"
    exchange.respond(
        Response(
            status: 200,
            headers: Headers([("Content-Type", "text/plain")]),
            body: .bytes(Array(text.utf8))
        )
    )
}

func text(_ text: String) -> Response {
    Response(status: 200, body: .bytes(Array(text.utf8)))
}

/// Tests speak for themselves.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `body` against a started server, and stops it.
func withServer<Value>(
    _ handler: TestHandler = echo,
    sockets: any SocketLayer = SystemSockets(),
    configure: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (HTTPServer) throws -> Value
) throws -> Value {
    var configuration = ServerConfiguration(
        addresses: [try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)]
    )
    configure(&configuration)
    let server = HTTPServer(configuration, handler: handler, logger: quiet, sockets: sockets)
    try server.start()
    defer { server.stop() }
    return try body(server)
}

/// Waits for a condition that another thread brings about; fails after ten seconds.
func eventually(
    _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) {
    let parker = Parker()
    let deadline = SystemTime.monotonicNanoseconds() + 10_000 * millisecond
    while !condition() {
        guard SystemTime.monotonicNanoseconds() < deadline else {
            Issue.record("never: \(what)", sourceLocation: sourceLocation)
            return
        }
        parker.park(until: SystemTime.monotonicNanoseconds() + millisecond)
    }
}

/// A value threads share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: sending Value) { self.value = Mutex(value) }
    func get() -> Value { value.withLock { $0 } }
    func update(_ body: @Sendable (inout Value) -> Void) { value.withLock { body(&$0) } }
}

/// A stream the test feeds.
final class TestStream: ResponseStream {
    private struct State {
        var waker: StreamWaker?
        var queue: [[UInt8]] = []
        var isEnded = false
        var isEndless = false
        var stops = 0
        var fills = 0
        var produced = 0
    }
    private let state = Mutex(State())

    init(endless: Bool = false) { state.withLock { $0.isEndless = endless } }

    var stops: Int { state.withLock { $0.stops } }
    var fills: Int { state.withLock { $0.fills } }
    var produced: Int { state.withLock { $0.produced } }
    var isStarted: Bool { state.withLock { $0.waker != nil } }

    func push(_ text: String) {
        let waker = state.withLock { state in
            state.queue.append(Array(text.utf8))
            return state.waker
        }
        waker?.wake()
    }

    func end() {
        let waker = state.withLock { state in
            state.isEnded = true
            return state.waker
        }
        waker?.wake()
    }

    func start(_ waker: StreamWaker) { state.withLock { $0.waker = waker } }

    func fill(_ output: inout [UInt8], room: Int, now: UInt64) -> StreamStep {
        let (bytes, step) = state.withLock { state -> ([UInt8], StreamStep) in
            #expect(state.stops == 0, "fill after stop")
            state.fills += 1
            if state.isEndless {
                state.produced += 4096
                return ([UInt8](repeating: 120, count: 4096), .ready)
            }
            let bytes = Array(state.queue.joined())
            state.queue = []
            return (bytes, state.isEnded ? .ended : .waiting(until: nil))
        }
        output += bytes
        return step
    }

    func stop() { state.withLock { $0.stops += 1 } }
}
