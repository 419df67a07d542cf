// From a method and a path to what the program does with them.

import HTTP

/// A table of routes: method and path template to a route's number.
///
/// A template is a path whose segments are literals or `{name}`; a parameter takes exactly one
/// segment, percent-decoded after the split, so that `%2F` is part of a value. A literal wins over a
/// parameter in the same place, and is not given up once taken: `/a/{x}/c` and `/a/b/d` make
/// `/a/b/c` unknown. GET also serves HEAD; every path answers OPTIONS.
///
/// Routes are numbers, not values of a type of the caller's: a generic table is not specialised
/// across rooms, and took a quarter of a request's instructions.
package struct Router: Sendable {
    /// One entry, as `add` was given it; its place in `entries` is its number.
    package struct Entry: Sendable {
        package let method: String
        package let template: String
        /// The names of the template's parameters, in order.
        fileprivate let names: [String]
    }

    /// What a path has led to so far.
    ///
    /// The lists are short: a scan beats a hash.
    private struct Node: Sendable {
        var literals: [(segment: [UInt8], node: Int)] = []
        var parameter: Int?
        /// Numbers of routes, in the order added.
        var routes: [Int] = []
    }

    private var nodes = [Node()]
    /// Every route, in the order added.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// Adds a route; its number is how many were added before.
    ///
    /// Adding the same method and template twice is a programmer error, and so is a template that
    /// does not begin with `/`.
    package mutating func add(_ method: String, _ template: String) {
        guard let segments = PathSegments.split(template) else {
            preconditionFailure("a template is a path: \(template)")
        }
        var node = 0
        var names: [String] = []
        for segment in segments {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                node = parameterChild(of: node)
            } else {
                node = literalChild(segment, of: node)
            }
        }
        precondition(
            !nodes[node].routes.contains { entries[$0].method == method },
            "\(method) \(template) is routed twice"
        )
        nodes[node].routes.append(entries.count)
        entries.append(Entry(method: method, template: template, names: names))
    }

    private mutating func parameterChild(of node: Int) -> Int {
        if let child = nodes[node].parameter { return child }
        nodes.append(Node())
        nodes[node].parameter = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func literalChild(_ segment: String, of node: Int) -> Int {
        if let child = literal(segment.utf8Span.span, of: node) { return child }
        nodes.append(Node())
        nodes[node].literals.append((Array(segment.utf8), nodes.count - 1))
        return nodes.count - 1
    }

    private func literal(_ segment: Span<UInt8>, of node: Int) -> Int? {
        // By index: a copy of each entry would be counted in and out.
        for index in nodes[node].literals.indices
        where sameBytes(nodes[node].literals[index].segment, segment) {
            return nodes[node].literals[index].node
        }
        return nil
    }

    /// Finds what answers a request; linear in the path's length.
    package func match(method: String, path: String) -> RouteMatch {
        guard HTTPMethod.isKnown(method) else { return .notImplemented }
        // "OPTIONS *" asks about the server as a whole (RFC 9110, 9.3.7).
        if path == "*" { return .options(allow: HTTPMethod.known) }
        var node: Int? = 0
        var values: [String] = []
        let isPath = PathSegments.forEach(path) { segment in
            if let here = node, let child = literal(segment, of: here) {
                node = child
                return true
            }
            guard let text = PathSegments.decoded(segment) else { return false }
            node = node.flatMap { step(from: $0, text, &values) }
            return true
        }
        guard isPath else { return .malformed }
        guard let node, !nodes[node].routes.isEmpty else { return .notFound }
        return choose(method, nodes[node].routes, values)
    }

    /// Where a segment leads that is no literal as it was sent; nil for nowhere.
    private func step(from node: Int, _ text: String, _ values: inout [String]) -> Int? {
        // It may be one once it is decoded.
        if let child = literal(text.utf8Span.span, of: node) { return child }
        guard let parameter = nodes[node].parameter, !text.isEmpty else { return nil }
        values.append(text)
        return parameter
    }

    private func choose(_ method: String, _ routes: [Int], _ values: [String]) -> RouteMatch {
        // HEAD is GET without content; the connection leaves the content out.
        if let route = first(method, routes) ?? (method == "HEAD" ? first("GET", routes) : nil) {
            return .found(route, PathParameters(names: entries[route].names, values: values))
        }
        let allow = Self.allowed(routes.map { entries[$0].method })
        return method == "OPTIONS" ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    private func first(_ method: String, _ routes: [Int]) -> Int? {
        for route in routes where entries[route].method == method { return route }
        return nil
    }

    /// The methods of a path, in the known order.
    private static func allowed(_ methods: [String]) -> [String] {
        HTTPMethod.known.filter {
            methods.contains($0) || $0 == "OPTIONS" || ($0 == "HEAD" && methods.contains("GET"))
        }
    }
}

/// What a router found.
package enum RouteMatch: Sendable {
    /// The route's number, and what the path says for its parameters.
    case found(Int, PathParameters)
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
        for (index, own) in names.enumerated() where own == name { return values[index] }
        return nil
    }
}
