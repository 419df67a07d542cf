import HTTP
import JSON
import Posix
import ProcessRuntime

/// `/v1/system`, the probes, and the contract.
enum ServerState {
    static func system(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let position = context.position
        let runtime = context.runtime
        let probes = context.configuration.probes
        let uptime = runtime.clock.now() - context.startedAt.monotonic
        return .json { json in
            json.member("version", context.configuration.version)
            json.member("node", runtime.pids.node)
            json.member("epoch", runtime.pids.epoch)
            json.member("started_at", Timestamp.text(context.startedAt.wall))
            json.member("uptime_ms", Int64(clamping: uptime / 1_000_000))
            limits(context, &json)
            json.key("counts")
            json.beginObject()
            let counts = runtime.counts
            json.member("processes", counts.live)
            json.member("names", runtime.nameCount)
            json.member("spawned", Int64(clamping: counts.spawned))
            json.member("exited", Int64(clamping: counts.exited))
            json.member("messages", Int64(clamping: counts.messages))
            json.member("mailbox_full", Int64(clamping: runtime.mailboxFullCount))
            json.member("timers", runtime.pendingTimers)
            json.member("events", Int64(clamping: runtime.feed.latest))
            json.member("streams", context.hub.openCount)
            json.member("connections", probes.connections())
            json.member("run_queue", probes.runQueueLength())
            json.endObject()
            json.key("memory")
            json.beginObject()
            json.member("resident_bytes", probes.usage().residentBytes)
            json.member("lua_bytes", runtime.memoryBytes())
            json.endObject()
            json.key("workers")
            json.beginArray()
            for (index, worker) in probes.workers().enumerated() {
                json.beginObject()
                json.member("index", index)
                json.member("state", worker.state)
                json.member("turns", Int64(clamping: worker.turns))
                json.endObject()
            }
            json.endArray()
            json.member("position", position)
        }
    }

    private static func limits(_ context: Context, _ json: inout JSONWriter) {
        let runtime = context.runtime.configuration
        json.key("limits")
        json.beginObject()
        json.member("processes", runtime.processesMax)
        json.member("events", runtime.eventsMax)
        json.member("event_bytes", runtime.eventBytesMax)
        json.member("exits", runtime.exitsMax)
        json.member("exit_age_ms", Int64(clamping: runtime.exitAgeNanoseconds / 1_000_000))
        json.member("names_per_process", runtime.namesPerProcessMax)
        json.member("name_bytes", runtime.nameBytesMax)
        json.member("body_bytes", context.configuration.bodyBytesMax)
        json.member("batch_bytes", context.configuration.linesBytesMax)
        json.member("result_bytes", context.configuration.resultBytesMax)
        json.member("streams", context.configuration.streamsMax)
        json.member("workers", context.configuration.workers)
        json.member("worker_threads", context.configuration.workerThreadsMax)
        json.endObject()
    }

    static func live(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        if context.configuration.probes.progress() { return healthy }
        throw .notReady("The event loop or the workers made no progress for 10 s.")
    }

    static func ready(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        if context.isDraining { throw .draining() }
        if let reason = context.configuration.probes.notReady() { throw .notReady(reason) }
        return healthy
    }

    private static var healthy: Response { .json { $0.member("status", "ok") } }

    /// The contract; not found where the program came without it.
    static func contract(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        guard !context.contract.isEmpty else { throw .routeNotFound(call.request.path) }
        return Response(
            status: 200,
            headers: Headers([("Content-Type", "application/yaml")]),
            body: .bytes(context.contract)
        )
    }
}
