/// What a server's loops have counted since the start, all together.
package struct Traffic: Sendable {
    /// The answers that have one label (`Response.label`).
    package struct Label: Sendable {
        /// How many were 1xx, 2xx, and so on.
        package var byClass = [UInt64](repeating: 0, count: 5)
        /// How many took up to each of `bucketNanoseconds` and more than the one before; the last
        /// count is of those that took longer than all.
        package var buckets = [UInt64](repeating: 0, count: Traffic.bucketNanoseconds.count + 1)
        /// What they took together, from the hand-over to the handler to the answer (a stream's: to
        /// its beginning).
        package var nanoseconds: UInt64 = 0
    }

    /// Bounds of the buckets of a request's duration: from a look into a table to a long wait.
    package static let bucketNanoseconds: [UInt64] = [
        25_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000, 25_000_000, 100_000_000,
        250_000_000, 1_000_000_000, 5_000_000_000, 30_000_000_000,
    ]

    package var labels: [Label]
    /// Requests a handler has and did not answer yet.
    package var inFlight = 0
    /// Requests whose client went away before it was answered.
    package var disconnects: UInt64 = 0
    /// Connections accepted.
    package var accepted: UInt64 = 0
    /// Bytes read from and taken by sockets; with TLS, as they are on the wire.
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    /// The server's own refusals by their code.
    package var refusals: [String: UInt64] = [:]
    /// Connections and answers in streams that are open now.
    package var connections = 0
    package var streams = 0

    package init(labels: Int) {
        self.labels = Array(repeating: Label(), count: labels)
    }
}
