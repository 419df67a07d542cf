/// Gathers one header block's fields, and makes a request of them.
///
/// nghttp2 has checked what RFC 9113, 8.2 and 8.3 say: names in lower case, values without control
/// bytes, every pseudo-field once and before the others, no fields about a connection. What HTTP/1
/// asks beyond that is asked here in the same words: sizes, counts, target, host.
struct HTTP2HeadBuilder {
    private let limits: HTTP1Limits
    private(set) var stream: Int32 = 0
    private var method = ""
    private var scheme = ""
    private var target: [UInt8] = []
    private var authority: String?
    private var host: String?
    private var contentLength: String?
    private var headers = Headers()
    private var cookie: String?
    private var fault: HTTP1Fault?
    private var listBytes = 0

    /// A field's size beyond its bytes (RFC 9113, 6.5.2).
    private static let fieldOverhead = 32
    /// So far a list may go over its limit before it is not even read to its end.
    private static let excessFactor = 4

    init(_ limits: HTTP1Limits) {
        self.limits = limits
    }

    /// Begins a header block.
    mutating func begin(stream: Int32) {
        self.stream = stream
        (method, scheme) = ("", "")
        target.removeAll(keepingCapacity: true)
        (authority, host, contentLength, cookie) = (nil, nil, nil, nil)
        headers = Headers()
        fault = nil
        listBytes = 0
    }

    var isHead: Bool { method == "HEAD" }

    /// Takes one field; false where the list is so long that the stream should be reset.
    ///
    /// What HPACK makes of a few bytes may be a thousand times their size, so that the limit is on
    /// what comes out; past it nothing is kept.
    mutating func add(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        // SAFETY: the library lends both for the call; they are copied here.
        let isPseudo = unsafe name.first == ByteClass.colon
        if isPseudo, name.count == 5, value.count > limits.targetBytesMax {
            fault = fault ?? .targetTooLong(limit: limits.targetBytesMax)
        }
        listBytes += name.count + value.count + Self.fieldOverhead
        guard listBytes <= limits.headBytesMax else {
            let detail = "the header fields are longer than \(limits.headBytesMax) bytes"
            fault = fault ?? .headersTooLarge(detail)
            return listBytes <= limits.headBytesMax * Self.excessFactor
        }
        if isPseudo {
            unsafe addPseudoField(name, value)
        } else {
            unsafe addField(String(decoding: name, as: UTF8.self), value)
        }
        return true
    }

    /// The library lets these four through, each at most once.
    private mutating func addPseudoField(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>
    ) {
        // SAFETY: as in `add`; a name has at least its colon and one letter more.
        switch unsafe (name.count, name[1]) {
        case (5, UInt8(ascii: "p")): unsafe target.append(contentsOf: value)
        case (7, UInt8(ascii: "m")): method = unsafe String(decoding: value, as: UTF8.self)
        case (7, UInt8(ascii: "s")): scheme = unsafe String(decoding: value, as: UTF8.self)
        default: authority = unsafe String(decoding: value, as: UTF8.self)
        }
    }

    private mutating func addField(_ name: String, _ value: UnsafeBufferPointer<UInt8>) {
        // SAFETY: as in `add`.
        let value = unsafe String(decoding: value, as: UTF8.self)
        switch name {
        case "host": host = value
        case "content-length": contentLength = value
        // "these MUST be concatenated ... using the two-octet delimiter ... before being passed into
        // a non-HTTP/2 context" (RFC 9113, 8.2.3).
        case "cookie":
            cookie = cookie.map { $0 + "; " + value } ?? value
            return
        default: break
        }
        guard headers.count < limits.fieldsMax else {
            fault = fault ?? .headersTooLarge("more than \(limits.fieldsMax) header fields")
            return
        }
        headers.append(name, value)
    }

    /// The request, once all fields are there; faults are looked for in the order of HTTP/1.
    mutating func finish(hasBody: Bool) throws(HTTP1Fault) -> HTTP2RequestHead {
        if let fault { throw fault }
        if let cookie { headers.append("cookie", cookie) }
        if method.utf8.count > limits.methodBytesMax {
            throw .notImplemented("the method is longer than \(limits.methodBytesMax) bytes")
        }
        if method == "CONNECT" { throw .notImplemented("this server is no proxy") }
        guard scheme == "http" || scheme == "https" else {
            throw .invalid("the scheme is neither http nor https")
        }
        guard target.allSatisfy(ByteClass.isTarget) else {
            throw .invalid("unexpected byte in the request target")
        }
        let resolved = try RequestTarget(target[...], method: method)
        var isExpecting = false
        for expectation in headers.all("expect") {
            guard Headers.same(expectation, "100-continue") else { throw .expectationFailed() }
            isExpecting = true
        }
        return HTTP2RequestHead(
            stream: stream,
            request: Request(
                method: method,
                path: resolved.path,
                query: resolved.query,
                authority: try checkedAuthority(),
                headers: headers,
                version: .http2
            ),
            fieldBytes: listBytes,
            hasBody: hasBody,
            contentLength: contentLength.flatMap { Int($0) },
            expectsContinue: isExpecting && hasBody
        )
    }

    /// Checks who the request is for.
    ///
    /// "A server SHOULD treat a request as malformed if it contains a Host header field that
    /// identifies an entity that differs from the entity in the ":authority" pseudo-header field"
    /// (RFC 9113, 8.3.1).
    private func checkedAuthority() throws(HTTP1Fault) -> String {
        if let authority, let host, !Headers.same(authority, host) {
            throw .invalid("Host and :authority differ")
        }
        let name = authority ?? host ?? ""
        guard Authority.isWellFormed(name) else { throw .invalid("the authority is malformed") }
        return name
    }
}
