package import Access
package import HTTPServer
package import Posix

/// What the control API can be told; the defaults are the product's.
///
/// Durations in nanoseconds, sizes in bytes.
package struct ControlConfiguration: Sendable {
    /// The server's version, for `/v1/system`.
    package var version = "dev"
    /// Hosts a request may name besides `localhost` and the loopback addresses: bound addresses
    /// and `MOONLET_ALLOWED_HOSTS`, without ports.
    package var allowedHosts: [String] = []
    /// Whether any IP address is a bound address, as it is when the server listens on all.
    ///
    /// A page that rebinds DNS can only ever name a domain, so addresses are safe to allow then.
    package var allowsAnyAddress = false
    /// Origins of other sites that may call (`MOONLET_CORS_ORIGINS`): `https://ops.example`.
    package var corsOrigins: [String] = []
    /// Who may do what; nil where anyone who reaches the server may do anything.
    package var gatekeeper: Gatekeeper?
    /// Whether each mutating request gets a line in the log.
    package var audits = false
    /// How many workers give processes turns at one moment, and how many threads there may be for
    /// that, spares included.
    package var workers = 1
    package var workerThreadsMax = 1
    /// The largest JSON body, and the largest line where a body is lines of JSON.
    package var bodyBytesMax = 1 << 20
    /// The largest body of lines of JSON.
    package var linesBytesMax = 64 << 20
    /// Event streams open at once.
    package var streamsMax = 10_000
    /// Silence on a stream after which a heartbeat is sent.
    package var heartbeatNanoseconds: UInt64 = 15_000_000_000
    /// How long a client waits before it connects again.
    package var retryMilliseconds = 2_000
    /// The largest result an event carries, as JSON.
    package var resultBytesMax = 64 << 10
    /// Rendered events shared by the streams: how many, and their bytes.
    package var renderedEventsMax = 8_192
    package var renderedBytesMax = 16 << 20
    /// How long an answer is kept for retries with its `Idempotency-Key`.
    package var idempotencyNanoseconds: UInt64 = 600_000_000_000
    /// Answers kept for retries: how many, and their bytes with those of the requests.
    package var idempotencyKeysMax = 10_000
    package var idempotencyBytesMax = 64 << 20
    /// Calls with a key whose client left: of one token or address, and in all.
    package var detachedCallsPerOwnerMax = 256
    package var detachedCallsMax = 4_096
    /// Where request ids and jitter come from.
    package var random: @Sendable () -> UInt64 = {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
    package var probes = Probes()

    package init() {}

    /// What the rest of the program knows about itself; asked on a loop thread, must not block.
    package struct Probes: Sendable {
        /// Whether the event loop and a worker made progress within 10 s.
        package var progress: @Sendable () -> Bool = { true }
        /// Why the server does not want traffic yet, or nil.
        package var notReady: @Sendable () -> String? = { nil }
        /// Connections open now.
        package var connections: @Sendable () -> Int = { 0 }
        package var workers: @Sendable () -> [WorkerStatus] = { [] }
        /// Processes that wait for a turn.
        package var runQueueLength: @Sendable () -> Int = { 0 }
        /// What the HTTP server counted, with `ControlAPI.labels` labels.
        package var traffic: @Sendable () -> Traffic = { Traffic(labels: ControlAPI.labels) }
        /// What the program uses of its machine.
        package var usage: @Sendable () -> ProcessUsage = { ProcessUsage.now() }

        package init() {}
    }

    /// One worker thread, for `/v1/system`.
    package struct WorkerStatus: Sendable {
        /// "running", "parked", "stalled" or "spare".
        package var state: String
        /// Turns given so far.
        package var turns: UInt64

        package init(state: String, turns: UInt64) {
            self.state = state
            self.turns = turns
        }
    }
}
