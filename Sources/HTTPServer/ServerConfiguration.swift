// Every limit of the server, with the defaults of the product.

package import HTTP
package import Posix
package import TLS

/// How a server listens and what it puts up with.
package struct ServerConfiguration: Sendable {
    package var listen: [ListenPoint]
    /// Loop threads; more than one share an address by SO_REUSEPORT.
    package var ioThreads = 1
    /// What connections to Internet addresses are encrypted with; nil for none.
    package var tls: ReloadableContext?
    package var limits = ConnectionLimits()
    /// Open connections in all; one more is answered 503 `connection-limit`.
    package var connectionsMax = 16_384
    /// Open connections of one peer (an IPv4 address, an IPv6 /64); not of those at a path.
    package var connectionsPerPeerMax = 4_096
    /// Open streams of one peer; one more is answered 503 `stream-limit`.
    package var streamsPerPeerMax = 64
    /// Bytes of heads of requests on all HTTP/2 connections that are not handed out yet.
    package var headsBytesMax = 64 << 20
    /// How many labels the handler's answers have for metrics (`Response.label`).
    package var labels = 1
    /// Called by each loop around every round of work, on its thread.
    package var round = RoundHooks()
    /// Called once when draining begins, on the thread that called `drain`: end the streams.
    package var onDrain: @Sendable () -> Void = {}

    package init(_ listen: [ListenPoint]) {
        self.listen = listen
    }

    package init(addresses: [SocketAddress]) {
        self.init(addresses.map { .address($0) })
    }
}

/// What a loop calls before and after it serves all that is ready; it does not sleep in between.
package struct RoundHooks: Sendable {
    package var begins: @Sendable () -> Void = {}
    package var ends: @Sendable () -> Void = {}

    package init() {}
}

/// The limits of one connection; times in nanoseconds.
package struct ConnectionLimits: Sendable {
    /// What the parser accepts.
    package var http1 = HTTP1Limits()
    /// What an HTTP/2 connection may do; its requests have the limits of `http1`.
    package var http2 = HTTP2Limits()
    /// From the accept, or the first byte of a later request, to the end of its head.
    package var headNanoseconds: UInt64 = 10 * second
    /// How long a body may take to bring `bodyBytesPerWindow` more bytes.
    package var bodyNanoseconds: UInt64 = 30 * second
    /// The least a body must bring in each window of `bodyNanoseconds`: 1 KiB a second.
    package var bodyBytesPerWindow = 30 * 1024
    /// How long a kept connection may wait for its next request.
    package var idleNanoseconds: UInt64 = 75 * second
    /// How long a socket may take to take `answerBytesPerWindow` more of what we have for it.
    package var writeStallNanoseconds: UInt64 = 30 * second
    /// The least that a socket, and a client of HTTP/2 of each answer, must take in such a window.
    package var answerBytesPerWindow = 4 * 1024
    /// How long after our last byte we read and throw away what the peer still sends.
    package var lingerNanoseconds: UInt64 = 5 * second
    /// How often we look whether a client that sends no more still waits for its answers.
    package var probeNanoseconds: UInt64 = 10 * second
    /// Requests of one connection that may be waiting for their answers.
    package var inFlightMax = 16
    /// Unsent bytes above which no further request is read; one answer may be as large as it is.
    package var outputBytesMax = 1 << 20
    /// Unsent bytes above which a stream is not asked for more.
    package var streamBytesMax = 256 * 1024
    /// Unsent bytes of whole answers on one HTTP/2 connection above which requests wait.
    package var answersBytesMax = 4 << 20
    /// Bytes of unfinished bodies on one HTTP/2 connection above which only the oldest goes on.
    package var bodiesBytesMax = 4 << 20
    /// Bytes of heads of requests on one HTTP/2 connection that are not handed out yet: a stream
    /// above them is refused.
    package var headsBytesMax = 256 << 10

    package init() {}

    private static let second: UInt64 = 1_000_000_000
}
