import Access
import HTTP
import HTTPServer

/// Where a request is let in or not: everything that its head alone decides, and decided once.
///
/// In this order: the Host check (421 before anything else is looked at), the cross-site check
/// (403), the route, where tokens are on who asks and what that one may do (401, 403), the query's
/// names (400), the body's type (415).
struct Entrance: Sendable {
    private let configuration: ControlConfiguration
    private let guardian: SiteGuard
    private let authentication: Authentication?
    private let audit: AuditLog?
    private let router = Routes.router()

    /// What a head asks for.
    enum Finding {
        case endpoint(Admitted)
        /// Whatever it is, it is no endpoint; never `.found`.
        case other(RouteMatch)
    }

    init(_ context: Context, _ guardian: SiteGuard, _ audit: AuditLog?) {
        configuration = context.configuration
        authentication = context.authentication
        self.guardian = guardian
        self.audit = audit
    }

    /// Looks at a request, whose body may be still to come.
    ///
    /// `dress` gets the route's label, also where the request is refused after that.
    func examine(
        _ request: Request,
        bodyIsComing: Bool,
        _ dress: inout ResponseDress
    ) throws(Problem) -> Finding {
        try guardian.checkHost(request)
        try guardian.checkSite(request)
        let match = router.match(method: request.method, path: request.path)
        guard case .found(let number, let parameters) = match else { return .other(match) }
        dress.label = Routes.firstLabel + number
        let route = Routes.all[number]
        let identity = try identify(request, route)
        func admitted(_ query: QueryString) -> Admitted {
            Admitted(request, route, parameters, identity, query, dress)
        }
        do throws(Problem) {
            try checkScope(identity, route)
            let query = try query(request, route)
            try checkBody(request, route, isComing: bodyIsComing)
            return .endpoint(admitted(query))
        } catch {
            record(admitted(QueryString()))?.finish("\(error.status)")
            throw error
        }
    }

    /// What the answer to a request that was not examined counts as.
    func label(of request: Request) -> Int {
        guard case .found(let number, _) = router.match(method: request.method, path: request.path)
        else { return 0 }
        return Routes.firstLabel + number
    }

    /// Begins a request's line in the audit log; nil where it needs none.
    func record(_ admitted: Admitted) -> AuditRecord? { audit?.record(admitted) }

    func bodyBytesMax(_ route: Route) -> Int {
        if route.body == .none { return ignoredBytesMax }
        return min(route.bodyBytesMax ?? .max, configuration.bodyBytesMax)
    }

    /// The largest body that is read where none is looked at, so that the connection can go on.
    var ignoredBytesMax: Int { min(64 << 10, configuration.bodyBytesMax) }

    // MARK: Who asks

    /// Finds out who sends a request; nil where nobody is asked.
    private func identify(_ request: Request, _ route: Route) throws(Problem) -> Identity? {
        guard route.right != nil, let authentication else { return nil }
        return try authentication.identify(request)
    }

    /// Throws if the token does not allow the route at all.
    ///
    /// What a narrowed scope covers is for the endpoint to check.
    private func checkScope(_ identity: Identity?, _ route: Route) throws(Problem) {
        guard let right = route.right, let identity else { return }
        switch (identity.token.extent(of: right), route.narrowing) {
        case (.full, _), (.narrowed, .heeded): return
        case (.none, _), (.narrowed, .refused):
            throw .insufficientScope(right.rawValue, for: "this path")
        }
    }

    /// Throws if who sent a request would not be let in any more: a body takes its time.
    func recheck(_ admitted: Admitted) throws(Problem) {
        guard let identity = admitted.identity, let authentication else { return }
        if let refusal = authentication.refusal(of: identity) { throw .unauthorized(refusal) }
    }

    // MARK: What it says

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

    private func checkBody(
        _ request: Request,
        _ route: Route,
        isComing: Bool
    ) throws(Problem) {
        switch route.body {
        case .none: return
        case .optional: if !isLeftOut(request, isComing: isComing) { try checkType(request) }
        case .required: try checkType(request)
        case .lines: try checkLines(request)
        }
    }

    /// Whether a body that may be left out is, or may turn out to be empty, which is the same.
    private func isLeftOut(_ request: Request, isComing: Bool) -> Bool {
        guard isComing else { return request.body.isEmpty }
        let length = request.headers["Content-Length"]
        return length == "0" || length == nil && request.headers["Content-Type"] == nil
    }

    /// Throws for a body that has come and may not have: too large, or of no type.
    func checkArrived(_ body: [UInt8], of admitted: Admitted) throws(Problem) {
        if body.isEmpty || admitted.route.body == .none { return }
        if admitted.route.body == .optional { try checkType(admitted.request) }
        let limit = bodyBytesMax(admitted.route)
        if body.count > limit { throw .payloadTooLarge(limit: limit) }
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
}

/// A request that was let in: its endpoint answers it once the body, if there is one, has come.
///
/// An object, as it goes from hand to hand: a struct's dozen references would be counted each time.
final class Admitted: Sendable {
    /// The request; its body may still be to come.
    let request: Request
    let route: Route
    let parameters: PathParameters
    /// Who sent it; nil where nobody is asked.
    let identity: Identity?
    let query: QueryString
    let dress: ResponseDress

    init(
        _ request: Request,
        _ route: Route,
        _ parameters: PathParameters,
        _ identity: Identity?,
        _ query: QueryString,
        _ dress: ResponseDress
    ) {
        self.request = request
        self.route = route
        self.parameters = parameters
        self.identity = identity
        self.query = query
        self.dress = dress
    }
}
