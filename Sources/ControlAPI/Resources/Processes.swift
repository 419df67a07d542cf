import HTTP
import JSON
import ProcessRuntime

/// `/v1/processes`, and one process under it.
enum Processes {
    /// How long a wait may be.
    private static let waitMillisecondsMax = 60_000
    /// A day: as long as a grace may be.
    private static let graceMillisecondsMax: Int64 = 86_400_000

    /// `POST /v1/processes`: the position lies before the spawn, so its events follow from there.
    static func spawn(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let order = try call.body(SpawnBody.read)
        let position = context.position
        let pid = context.text(try context.spawn(order, for: call))
        var response = Response.json(201) { json in
            json.member("pid", pid)
            json.member("position", position)
        }
        response.headers.append("Location", "/v1/processes/\(pid)")
        return response
    }

    /// `GET /v1/processes/{id}`: live, or ended and still known.
    ///
    /// For a process whose end is decided but not carried out the answer comes with its exit.
    static func inspect(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try call.target("id", context)
        let position = context.position
        if let process = context.runtime.snapshot(pid) {
            return .json { json in
                json.processMembers(process, context.runtime.pids)
                json.member("position", position)
            }
        }
        try watch(pid, call, context, timeoutNanoseconds: nil) { end in
            guard case .exited(let record) = end else { return }
            call.respond(
                .json { json in
                    json.exitedMembers(record, context.runtime.pids)
                    json.member("position", position)
                }
            )
        }
        return nil
    }

    /// `DELETE /v1/processes/{id}`: answers once the exit is carried out.
    static func terminate(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try call.target("id", context)
        context.runtime.kill(pid, .terminated)
        try watch(pid, call, context, timeoutNanoseconds: nil) { end in
            if case .exited = end { call.respond(.done) }
        }
        return nil
    }

    /// `GET /v1/processes/{id}/wait`: a long poll for the exit record.
    static func wait(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try call.target("id", context)
        let timeout =
            try call.integer("timeout_ms", in: 0...waitMillisecondsMax) ?? waitMillisecondsMax / 2
        if timeout == 0 {
            // Asks and does not wait; a process that is just ending counts as alive.
            if let record = context.runtime.exitRecord(of: pid) {
                return ended(record, context)
            }
            if context.runtime.isAlive(pid) { return alive(pid, context) }
        }
        try watch(pid, call, context, timeoutNanoseconds: UInt64(timeout) * 1_000_000) { end in
            switch end {
            case .exited(let record): call.respond(ended(record, context))
            case .timedOut: call.respond(alive(pid, context))
            case .clientGone: break
            }
        }
        return nil
    }

    /// `POST /v1/processes/{id}/cancel`: asks, and terminates later where a grace is given.
    static func cancel(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try call.target("id", context)
        var wish: (reason: String?, graceMilliseconds: Int64?) = (nil, nil)
        if !call.body.isEmpty {
            wish = try call.body { body in
                (body.string("reason"), body.integer("grace_ms", in: 0...graceMillisecondsMax))
            }
        }
        do throws(RuntimeFault) {
            try context.runtime.cancel(pid, reason: wish.reason ?? "", from: nil)
        } catch {
            throw context.problem(error, of: pid, named: call.path("id"))
        }
        if let grace = wish.graceMilliseconds {
            context.runtime.terminate(pid, after: UInt64(grace) * 1_000_000)
        }
        return .json(202) { $0.member("pid", context.text(pid)) }
    }

    // MARK: Inside

    private static func watch(
        _ pid: PID,
        _ call: Call,
        _ context: Context,
        timeoutNanoseconds: UInt64?,
        _ action: @escaping @Sendable (ExitWatch.End) -> Void
    ) throws(Problem) {
        let isKnown = ExitWatch.begin(
            pid,
            context.runtime,
            call.exchange,
            timeoutNanoseconds: timeoutNanoseconds,
            action
        )
        if !isKnown { throw .processNotFound(call.path("id")) }
    }

    private static func ended(_ record: ExitRecord, _ context: Context) -> Response {
        let position = context.position
        return .json { json in
            json.exitRecordMembers(record, context.runtime.pids)
            json.member("position", position)
        }
    }

    private static func alive(_ pid: PID, _ context: Context) -> Response {
        let position = context.position
        return .json(202) { json in
            json.member("pid", context.text(pid))
            // One that is about to end still has its last turn.
            json.member("state", context.runtime.snapshot(pid)?.state ?? "running")
            json.member("position", position)
        }
    }
}
