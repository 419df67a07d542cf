/// The methods this server knows.
package enum HTTPMethod {
    /// Those that some resource or other may allow, in the order an `Allow` field lists them.
    package static let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    /// Whether a method means something here: if not answer 501, else route it (404, 405).
    ///
    /// TRACE and QUERY do: they are known, and no resource allows them.
    ///
    /// Source: RFC 9110, 9.1 and 15.6.2. Methods are case-sensitive.
    package static func isKnown(_ method: String) -> Bool {
        known.contains(method) || method == "TRACE" || method == "QUERY"
    }

    /// Whether a method that some resource allows changes nothing.
    ///
    /// Source: RFC 9110, 9.2.1.
    package static func isSafe(_ method: String) -> Bool {
        method == "GET" || method == "HEAD" || method == "OPTIONS"
    }
}
