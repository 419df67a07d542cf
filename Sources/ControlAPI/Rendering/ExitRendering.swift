import JSON
import ProcessRuntime

/// The exit record on the wire (openapi.yaml, ExitRecord).
extension JSONWriter {
    /// Writes a whole exit record as an object.
    mutating func exitRecord(_ record: ExitRecord, _ pids: PIDFormat) {
        beginObject()
        exitRecordMembers(record, pids)
        endObject()
    }

    /// Writes an exit record's members into the object that is open.
    mutating func exitRecordMembers(_ record: ExitRecord, _ pids: PIDFormat) {
        member("kind", EventKind.exit.rawValue)
        member("from", pids.text(record.pid))
        exitOutcome(record, resultBytesMax: nil)
        member("at", Timestamp.text(record.at))
    }

    /// Writes what a record and an EXIT event have in common beside the event's own members.
    ///
    /// A result over `resultBytesMax` bytes of JSON is left out.
    mutating func exitOutcome(_ record: ExitRecord, resultBytesMax: Int?) {
        member("entry", record.entry)
        member("reason", record.reason.word)
        if case .normal(let result) = record.reason {
            member("result", result, atMost: resultBytesMax)
        } else {
            key("result")
            null()
        }
        member("error", record.reason.error, atMost: resultBytesMax)
        member("started_at", Timestamp.text(record.startedAt))
    }
}
