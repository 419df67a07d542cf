import HTTP
import JSON

/// The first thing on a stream.
struct Hello: Sendable {
    var id: String
    var epoch: String
    var oldest: String
    var latest: String
    var heartbeatMilliseconds: Int
}

/// Says that events are missing.
struct Gap: Sendable {
    var reason: GapReason
    /// The id the client asked to go on from, or was at.
    var requested: String?
    /// Where the stream is now: the next event is the one after.
    var resumesAt: String
    /// How many events the feed lost in between; nil where nobody can know.
    var missed: UInt64?
    /// Whether the stream has a filter: how many of the missed it would have let through cannot be
    /// known.
    var isFiltered: Bool
}

/// The last thing on a stream that the server ends.
struct Bye: Sendable {
    var reason: String
    var retryMilliseconds: Int?
}

/// The two forms of a stream, byte by byte.
enum StreamForm: String, Sendable {
    case serverSent = "text/event-stream"
    case lines = "application/x-ndjson"

    func append(_ event: RenderedEvent, to output: inout [UInt8]) {
        switch self {
        case .serverSent: output.append(contentsOf: event.block)
        case .lines:
            output.append(contentsOf: event.line)
            output.append(UInt8(ascii: "\n"))
        }
    }

    func append(_ hello: Hello, to output: inout [UInt8]) {
        control("hello", id: hello.id, to: &output) { json in
            json.member("id", hello.id)
            json.member("epoch", hello.epoch)
            json.member("oldest", hello.oldest)
            json.member("latest", hello.latest)
            json.member("heartbeat_ms", hello.heartbeatMilliseconds)
        }
    }

    func append(_ gap: Gap, to output: inout [UInt8]) {
        control("gap", id: gap.resumesAt, to: &output) { json in
            json.member("reason", gap.reason.rawValue)
            json.member("requested", orNull: gap.requested)
            json.member("resumes_at", gap.resumesAt)
            json.key("missed")
            if let missed = gap.missed { json.value(Int64(clamping: missed)) } else { json.null() }
            if gap.isFiltered { json.member("filtered", true) }
        }
    }

    func append(_ bye: Bye, to output: inout [UInt8]) {
        control("bye", id: nil, to: &output) { json in
            json.member("reason", bye.reason)
            if let wait = bye.retryMilliseconds { json.member("retry_ms", wait) }
        }
    }

    /// Only server-sent events have a `retry`.
    func appendRetry(_ milliseconds: Int, to output: inout [UInt8]) {
        if self == .serverSent {
            SSEEncoder.appendRetry(to: &output, milliseconds: milliseconds)
        }
    }

    /// A comment, or an empty line; with `id`, the reader's last id becomes that one.
    func appendHeartbeat(id: String?, to output: inout [UInt8]) {
        switch self {
        case .serverSent:
            SSEEncoder.appendComment(to: &output, "hb", id: id)
        case .lines:
            output.append(UInt8(ascii: "\n"))
        }
    }

    private func control(
        _ kind: String,
        id: String?,
        to output: inout [UInt8],
        _ write: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter(reserving: 160)
        json.beginObject()
        json.member("kind", kind)
        write(&json)
        json.endObject()
        switch self {
        case .serverSent:
            SSEEncoder.appendEvent(to: &output, event: kind, id: id, data: json.bytes)
        case .lines:
            output.append(contentsOf: json.bytes)
            output.append(UInt8(ascii: "\n"))
        }
    }
}
