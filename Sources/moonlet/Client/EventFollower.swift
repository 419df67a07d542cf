// Follows GET /v1/events across connections, as a browser's EventSource does.
//
// 1. Connect, with Last-Event-ID once an id was seen. A refusal ends it; so does a server that can't
//    be reached, the first time.
// 2. Hand out each event as it comes. Silence of three heartbeats, of which the stream's `hello` says
//    how far apart they are, counts as a lost connection.
// 3. When the stream ends, say so once, wait as long as the server's `retry:` asked, go to 1.

struct EventFollower {
    /// Whether the taker of an event wants more of them.
    enum Verdict {
        case goOn
        case enough
    }

    /// A day: more than anybody waits, and little enough to be counted in.
    private static let heartbeatMillisecondsMax = 86_400_000

    private let client: APIClient
    private let query: [(String, String)]
    private var lastEventID = ""
    private var retryMilliseconds = 2_000
    /// As the last `hello` said; until one did, what servers have unless told otherwise.
    private var heartbeatMilliseconds = 15_000
    private var wasConnected = false
    private var isLost = false

    /// Prepares to follow the stream with this query.
    init(client: APIClient, query: [(String, String)]) {
        self.client = client
        self.query = query
    }

    /// Hands events to `take` until it has enough; returns then.
    mutating func follow(
        _ take: (ServerSentEvent) throws(CommandFailure) -> Verdict
    ) throws(CommandFailure) {
        while true {
            do throws(CommandFailure) {
                if try streamOnce(take) == .enough { return }
            } catch {
                guard wasConnected, error.code == .unreachable else { throw error }
            }
            if !isLost {
                Terminal.complain("The stream from \(client.address) ended; connecting again.")
                isLost = true
            }
            Terminal.pause(milliseconds: retryMilliseconds)
        }
    }

    /// Reads one connection's events; `.goOn` means that the stream ended.
    private mutating func streamOnce(
        _ take: (ServerSentEvent) throws(CommandFailure) -> Verdict
    ) throws(CommandFailure) -> Verdict {
        let connection = try Connection(to: client.address, trusting: client.authoritiesFile)
        let fields = lastEventID.isEmpty ? [] : [("Last-Event-ID", lastEventID)]
        try connection.write(
            client.head(
                "GET",
                ["v1", "events"],
                query: query,
                accept: "text/event-stream",
                fields: fields,
                last: false
            )
        )
        var reader = ResponseReader()
        var parser = EventStreamParser(lastEventID: lastEventID)
        while !reader.isDone {
            let bytes = try connection.read(within: silenceMilliseconds)
            var content: [UInt8] = []
            try client.feed(bytes, to: &reader, into: &content)
            guard let head = reader.head else { continue }
            guard head.status == 200 else {
                try refuse(head, content, &reader, connection)
                return .goOn
            }
            wasConnected = true
            isLost = false
            let events = parser.feed(content)
            retryMilliseconds = parser.retryMilliseconds ?? retryMilliseconds
            for event in events {
                if event.kind == "hello" { heed(event) }
                lastEventID = event.lastEventID
                if try take(event) == .enough { return .enough }
            }
        }
        return .goOn
    }

    private var silenceMilliseconds: Int { 3 * heartbeatMilliseconds }

    private mutating func heed(_ hello: ServerSentEvent) {
        guard let told = (try? hello.json())?["heartbeat_ms"]?.integer, told > 0 else { return }
        heartbeatMilliseconds = min(told, Self.heartbeatMillisecondsMax)
    }

    /// Reads a refusal to its end and throws it, unless it is a passing one of a known server.
    private func refuse(
        _ head: ResponseHead,
        _ start: [UInt8],
        _ reader: inout ResponseReader,
        _ connection: borrowing Connection
    ) throws(CommandFailure) {
        var content = start
        while !reader.isDone {
            let bytes = try connection.read(within: silenceMilliseconds)
            try client.feed(bytes, to: &reader, into: &content)
        }
        if wasConnected, head.status == 503 { return }
        throw Answer(status: head.status, body: content).failure(from: client.address)
    }
}
