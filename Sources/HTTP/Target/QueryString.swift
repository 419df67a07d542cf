/// Why a query cannot be read; the code is `invalid-query` (400).
package struct QueryFault: Error, Sendable, Equatable {
    /// Which parameter is wrong and how, for people.
    package let detail: String
}

/// A query's parameters, decoded, in the order sent.
///
/// `a=1&b=x+y%21`: `&` separates, the first `=` ends the name, `+` is a space. A parameter without
/// `=` has the value "". Empty parameters (`a&&b`) are skipped.
package struct QueryString: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package let parameters: [Parameter]

    /// No parameters.
    package init() { parameters = [] }

    /// Parses what followed `?`, nil where there was none.
    ///
    /// Throws if percent-encoding is malformed or does not decode to UTF-8.
    package init(_ query: String?) throws(QueryFault) {
        guard let query, !query.isEmpty else {
            parameters = []
            return
        }
        var parameters: [Parameter] = []
        for (index, part) in query.utf8.split(separator: UInt8(ascii: "&")).enumerated() {
            let nameEnd = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = PercentCoding.decode(Substring(part[..<nameEnd]), plusIsSpace: true)
            else {
                throw QueryFault(detail: "the name of parameter \(index + 1) is badly encoded")
            }
            let value = Substring(part[nameEnd...].dropFirst())
            guard let value = PercentCoding.decode(value, plusIsSpace: true) else {
                throw QueryFault(detail: "the value of parameter \(index + 1) is badly encoded")
            }
            parameters.append(Parameter(name: name, value: value))
        }
        self.parameters = parameters
    }

    /// The first value of that name, or nil.
    package subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// The first name that is not among `names`, or nil: an unknown parameter is an error.
    package func firstName(notIn names: [String]) -> String? {
        parameters.first { !names.contains($0.name) }?.name
    }

    /// The first name that is there twice, or nil.
    package var firstRepeatedName: String? {
        guard parameters.count > 1 else { return nil }
        var seen: Set<String> = []
        return parameters.first { !seen.insert($0.name).inserted }?.name
    }
}
