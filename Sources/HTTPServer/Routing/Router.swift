// From a method and a path to what the program does with them.

import HTTP

/// A table of routes: method and path template to a value.
///
/// A template is a path whose segments are literals or `{name}`; a parameter takes exactly one
/// segment, percent-decoded after the split, so that `%2F` is part of a value. A literal wins over a
/// parameter in the same place, and is not given up once taken: `/a/{x}/c` and `/a/b/d` make
/// `/a/b/c` unknown. GET also serves HEAD; every path answers OPTIONS.
package struct Router<Route: Sendable>: Sendable {
    /// One entry, as `add` was given it.
    package struct Entry: Sendable {
        package let method: String
        package let template: String
    }

    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        /// In the order added; few, so a scan beats a hash.
        var routes: [(method: String, route: Route, names: [String])] = []
    }

    private var nodes = [Node()]
    /// Every route, in the order added.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// Adds a route.
    ///
    /// Adding the same method and template twice is a programmer error, and so is a template that
    /// does not begin with `/`.
    package mutating func add(_ method: String, _ template: String, _ route: Route) {
        guard let segments = PathSegments.split(template) else {
            preconditionFailure("a template is a path: \(template)")
        }
        var node = 0
        var names: [String] = []
        for segment in segments {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                node = child(of: node, at: \.parameter)
            } else {
                node = child(of: node, at: \.literals[segment])
            }
        }
        precondition(
            !nodes[node].routes.contains { $0.method == method },
            "\(method) \(template) is routed twice"
        )
        nodes[node].routes.append((method, route, names))
        entries.append(Entry(method: method, template: template))
    }

    private mutating func child(of node: Int, at place: WritableKeyPath<Node, Int?>) -> Int {
        if let child = nodes[node][keyPath: place] { return child }
        nodes.append(Node())
        nodes[node][keyPath: place] = nodes.count - 1
        return nodes.count - 1
    }

    /// Finds what answers a request; linear in the path's length.
    package func match(method: String, path: String) -> RouteMatch<Route> {
        guard HTTPMethod.isKnown(method) else { return .notImplemented }
        // "OPTIONS *" asks about the server as a whole (RFC 9110, 9.3.7).
        if path == "*" { return .options(allow: HTTPMethod.known) }
        guard let segments = PathSegments.split(path) else { return .malformed }
        var node = 0
        var values: [String] = []
        for segment in segments {
            if let literal = nodes[node].literals[segment] {
                node = literal
            } else if let parameter = nodes[node].parameter, !segment.isEmpty {
                values.append(segment)
                node = parameter
            } else {
                return .notFound
            }
        }
        let routes = nodes[node].routes
        guard !routes.isEmpty else { return .notFound }
        let wanted = routes.first { $0.method == method }
        // HEAD is GET without content; the connection leaves the content out.
        if let found = wanted ?? (method == "HEAD" ? routes.first { $0.method == "GET" } : nil) {
            let parameters = PathParameters(names: found.names, values: values)
            return .found(found.route, parameters)
        }
        let allow = Self.allowed(routes.map(\.method))
        return method == "OPTIONS" ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    /// The methods of a path, in the known order.
    private static func allowed(_ methods: [String]) -> [String] {
        HTTPMethod.known.filter {
            methods.contains($0) || $0 == "OPTIONS" || ($0 == "HEAD" && methods.contains("GET"))
        }
    }
}

/// What a router found.
package enum RouteMatch<Route: Sendable>: Sendable {
    case found(Route, PathParameters)
    /// Answer 204 with `Allow`.
    case options(allow: [String])
    /// No route has the path: 404.
    case notFound
    /// The path exists for other methods: 405 with `Allow`.
    case methodNotAllowed(allow: [String])
    /// No route has such a method at all: 501.
    case notImplemented
    /// The path's percent-encoding is wrong, or is not UTF-8: 400.
    case malformed
}

/// A path's parameters, percent-decoded, never empty.
package struct PathParameters: Sendable, Equatable {
    private let names: [String]
    private let values: [String]

    init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    /// The value of `{name}`; nil where the template has no such parameter.
    package subscript(name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }
}
