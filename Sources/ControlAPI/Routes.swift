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

    static let all: [Route] = [
        Route("POST", "/v1/processes", body: .required, isIdempotent: true, Processes.spawn),
        Route("GET", "/v1/processes", query: ProcessList.parameters, ProcessList.get),
        Route("GET", "/v1/processes/{id}", Processes.inspect),
        Route("DELETE", "/v1/processes/{id}", Processes.terminate),
        Route("GET", "/v1/processes/{id}/wait", query: ["timeout_ms"], Processes.wait),
        Route("POST", "/v1/processes/{id}/cancel", body: .optional, Processes.cancel),
        Route(
            "POST",
            "/v1/processes/{id}/messages",
            body: .required,
            isIdempotent: true,
            Messages.send
        ),
        Route(
            "POST",
            "/v1/processes/{id}/call",
            body: .required,
            isIdempotent: true,
            Calls.post
        ),
        Route("POST", "/v1/messages", body: .lines, Messages.batch),
        Route("PUT", "/v1/processes/{id}/links/{other}", Links.put),
        Route("DELETE", "/v1/processes/{id}/links/{other}", Links.delete),
        Route("POST", "/v1/exec", body: .required, isIdempotent: true, Exec.post),
        Route("GET", "/v1/names", Names.list),
        Route("GET", "/v1/names/{name}", Names.get),
        Route("PUT", "/v1/names/{name}", body: .required, Names.put),
        Route("DELETE", "/v1/names/{name}", Names.delete),
        Route("GET", "/v1/entries", Inventory.entries),
        Route("GET", "/v1/hosts", Inventory.hosts),
        Route("GET", "/v1/events", query: Events.parameters, Events.get),
        Route("GET", "/v1/system", ServerState.system),
        Route("GET", "/metrics", Metrics.get),
        Route("GET", "/livez", ServerState.live),
        Route("GET", "/readyz", ServerState.ready),
        Route("GET", "/openapi.yaml", ServerState.contract),
    ]
}
