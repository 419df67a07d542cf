import HTTP
import JSON
import ProcessRuntime

/// One event, ready for every stream: its server-sent form, and where in it the JSON lies.
struct RenderedEvent: Sendable {
    /// The whole event, the empty line that dispatches it included.
    let block: [UInt8]
    private let json: Range<Int>

    /// One line of JSON, without its end.
    var line: ArraySlice<UInt8> { block[json] }

    /// Renders an event; what a result may have at most is `resultBytesMax` bytes of JSON.
    init(_ event: LifecycleEvent, _ pids: PIDFormat, resultBytesMax: Int) {
        let id = EventID(epoch: pids.epoch, sequence: event.sequence).text
        let data = RenderedEvent.data(event, id, pids, resultBytesMax)
        var block: [UInt8] = []
        block.reserveCapacity(data.count + 64)
        SSEEncoder.appendEvent(to: &block, event: event.kind.rawValue, id: id, data: data)
        // The data is one line, so it stands as it is before the two line ends.
        json = block.count - 2 - data.count..<block.count - 2
        self.block = block
    }

    private static func data(
        _ event: LifecycleEvent,
        _ id: String,
        _ pids: PIDFormat,
        _ resultBytesMax: Int
    ) -> [UInt8] {
        var json = JSONWriter(reserving: 256)
        json.beginObject()
        json.member("id", id)
        json.member("at", Timestamp.text(event.at))
        json.member("kind", event.kind.rawValue)
        json.member("from", pids.text(event.from))
        switch event.detail {
        case .none:
            if event.kind == .upgrade { json.member("entry", event.entry) }
        case .spawned(let name, let parent):
            json.member("entry", event.entry)
            json.member("host", event.host)
            json.member("name", orNull: name)
            json.member("parent", orNull: parent.map(pids.text))
        case .exited(let record):
            json.exitOutcome(record, resultBytesMax: resultBytesMax)
        case .linkDown(let to, let error):
            json.member("to", pids.text(to))
            json.member("error", error, atMost: resultBytesMax)
        case .named(let name):
            json.member("name", name)
        case .text(let text):
            let limit = event.kind == .limit ? limitName(text) : nil
            if let limit { json.member("limit", limit) } else { json.member("reason", text) }
        case .logged(let level, let message, let line):
            json.member("level", level)
            json.member("msg", message)
            json.member("line", line)
        }
        json.endObject()
        return json.bytes
    }

    /// The name in `limits` of the limit a LIMIT event is about.
    private static func limitName(_ text: String) -> String? {
        switch ExitReason.Limit(rawValue: text) {
        case .memory: "memory_bytes"
        case .cpu: "cpu_ms"
        case .lifetime: "lifetime_ms"
        case nil: nil
        }
    }
}
