import Access
package import HTTP
package import HTTPServer
package import Logging
package import LuaLibraries
import Posix
import ProcessRuntime

/// Why it cannot be told now what file there is, in words.
package struct FilesFault: Error, Sendable {
    package let reason: String

    package init(reason: String) { self.reason = reason }
}

/// The runtime as REST and server-sent events: openapi.yaml as a `Handler`.
///
/// A request passes, in this order: its id, the `Entrance` (everything its head decides, before a
/// body is read), the body's size (413), the `Idempotency-Key` where the route heeds one (400, 409,
/// 422, or the stored answer), and then the endpoint. What is not in the route table is a static
/// file.
///
/// Everything that is refused is a `Problem`; `Problems.swift` chooses statuses and codes. Handlers
/// run on loop threads and touch only the runtime's tables; who has to wait (for an exit) leaves an
/// `ExitWatch` behind.
package final class ControlAPI: Handler {
    /// Answers from files: nil where there is none at the path; throws where nobody can tell now.
    package typealias Files = @Sendable (Request) throws(FilesFault) -> Response?

    private let context: Context
    private let guardian: SiteGuard
    private let entrance: Entrance
    private let requestIDs: RequestIDs
    private let files: Files?
    private let log: Logger
    private let failures: FailureLog

    /// Makes the API of a running engine; `openapi` are the bytes of the contract,
    /// none where there is no such file.
    package convenience init(
        configuration: ControlConfiguration,
        engine: LuaEngine,
        staticFiles: StaticFiles?,
        openapi: [UInt8],
        log: Logger
    ) {
        var files: Files?
        if let staticFiles {
            files = { (request) throws(FilesFault) in
                do throws(Errno) {
                    return try staticFiles.response(
                        path: request.path,
                        isHead: request.method == "HEAD",
                        ifNoneMatch: request.headers["If-None-Match"],
                        takesGzip: AcceptEncoding.allowsGzip(request.headers)
                    )
                } catch {
                    throw FilesFault(reason: error.message)
                }
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
        entrance = Entrance(context, guardian, configuration.audits ? AuditLog(log) : nil)
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
            switch try entrance.examine(request, bodyIsComing: false, &dress) {
            case .endpoint(let admitted): perform(admitted, body: request.body, exchange)
            case .other(let match):
                let response = try other(request, match, &dress)
                exchange.respond(dress.dressed(response))
            }
        } catch {
            exchange.respond(refusal(error, request, dress))
        }
    }

    package func admit(_ head: Request) -> Admission {
        var dress = dress(head)
        do throws(Problem) {
            switch try entrance.examine(head, bodyIsComing: true, &dress) {
            case .endpoint(let admitted):
                if admitted.route.body == .lines { return stream(admitted) }
                return .collect(bodyBytesMax: entrance.bodyBytesMax(admitted.route)) {
                    [self] body, exchange in
                    perform(admitted, body: body, cameLate: true, exchange)
                }
            case .other(let match):
                // A file, whatever is sent along; what is nowhere is refused before its body.
                let found = try other(head, match, &dress)
                let response = dress.dressed(found)
                return .collect(bodyBytesMax: entrance.ignoredBytesMax) { _, exchange in
                    exchange.respond(response)
                }
            }
        } catch {
            return .refuse(refusal(error, head, dress))
        }
    }

    package func refuse(_ fault: Fault, of request: Request?) -> Response {
        guard let request else {
            let dress = ResponseDress(requestID: requestIDs.next(), corsOrigin: nil)
            return refusal(Problem(fault), nil, dress)
        }
        var dress = dress(request)
        dress.label = entrance.label(of: request)
        return refusal(Problem(fault), request, dress)
    }

    /// The answer that cannot be sent says whom it was for.
    package func refuse(_ fault: Fault, insteadOf answer: Response) -> Response {
        let dress = ResponseDress(
            requestID: answer.headers["X-Request-Id"] ?? requestIDs.next(),
            corsOrigin: answer.headers["Access-Control-Allow-Origin"],
            label: answer.label
        )
        return refusal(Problem(fault), nil, dress)
    }

    private func dress(_ request: Request) -> ResponseDress {
        ResponseDress(
            requestID: requestIDs.id(of: request),
            corsOrigin: guardian.corsOrigin(request)
        )
    }

    /// Answers while the body comes.
    private func stream(_ admitted: Admitted) -> Admission {
        .stream(bodyBytesMax: context.configuration.linesBytesMax) { [context, entrance] exchange in
            let batch = MessageBatch(context, admitted.identity, entrance.record(admitted))
            exchange.respond(admitted.dress.dressed(batch.response))
            return batch
        }
    }

    /// Has the endpoint answer; what it refuses is an answer too, and kept for retries.
    ///
    /// `cameLate` where the request was let in before its body came, be it an empty one.
    private func perform(
        _ admitted: Admitted,
        body: [UInt8],
        cameLate: Bool = false,
        _ exchange: any Exchange
    ) {
        let record = entrance.record(admitted)
        let call: Call
        do throws(Problem) {
            let claim: IdempotencyClaim?
            if cameLate { try entrance.recheck(admitted) }
            switch try claimed(admitted, body) {
            case .proceed(let begun): claim = begun
            case .replay(let response):
                record?.finish("\(response.status) replayed")
                return exchange.respond(admitted.dress.dressed(response))
            }
            call = Call(admitted, body, exchange, record: record, claim: claim)
        } catch {
            record?.finish("\(error.status)")
            return exchange.respond(refusal(error, admitted.request, admitted.dress))
        }
        do throws(Problem) {
            if let response = try admitted.route.endpoint(call, context) { call.respond(response) }
        } catch {
            note(error, call.request, admitted.dress.requestID)
            call.respond(error)
        }
    }

    /// What is to be looked at once the body is there, before the endpoint is asked.
    private func claimed(
        _ admitted: Admitted,
        _ body: [UInt8]
    ) throws(Problem) -> IdempotencyStore.Outcome {
        try entrance.checkArrived(body, of: admitted)
        guard admitted.route.isIdempotent else { return .proceed(nil) }
        return try context.idempotency.begin(admitted.request, body, for: admitted.identity)
    }

    private func refusal(
        _ problem: Problem,
        _ request: Request?,
        _ dress: ResponseDress
    ) -> Response {
        note(problem, request, dress.requestID)
        return dress.dressed(problem.response(requestID: dress.requestID))
    }

    // MARK: Everything that is no endpoint

    /// Answers where no route is found.
    private func other(
        _ request: Request,
        _ match: RouteMatch,
        _ dress: inout ResponseDress
    ) throws(Problem) -> Response {
        switch match {
        case .options(let allow): return options(request, allow: allow)
        case .methodNotAllowed(let allow): throw .methodNotAllowed(request.method, allow: allow)
        case .notImplemented: throw .notImplemented(request.method)
        case .malformed: throw .malformedPath()
        case .notFound, .found:
            dress.label = Routes.fileLabel
            return try file(request)
        }
    }

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
        guard var response = try content(request) else { throw .routeNotFound(request.path) }
        response.headers.set(
            "Content-Security-Policy",
            "default-src 'self'; frame-ancestors 'none'"
        )
        response.headers.set("Referrer-Policy", "no-referrer")
        return response
    }

    private func content(_ request: Request) throws(Problem) -> Response? {
        do throws(FilesFault) {
            return try files?(request)
        } catch {
            throw .fileUnavailable(error.reason)
        }
    }

    private func note(_ problem: Problem, _ request: Request?, _ requestID: String) {
        if let request, problem.code == .unauthorized || problem.code == .tooManyLogins {
            failures.note(problem, request, requestID: requestID)
            return
        }
        func metadata() -> Logger.Metadata {
            var fields: Logger.Metadata = ["request_id": "\(requestID)"]
            if let request {
                fields["method"] = "\(request.method)"
                fields["path"] = "\(shortened(request.path))"
            }
            return fields
        }
        log.log(
            level: problem.status >= 500 && problem.code == .internalFault ? .error : .debug,
            "\(problem.code.rawValue): \(problem.detail)",
            metadata: metadata()
        )
    }
}
