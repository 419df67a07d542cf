import HTTP
import HTTPServer
import Posix
import ProcessRuntime

/// `GET /metrics`: what the server counts, for Prometheus.
///
/// No label is ever a pid, a name or a path as it was sent: there are as many series as the source
/// has words for, whatever clients do.
enum Metrics {
    static func get(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        var text = Exposition()
        text.family("moonlet_build_info", .gauge, "1, with the version as a label.")
        text.sample(1, [("version", context.configuration.version)])
        processes(context, &text)
        scheduler(context, &text)
        events(context, &text)
        http(context.configuration.probes.traffic(), &text)
        program(context, &text)
        return Response(
            status: 200,
            headers: Headers([
                ("Content-Type", Exposition.mediaType), ("Cache-Control", "no-store"),
            ]),
            body: .bytes(text.bytes)
        )
    }

    private static func processes(_ context: Context, _ text: inout Exposition) {
        let runtime = context.runtime
        let counts = runtime.counts
        text.gauge("moonlet_processes", "Lua processes alive.", counts.live)
        text.gauge(
            "moonlet_processes_max",
            "How many processes there may be.",
            runtime.configuration.processesMax
        )
        text.counter("moonlet_processes_spawned_total", "Processes started.", counts.spawned)
        text.family("moonlet_processes_exited_total", .counter, "Processes ended, by reason.")
        for (reason, count) in runtime.exitCounts { text.sample(count, [("reason", reason)]) }
        text.counter(
            "moonlet_messages_sent_total",
            "Messages put into mailboxes.",
            counts.messages
        )
        text.counter(
            "moonlet_mailbox_full_total",
            "Messages refused because the mailbox was full.",
            runtime.mailboxFullCount
        )
        text.gauge("moonlet_names", "Registered names.", runtime.nameCount)
        text.gauge("moonlet_timers", "Timers pending.", runtime.pendingTimers)
        text.gauge(
            "moonlet_lua_memory_bytes",
            "Memory of all Lua states; of more than 10,000 processes an estimate from that many.",
            runtime.memoryBytes()
        )
    }

    private static func scheduler(_ context: Context, _ text: inout Exposition) {
        let probes = context.configuration.probes
        text.gauge(
            "moonlet_run_queue_length",
            "Processes that wait for a turn.",
            probes.runQueueLength()
        )
        let workers = probes.workers()
        text.family("moonlet_workers", .gauge, "Worker threads, by what they do.")
        for state in ["running", "parked", "stalled", "spare"] {
            text.sample(workers.count { $0.state == state }, [("state", state)])
        }
        text.counter(
            "moonlet_turns_total",
            "Turns given to processes.",
            workers.reduce(0) { $0 &+ $1.turns }
        )
    }

    private static func events(_ context: Context, _ text: inout Exposition) {
        let feed = context.runtime.feed
        text.counter("moonlet_events_published_total", "Events published.", feed.latest)
        text.counter(
            "moonlet_events_evicted_total",
            "Events that are no longer kept.",
            feed.oldest &- 1
        )
        text.gauge("moonlet_event_streams", "Readers of events.", context.hub.openCount)
    }

    private static func http(_ traffic: Traffic, _ text: inout Exposition) {
        let routes = Routes.labels
        text.family(
            "moonlet_http_requests_total",
            .counter,
            "Requests answered, by method, route and class of status."
        )
        for (label, counts) in zip(routes, traffic.labels) {
            for (index, count) in counts.byClass.enumerated() where count > 0 {
                text.sample(count, label + [("status", "\(index + 1)xx")])
            }
        }
        text.family(
            "moonlet_http_request_duration_seconds",
            .histogram,
            "Time from a whole request to its answer, or to the beginning of a stream."
        )
        for (label, counts) in zip(routes, traffic.labels) {
            histogram(counts, label, &text)
        }
        text.gauge(
            "moonlet_http_requests_in_flight",
            "Requests that wait for their answer.",
            traffic.inFlight
        )
        text.counter(
            "moonlet_http_disconnects_total",
            "Requests whose client went away before the answer.",
            traffic.disconnects
        )
        text.family(
            "moonlet_http_refusals_total",
            .counter,
            "Requests and connections the server refused by itself, by the problem's code."
        )
        for (code, count) in traffic.refusals.sorted(by: { $0.key < $1.key }) {
            text.sample(count, [("code", code)])
        }
        text.gauge("moonlet_http_connections", "Connections open.", traffic.connections)
        text.gauge("moonlet_http_streams", "Answers in streams under way.", traffic.streams)
        text.counter(
            "moonlet_http_connections_accepted_total",
            "Connections accepted.",
            traffic.accepted
        )
        text.counter(
            "moonlet_http_received_bytes_total",
            "Bytes read from sockets.",
            traffic.receivedBytes
        )
        text.counter("moonlet_http_sent_bytes_total", "Bytes sent.", traffic.sentBytes)
    }

    private static func histogram(
        _ counts: Traffic.Label,
        _ label: [(String, String)],
        _ text: inout Exposition
    ) {
        // The count is the sum of the buckets that were read, so that the two agree.
        let total = counts.buckets.reduce(0, &+)
        guard total > 0 else { return }
        var below: UInt64 = 0
        for (bound, count) in zip(Traffic.bucketNanoseconds, counts.buckets) {
            below &+= count
            text.sample(below, label + [("le", "\(Double(bound) / 1e9)")], suffix: "_bucket")
        }
        text.sample(total, label + [("le", "+Inf")], suffix: "_bucket")
        text.sample(Double(counts.nanoseconds) / 1e9, label, suffix: "_sum")
        text.sample(total, label, suffix: "_count")
    }

    /// The names every program's metrics have.
    ///
    /// Source: Prometheus, "Writing client libraries", "Process metrics".
    private static func program(_ context: Context, _ text: inout Exposition) {
        let usage = context.configuration.probes.usage()
        text.family(
            "process_cpu_seconds_total",
            .counter,
            "Processor time of the program, in seconds."
        )
        text.sample(usage.processorSeconds)
        text.gauge("process_open_fds", "Open file descriptors.", usage.openFiles)
        text.gauge("process_max_fds", "How many there may be.", usage.openFilesMax)
        text.gauge("process_resident_memory_bytes", "Resident memory.", usage.residentBytes)
        text.gauge("process_virtual_memory_bytes", "Virtual memory.", usage.virtualBytes)
        text.gauge("process_threads", "Threads of the program.", usage.threads)
        text.family(
            "process_start_time_seconds",
            .gauge,
            "When the program started, in seconds since 1970."
        )
        text.sample(Double(context.startedAt.wall / 1_000_000) / 1_000)
    }
}
