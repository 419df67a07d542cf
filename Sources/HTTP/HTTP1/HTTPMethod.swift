/// The methods this server implements for some resource or other.
package enum HTTPMethod {
    /// In the order an `Allow` field lists them.
    package static let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    /// Whether a method is implemented at all: if not answer 501, else route it (404, 405).
    ///
    /// Source: RFC 9110, 9.1 and 15.6.2. Methods are case-sensitive.
    package static func isKnown(_ method: String) -> Bool {
        known.contains(method)
    }
}
