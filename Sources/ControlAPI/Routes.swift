import Access
import HTTPServer

/// Every endpoint: the same paths and methods as openapi.yaml, tested to be.
///
/// To add one: a function in `Resources/`, a line here, a path there. Services and sessions come
/// that way.
enum Routes {
    /// Finds a route's place in `all`.
    static func router() -> Router {
        var router = Router()
        for route in all { router.add(route.method, route.pattern) }
        return router
    }

    /// What answers count as in the metrics, by number: no route, a file, and each of `all`.
    static let labels: [[(String, String)]] =
        [[("method", "other"), ("route", "none")], [("method", "GET"), ("route", "file")]]
        + all.map { [("method", $0.method), ("route", $0.pattern)] }

    /// The label of a file, and of the first of `all`.
    static let fileLabel = 1
    static let firstLabel = 2

    static let all: [Route] = processes + messages + names + server + access

    private static let processes = [
        Route(
            "POST",
            "/v1/processes",
            needs: .spawn,
            narrowing: .heeded,
            body: .required,
            isIdempotent: true,
            Processes.spawn
        ),
        Route(
            "GET",
            "/v1/processes",
            needs: .read,
            narrowing: .heeded,
            query: ProcessList.parameters,
            ProcessList.get
        ),
        Route(
            "GET",
            "/v1/processes/{id}",
            needs: .read,
            narrowing: .heeded,
            Processes.inspect
        ),
        Route(
            "DELETE",
            "/v1/processes/{id}",
            needs: .control,
            narrowing: .heeded,
            Processes.terminate
        ),
        Route(
            "GET",
            "/v1/processes/{id}/wait",
            needs: .read,
            narrowing: .heeded,
            query: ["timeout_ms"],
            Processes.wait
        ),
        Route(
            "POST",
            "/v1/processes/{id}/cancel",
            needs: .control,
            narrowing: .heeded,
            body: .optional,
            Processes.cancel
        ),
        Route(
            "PUT",
            "/v1/processes/{id}/links/{other}",
            needs: .control,
            narrowing: .heeded,
            Links.put
        ),
        Route(
            "DELETE",
            "/v1/processes/{id}/links/{other}",
            needs: .control,
            narrowing: .heeded,
            Links.delete
        ),
        Route(
            "POST",
            "/v1/exec",
            needs: .spawn,
            narrowing: .heeded,
            body: .required,
            isIdempotent: true,
            Exec.post
        ),
    ]

    private static let messages = [
        Route(
            "POST",
            "/v1/processes/{id}/messages",
            needs: .send,
            narrowing: .heeded,
            body: .required,
            isIdempotent: true,
            Messages.send
        ),
        Route(
            "POST",
            "/v1/processes/{id}/call",
            needs: .send,
            narrowing: .heeded,
            body: .required,
            isIdempotent: true,
            Calls.post
        ),
        Route(
            "POST",
            "/v1/messages",
            needs: .send,
            narrowing: .heeded,
            body: .lines,
            Messages.batch
        ),
    ]

    private static let names = [
        Route("GET", "/v1/names", needs: .read, narrowing: .heeded, Names.list),
        Route("GET", "/v1/names/{name}", needs: .read, narrowing: .heeded, Names.get),
        Route(
            "PUT",
            "/v1/names/{name}",
            needs: .control,
            narrowing: .heeded,
            body: .required,
            Names.put
        ),
        Route("DELETE", "/v1/names/{name}", needs: .control, narrowing: .heeded, Names.delete),
    ]

    private static let server = [
        Route("GET", "/v1/entries", needs: .read, narrowing: .heeded, Inventory.entries),
        Route("GET", "/v1/hosts", needs: .read, Inventory.hosts),
        Route(
            "GET",
            "/v1/events",
            needs: .events,
            narrowing: .heeded,
            query: Events.parameters,
            Events.get
        ),
        Route("GET", "/v1/system", needs: .read, ServerState.system),
        Route("GET", "/metrics", needs: .read, Metrics.get),
        Route("GET", "/livez", needs: nil, ServerState.live),
        Route("GET", "/readyz", needs: nil, ServerState.ready),
        Route("GET", "/openapi.yaml", needs: nil, ServerState.contract),
    ]

    private static let access = [
        Route(
            "POST",
            "/v1/login",
            needs: nil,
            body: .required,
            bodyBytesMax: Login.bodyBytesMax,
            Login.logIn
        ),
        Route("POST", "/v1/logout", needs: nil, Login.logOut),
    ]
}
