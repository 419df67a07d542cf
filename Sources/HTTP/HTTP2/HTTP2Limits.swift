/// What one HTTP/2 connection may hold and how often it may ask; see `HTTP1Limits` for its requests.
package struct HTTP2Limits: Sendable, Equatable {
    /// Streams that may be open at once; one more is refused.
    package var streamsMax = 128
    /// How many bytes of one request's body may be under way to us.
    package var streamWindowBytes = 65_535
    /// The same for all streams of the connection together.
    package var connectionWindowBytes = 1 << 20
    /// CONTINUATION frames of one head; one more ends the connection (CVE-2024-28182).
    package var continuationsMax = 8
    /// Acknowledgements of PING and SETTINGS that may wait to be sent (CVE-2019-9512).
    package var acknowledgementsMax = 100

    // How often a connection may send what costs us more than it: the largest burst, and how many a
    // second in the long run. Each is far above what clients do, and cheap to serve.

    package var settings = Rate(burst: 100, perSecond: 10)
    package var pings = Rate(burst: 100, perSecond: 20)
    package var priorities = Rate(burst: 200, perSecond: 20)
    /// Streams reset by the client (CVE-2023-44487).
    package var resets = Rate(burst: 100, perSecond: 20)
    /// Streams that the client made us reset (CVE-2025-8671).
    package var resetsSent = Rate(burst: 100, perSecond: 20)
    /// DATA frames without content that do not end a body (CVE-2019-9518).
    package var emptyData = Rate(burst: 100, perSecond: 10)
    /// WINDOW_UPDATE frames beyond those that our answers explain.
    package var windowUpdates = Rate(burst: 400, perSecond: 50)
    /// Frames of types we do not know.
    package var unknownFrames = Rate(burst: 100, perSecond: 20)

    package init() {}

    /// A burst and a long-run rate.
    package struct Rate: Sendable, Equatable {
        package var burst: Int
        package var perSecond: Int

        package init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }
}
