import HTTP
import JSON
import ProcessRuntime

/// `POST /v1/exec`: spawn, wait for the exit, answer with the result.
///
/// When the time is over, or the client goes away first, the process is terminated, unless it was
/// ordered with `on_timeout: "detach"`: then it runs on, and its exit can be had from `/wait` and
/// the events. Nobody is left to read a result after the client went, so an exec without `detach`
/// leaves nothing running behind.
///
/// A detached process takes the request's `Idempotency-Key` with it: a retry must not start another,
/// so it is told to wait until the exit, and then gets the result.
enum Exec {
    private static let timeoutMillisecondsMax: Int64 = 86_400_000

    static func post(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let wish = try call.body { body in
            (
                order: SpawnBody.read(body),
                timeout: body.integer("timeout_ms", in: 1...timeoutMillisecondsMax) ?? 30_000,
                detaches: body.word("on_timeout", oneOf: ["terminate", "detach"]) == "detach"
            )
        }
        let runtime = context.runtime
        let startedAt = runtime.clock.now()
        let pid = try context.spawn(wish.order, for: call)
        let isKnown = ExitWatch.begin(
            pid,
            runtime,
            call.exchange,
            timeoutNanoseconds: UInt64(wish.timeout) * 1_000_000
        ) { end in
            if case .exited(let record) = end {
                call.respond(ended(record, runtime.clock.now() - startedAt, context))
                return
            }
            if !wish.detaches {
                runtime.kill(pid, .terminated)
            } else if let claim = call.claim?.handOver() {
                let keep: @Sendable (ExitRecord) -> Void = { record in
                    claim.finish(ended(record, runtime.clock.now() - startedAt, context))
                }
                // A claim let go of without an answer frees the key: there is no result to keep.
                if case .ended(let record) = runtime.waitForExit(of: pid, keep) { keep(record) }
            }
            if case .timedOut = end {
                call.respond(
                    .execTimeout(context.text(pid), wish.timeout, detached: wish.detaches)
                )
            }
        }
        // It ended, and so many or so large results came after it before the wait began.
        if !isKnown { throw .internalFault("The exit record was evicted before it was read.") }
        return nil
    }

    private static func ended(
        _ record: ExitRecord,
        _ nanoseconds: UInt64,
        _ context: Context
    ) -> Response {
        .json { json in
            json.member("pid", context.text(record.pid))
            json.member("outcome", record.reason.isNormal ? "ok" : "error")
            if case .normal(let result) = record.reason {
                json.member("result", result)
            } else {
                json.key("result")
                json.null()
            }
            json.member("error", record.reason.error)
            json.member("elapsed_ms", Int64(clamping: nanoseconds / 1_000_000))
        }
    }
}
