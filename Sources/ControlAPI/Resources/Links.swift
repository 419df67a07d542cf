import HTTP
import ProcessRuntime

/// `/v1/processes/{id}/links/{other}`.
enum Links {
    static func put(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let (first, second) = try ends(call, context)
        do throws(RuntimeFault) {
            try context.runtime.link(first, second)
        } catch {
            let dead = context.runtime.isAlive(first) ? call.path("other") : call.path("id")
            throw .processNotFound(dead)
        }
        return .done
    }

    /// There need not be a link; but both processes must be known, dead or alive.
    static func delete(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let (first, second) = try ends(call, context)
        for (pid, text) in [(first, call.path("id")), (second, call.path("other"))] {
            let isKnown =
                context.runtime.isAlive(pid) || context.runtime.exitRecord(of: pid) != nil
            if !isKnown { throw .processNotFound(text) }
        }
        context.runtime.unlink(first, second)
        return .done
    }

    private static func ends(
        _ call: Call,
        _ context: Context
    ) throws(Problem) -> (PID, PID) {
        (try call.target("id", context), try call.target("other", context))
    }
}
