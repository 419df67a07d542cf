/// What a head's fields mean for the connection: host, body framing, persistence, expectation.
///
/// Pure; called once a head is complete. Faults are looked for in a fixed order: target, Host,
/// framing, Expect.
enum HeadMeaning {
    /// Makes the head of a request line and its fields.
    ///
    /// - Parameters:
    ///   - method: a token.
    ///   - target: the request target's bytes, one at least, all `ByteClass.isTarget`.
    ///   - version: 1.0 or 1.1.
    ///   - headers: the fields; names are tokens, values stripped of the white space around them.
    /// - Returns: the checked head.
    /// - Throws: 400, 417 or 501.
    static func resolve(
        method: String,
        target: ArraySlice<UInt8>,
        version: ProtocolVersion,
        headers: Headers
    ) throws(HTTP1Fault) -> RequestHead {
        if method == "CONNECT" { throw .notImplemented("this server is no proxy") }
        let resolved = try RequestTarget(target, method: method)
        let found = try FramingFields(headers)
        let host = try checkedHost(found.host, version)
        let bodyKind = try checkedBody(found, version)
        let expects = try checkedExpectation(found.expect, version)
        return RequestHead(
            request: Request(
                method: method,
                path: resolved.path,
                query: resolved.query,
                authority: resolved.authority ?? host,
                headers: headers,
                version: version
            ),
            keepAlive: keepsAlive(found.connection, version),
            // "a 100-continue expectation" waits for leave to send content (RFC 9110, 10.1.1).
            expectsContinue: expects && bodyKind != .none && bodyKind != .length(0),
            bodyKind: bodyKind
        )
    }

    /// Checks the Host field (RFC 9112, 3.2).
    ///
    /// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
    /// that lacks a Host header field and to any request message that contains more than one Host
    /// header field line or a Host header field with an invalid field value."
    private static func checkedHost(
        _ host: String?,
        _ version: ProtocolVersion
    ) throws(HTTP1Fault) -> String {
        guard let host else {
            if version == .http10 { return "" }
            throw .invalid("the Host field is missing")
        }
        // Empty is what a client sends whose URI has no authority: well formed, nobody's name.
        guard host.isEmpty || Authority.isWellFormed(host) else {
            throw .invalid("the Host field is malformed")
        }
        return host
    }

    /// Decides the body's framing (RFC 9112, 6.1 to 6.3), refusing whatever is ambiguous.
    private static func checkedBody(
        _ found: FramingFields,
        _ version: ProtocolVersion
    ) throws(HTTP1Fault) -> RequestHead.BodyKind {
        guard let codings = found.transferEncoding else {
            guard let length = found.contentLength else { return .none }
            return .length(try parsedLength(length))
        }
        if version == .http10 { throw .invalid("Transfer-Encoding in an HTTP/1.0 request") }
        if found.contentLength != nil {
            throw .invalid("both Content-Length and Transfer-Encoding")
        }
        try checkCodings(codings)
        return .chunked
    }

    /// Reads a Content-Length (RFC 9110, 8.6: `1*DIGIT`); one list member only, even of equals.
    private static func parsedLength(_ text: String) throws(HTTP1Fault) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy(ByteClass.isDigit) else {
            throw .invalid("Content-Length is not a decimal number")
        }
        guard let length = Int(text) else { throw .invalid("Content-Length is out of range") }
        return length
    }

    /// Lets exactly `chunked` pass.
    ///
    /// Source: RFC 9112, 6.3: "If a Transfer-Encoding header field is present in a request and the
    /// chunked transfer coding is not the final encoding, the message body length cannot be
    /// determined reliably; the server MUST respond with the 400 (Bad Request) status code"; 6.1:
    /// a coding the server does not understand is 501, and chunked is applied once only.
    private static func checkCodings(_ codings: [String]) throws(HTTP1Fault) {
        for coding in codings where coding.isEmpty || !coding.utf8.allSatisfy(ByteClass.isToken) {
            throw .invalid("Transfer-Encoding is malformed")
        }
        guard let last = codings.last, Headers.same(last, "chunked") else {
            throw .invalid("the final transfer coding is not chunked")
        }
        for coding in codings.dropLast() {
            if Headers.same(coding, "chunked") { throw .invalid("chunked is named twice") }
            if Headers.same(coding, "identity") { throw .invalid("identity is no transfer coding") }
        }
        if codings.count > 1 {
            throw .notImplemented("chunked is the only transfer coding known here")
        }
    }

    /// Whether the client waits for 100; a client of HTTP/1.0 cannot (RFC 9110, 10.1.1).
    private static func checkedExpectation(
        _ expectations: [String],
        _ version: ProtocolVersion
    ) throws(HTTP1Fault) -> Bool {
        for expectation in expectations where !Headers.same(expectation, "100-continue") {
            throw .expectationFailed()
        }
        return !expectations.isEmpty && version == .http11
    }

    /// Source: RFC 9112, 9.3.
    private static func keepsAlive(_ options: [String], _ version: ProtocolVersion) -> Bool {
        if options.contains(where: { Headers.same($0, "close") }) { return false }
        if version == .http11 { return true }
        return options.contains { Headers.same($0, "keep-alive") }
    }
}

/// The fields that decide framing, gathered in one pass over a head.
private struct FramingFields {
    var host: String?
    var contentLength: String?
    /// The codings of all Transfer-Encoding lines in order; nil without such a line.
    var transferEncoding: [String]?
    var connection: [String] = []
    var expect: [String] = []

    init(_ headers: Headers) throws(HTTP1Fault) {
        for field in headers.fields {
            // The length tells most fields apart before any letter is compared.
            switch field.name.utf8.count {
            case 4 where Headers.same(field.name, "Host"):
                if host != nil { throw .invalid("more than one Host field") }
                host = field.value
            case 6 where Headers.same(field.name, "Expect"):
                expect += FramingFields.members(field.value)
            case 10 where Headers.same(field.name, "Connection"):
                connection += FramingFields.members(field.value)
            case 14 where Headers.same(field.name, "Content-Length"):
                if contentLength != nil { throw .invalid("more than one Content-Length field") }
                contentLength = field.value
            case 17 where Headers.same(field.name, "Transfer-Encoding"):
                transferEncoding = (transferEncoding ?? []) + FramingFields.members(field.value)
            default: break
            }
        }
    }

    /// The comma-separated members, stripped of SP and HTAB; empty ones are kept, to be judged.
    private static func members(_ value: String) -> [String] {
        // Most have one member, and the value was stripped already.
        if !value.utf8.contains(UInt8(ascii: ",")) { return [value] }
        return value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { String(decoding: FieldReader.trimmed($0), as: UTF8.self) }
    }
}
