import JSON
import ProcessRuntime

/// The process object on the wire (openapi.yaml, Process).
extension JSONWriter {
    /// Writes a live process's members into the object that is open.
    mutating func processMembers(_ process: ProcessSnapshot, _ pids: PIDFormat) {
        member("pid", pids.text(process.pid))
        member("entry", process.entry)
        member("host", process.host)
        strings("names", process.names)
        member("state", process.state)
        member("started_at", Timestamp.text(process.startedAt))
        member("memory_bytes", process.memoryBytes)
        key("mailbox")
        beginObject()
        member("messages", process.mailboxMessages)
        member("bytes", process.mailboxBytes)
        endObject()
        member("cpu_ns", Int64(clamping: process.cpuNanoseconds))
        strings("links", process.links.map(pids.text))
        strings("monitors", process.monitors.map(pids.text))
        strings("monitored_by", process.monitoredBy.map(pids.text))
        member("trap_links", process.trapLinks)
        member("fibers", process.fibers)
        strings("waiting_for", process.waitingFor)
        member("parent", orNull: process.parent.map(pids.text))
        key("exit")
        null()
    }

    /// Writes a process that ended and is still known.
    mutating func exitedMembers(_ record: ExitRecord, _ pids: PIDFormat) {
        member("pid", pids.text(record.pid))
        member("entry", record.entry)
        member("host", record.host)
        member("state", "exited")
        member("started_at", Timestamp.text(record.startedAt))
        key("exit")
        exitRecord(record, pids)
    }

    mutating func strings(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { value(text) }
        endArray()
    }
}
