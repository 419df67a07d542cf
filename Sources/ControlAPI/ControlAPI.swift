import Access
package import HTTP
package import HTTPServer
package import Logging
package import LuaLibraries
import ProcessRuntime

/// The runtime as REST and server-sent events: openapi.yaml as a `Handler`.
///
/// A request passes, in this order: its id, the Host check (421 before anything else is looked at),
/// the cross-site check (403), the route (404, 405), the query's names (400), the body's type and
/// size (415, 413), the `Idempotency-Key` where the route heeds one (400, 409, 422, or the stored
/// answer), and then the endpoint. Where tokens are on, who asks and what that one may do is found
/// out between the route and the query (401, 403). What is not in the route table is a static file.
///
/// Everything that is refused is a `Problem`; `Problems.swift` chooses statuses and codes. Handlers
/// run on loop threads and touch only the runtime's tables; who has to wait (for an exit) leaves an
/// `ExitWatch` behind.
package final class ControlAPI: Handler {
    /// Answers from files: nil where there is none at the path.
    package typealias Files = @Sendable (Request) -> Response?

    private let context: Context
    private let guardian: SiteGuard
    private let router = Routes.router()
    private let requestIDs: RequestIDs
    private let files: Files?
    private let log: Logger
    private let audit: AuditLog?
    private let failures: FailureLog

    /// Makes the API of a running engine; `openapi` are the bytes of the contract.
    package convenience init(
        configuration: ControlConfiguration,
        engine: LuaEngine,
        staticFiles: StaticFiles?,
        openapi: [UInt8],
        log: Logger
    ) {
        var files: Files?
        if let staticFiles {
            files = { request in
                staticFiles.response(
                    path: request.path,
                    ifNoneMatch: request.headers["If-None-Match"],
                    takesGzip: AcceptEncoding.allowsGzip(request.headers)
                )
            }
        }
        self.init(
            configuration: configuration,
            backend: Backend(engine),
            files: files,
            openapi: openapi,
            log: log
        )
    }

    package init(
        configuration: ControlConfiguration,
        backend: Backend,
        files: Files?,
        openapi: [UInt8],
        log: Logger
    ) {
        guardian = SiteGuard(configuration)
        context = Context(configuration, backend, guardian, contract: openapi)
        audit = configuration.audits ? AuditLog(log) : nil
        failures = FailureLog(log, backend.runtime.clock)
        requestIDs = RequestIDs(configuration.random)
        self.files = files
        self.log = log
    }

    /// Makes `/readyz` and every spawn answer 503 and has the event streams say `bye`.
    ///
    /// Requests under way, and all others, are answered as before.
    package func beginDrain() {
        context.beginDrain()
    }

    /// Event streams open now.
    package var openStreams: Int { context.hub.openCount }

    /// How many labels its answers have (`Response.label`).
    package static var labels: Int { Routes.labels.count }

    /// How often an event was turned into JSON; grows by one an event, however many read it.
    var renderingCount: Int { context.hub.renderingCount }

    // MARK: Handler

    package func handle(_ request: Request, _ exchange: any Exchange) {
        var dress = dress(request)
        do throws(Problem) {
            try answer(request, exchange, &dress)
        } catch {
            note(error, request, dress.requestID)
            exchange.respond(dress.dressed(error.response(requestID: dress.requestID)))
        }
    }

    package func admit(_ head: Request) -> Admission {
        var dress = dress(head)
        do throws(Problem) {
            try guardian.checkHost(head)
            try guardian.checkSite(head)
            guard
                case .found(let number, let parameters) =
                    router.match(method: head.method, path: head.path)
            else { return .proceed(bodyBytesMax: context.configuration.bodyBytesMax) }
            dress.label = Routes.firstLabel + number
            let route = Routes.all[number]
            let identity = try authorize(head, route, parameters, requestID: dress.requestID)
            if route.body == .lines {
                _ = try query(head, route)
                try checkLines(head)
                let record = audit?.record(
                    head,
                    route,
                    parameters,
                    identity,
                    requestID: dress.requestID
                )
                return stream(dress, identity, record)
            }
            // One that may be left out may be empty, too.
            let isLeftOut = route.body == .optional && head.headers["Content-Length"] == "0"
            if route.body != .none, !isLeftOut { try checkType(head) }
            return .proceed(bodyBytesMax: bodyBytesMax(route))
        } catch {
            note(error, head, dress.requestID)
            return .refuse(dress.dressed(error.response(requestID: dress.requestID)))
        }
    }

    private func dress(_ request: Request) -> ResponseDress {
        ResponseDress(
            requestID: requestIDs.id(of: request),
            corsOrigin: guardian.corsOrigin(request)
        )
    }

    /// Answers while the body comes.
    private func stream(
        _ dress: ResponseDress,
        _ identity: Identity?,
        _ record: AuditRecord?
    ) -> Admission {
        .stream(bodyBytesMax: context.configuration.linesBytesMax) { [context] exchange in
            let batch = MessageBatch(context, identity, record)
            exchange.respond(dress.dressed(batch.response))
            return batch
        }
    }

    private func answer(
        _ request: Request,
        _ exchange: any Exchange,
        _ dress: inout ResponseDress
    ) throws(Problem) {
        try guardian.checkHost(request)
        try guardian.checkSite(request)
        switch router.match(method: request.method, path: request.path) {
        case .found(let number, let parameters):
            dress.label = Routes.firstLabel + number
            let route = Routes.all[number]
            let identity = try authorize(
                request,
                route,
                parameters,
                requestID: dress.requestID
            )
            let record = audit?.record(
                request,
                route,
                parameters,
                identity,
                requestID: dress.requestID
            )
            do throws(Problem) {
                try perform(request, route, parameters, identity, record, exchange, dress)
            } catch {
                record?.finish("\(error.status)")
                throw error
            }
        case .options(let allow):
            exchange.respond(dress.dressed(options(request, allow: allow)))
        case .notFound:
            dress.label = Routes.fileLabel
            exchange.respond(dress.dressed(try file(request)))
        case .methodNotAllowed(let allow):
            throw .methodNotAllowed(request.method, allow: allow)
        case .notImplemented:
            throw .notImplemented(request.method)
        case .malformed:
            throw .malformedPath()
        }
    }

    /// Answers a request for a route that may have been sent.
    private func perform(
        _ request: Request,
        _ route: Route,
        _ parameters: PathParameters,
        _ identity: Identity?,
        _ record: AuditRecord?,
        _ exchange: any Exchange,
        _ dress: ResponseDress
    ) throws(Problem) {
        let query = try query(request, route)
        try checkBody(request, route)
        var claim: IdempotencyClaim?
        if route.isIdempotent {
            switch try context.idempotency.begin(request, for: identity) {
            case .proceed(let begun): claim = begun
            case .replay(let response):
                record?.finish("\(response.status) replayed")
                exchange.respond(dress.dressed(response))
                return
            }
        }
        let call = Call(
            request,
            route,
            exchange,
            identity: identity,
            record: record,
            parameters: parameters,
            query: query,
            dress: dress,
            claim: claim
        )
        run(route, call, dress)
    }

    /// Has the endpoint answer; what it refuses is an answer too, and kept for retries.
    private func run(_ route: Route, _ call: Call, _ dress: ResponseDress) {
        do throws(Problem) {
            if let response = try route.endpoint(call, context) { call.respond(response) }
        } catch {
            note(error, call.request, dress.requestID)
            call.respond(error)
        }
    }

    // MARK: Checks

    /// Finds out who sends a request, and whether its token allows the route at all.
    ///
    /// Nil where nobody is asked. What a narrowed scope covers is for the endpoint to check.
    private func authorize(
        _ request: Request,
        _ route: Route,
        _ parameters: PathParameters,
        requestID: String
    ) throws(Problem) -> Identity? {
        guard let right = route.right, let authentication = context.authentication else {
            return nil
        }
        let identity = try authentication.identify(request)
        switch (identity.token.extent(of: right), route.narrowing) {
        case (.full, _), (.narrowed, .heeded): return identity
        case (.none, _), (.narrowed, .refused):
            let problem = Problem.insufficientScope(right.rawValue, for: "this path")
            audit?.record(request, route, parameters, identity, requestID: requestID)?
                .finish("\(problem.status)")
            throw problem
        }
    }

    private func bodyBytesMax(_ route: Route) -> Int {
        min(route.bodyBytesMax ?? .max, context.configuration.bodyBytesMax)
    }

    private func query(_ request: Request, _ route: Route) throws(Problem) -> QueryString {
        let query: QueryString
        do throws(QueryFault) {
            query = try QueryString(request.query)
        } catch {
            throw .invalidQuery("The query cannot be read: \(error.detail).")
        }
        if let name = query.firstName(notIn: route.query) {
            let known = route.query.isEmpty ? "none" : route.query.joined(separator: ", ")
            throw .invalidQuery("\(name) is no parameter of this path; known: \(known).")
        }
        if let name = query.firstRepeatedName {
            throw .invalidQuery("\(name) may be given once.")
        }
        return query
    }

    private func checkBody(_ request: Request, _ route: Route) throws(Problem) {
        switch route.body {
        case .none: return
        case .optional: if request.body.isEmpty { return }
        case .required: break
        case .lines: return try checkLines(request)
        }
        try checkType(request)
        let limit = bodyBytesMax(route)
        if request.body.count > limit { throw .payloadTooLarge(limit: limit) }
    }

    /// Throws unless the body says that it is JSON, as it is.
    private func checkType(_ request: Request) throws(Problem) {
        let type = request.headers["Content-Type"]
        // Nearly every one is: there is nothing to take apart then.
        guard type == "application/json" || type.flatMap({ MediaType($0) })?.isJSON ?? false else {
            throw .unsupportedMediaType()
        }
        try checkCoding(request)
    }

    /// Throws unless the body says that it is lines of JSON, and the request has no key.
    private func checkLines(_ request: Request) throws(Problem) {
        guard request.headers["Content-Type"].flatMap({ MediaType($0) })?.isNDJSON ?? false else {
            throw .notLines()
        }
        try checkCoding(request)
        if request.headers["Idempotency-Key"] != nil { throw .noIdempotencyKey() }
    }

    /// Throws for a body that is coded: none is known here but the one that is none.
    ///
    /// Source: RFC 9110, 8.4.1: "identity" stands for no coding, and should not be sent at all.
    private func checkCoding(_ request: Request) throws(Problem) {
        guard request.headers["Content-Encoding"] != nil else { return }
        let codings = request.headers.all("Content-Encoding")
        guard codings.allSatisfy({ $0.isEmpty || Headers.same($0, "identity") }) else {
            throw .unsupportedCoding()
        }
    }

    // MARK: Everything that is no endpoint

    /// Answers OPTIONS: what may be done here, and to a listed site's preflight that it may.
    private func options(_ request: Request, allow: [String]) -> Response {
        let allowed = allow.joined(separator: ", ")
        var response = Response(status: 204, headers: Headers([("Allow", allowed)]))
        if request.headers["Access-Control-Request-Method"] != nil,
            guardian.corsOrigin(request) != nil
        {
            response.headers.append("Access-Control-Allow-Methods", allowed)
            response.headers.append(
                "Access-Control-Allow-Headers",
                "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
            )
            response.headers.append("Access-Control-Max-Age", "600")
        }
        return response
    }

    private static let fileMethods = ["GET", "HEAD", "OPTIONS"]

    private func file(_ request: Request) throws(Problem) -> Response {
        if request.path == "/v1" || request.path.hasPrefix("/v1/") {
            throw .routeNotFound(request.path)
        }
        if request.method == "OPTIONS" {
            return options(request, allow: ControlAPI.fileMethods)
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            if request.path == "/" {
                throw .methodNotAllowed(request.method, allow: ControlAPI.fileMethods)
            }
            throw .routeNotFound(request.path)
        }
        guard var response = files?(request) else { throw .routeNotFound(request.path) }
        response.headers.set(
            "Content-Security-Policy",
            "default-src 'self'; frame-ancestors 'none'"
        )
        response.headers.set("Referrer-Policy", "no-referrer")
        return response
    }

    private func note(_ problem: Problem, _ request: Request, _ requestID: String) {
        if problem.code == .unauthorized || problem.code == .tooManyLogins {
            failures.note(problem, request, requestID: requestID)
            return
        }
        log.log(
            level: problem.status >= 500 && problem.code == .internalFault ? .error : .debug,
            "\(problem.code.rawValue): \(problem.detail)",
            metadata: [
                "request_id": "\(requestID)", "method": "\(request.method)",
                "path": "\(request.path)",
            ]
        )
    }
}
