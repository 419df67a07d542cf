/// Writes responses of HTTP/1.1: heads and chunks, as bytes.
///
/// Nothing a handler puts into a field can end the field or the head (response splitting): names
/// that are no tokens are dropped with their values, control bytes in values are percent-encoded.
/// Fields that describe the connection or the framing are the connection's own; a handler's are
/// dropped.
package enum ResponseEncoder {
    /// How a response's end is told.
    package enum Framing: Sendable, Equatable {
        /// No content and no field about it: 1xx, 204.
        case none
        /// Content-Length; also for HEAD and 304, where the content itself is not sent.
        case length(Int)
        /// Transfer-Encoding: chunked; HTTP/1.1 only.
        case chunked
        /// The end is the connection's end: a stream to HTTP/1.0.
        case untilClose

        /// The framing of a body of unknown length.
        package static func stream(to version: ProtocolVersion) -> Framing {
            version == .http10 ? .untilClose : .chunked
        }
    }

    /// `HTTP/1.1 100 Continue`, whole.
    package static let continueHead = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The chunk that ends a chunked body, without trailers.
    package static let lastChunk = Array("0\r\n\r\n".utf8)

    /// Appends a response head, its empty line included.
    ///
    /// The version written is 1.1 whatever the client's (RFC 9110, 6.2). With `.untilClose` the
    /// connection is announced as closing whatever `keepAlive` says.
    ///
    /// - Parameters:
    ///   - output: what to append to.
    ///   - status: 100...599; anything else is written as 500.
    ///   - headers: the handler's fields.
    ///   - framing: how the content ends.
    ///   - version: the client's version: keep-alive is told to HTTP/1.0 only.
    ///   - keepAlive: whether the connection stays open afterwards.
    ///   - date: the Date field, or nil for none.
    package static func appendHead(
        to output: inout [UInt8],
        status: Int,
        headers: Headers,
        framing: Framing,
        version: ProtocolVersion = .http11,
        keepAlive: Bool = true,
        date: DateField? = nil
    ) {
        let status = (100...599).contains(status) ? status : 500
        let closes = !keepAlive || framing == .untilClose
        output.append(room: room(for: headers)) { head in
            putStatusLine(status, to: &head)
            if let date { head.put(date.line) }
            if let common = headers.common { head.put(common.lines) }
            for field in headers.own where !isOurs(field.name) {
                put(field.name, field.value, to: &head)
            }
            switch framing {
            case .none, .untilClose: break
            case .length(let length):
                head.put(literal: "Content-Length: ")
                head.put(decimal: length)
                head.put(literal: "\r\n")
            case .chunked: putField("Transfer-Encoding", "chunked", to: &head)
            }
            if closes {
                putField("Connection", "close", to: &head)
            } else if version == .http10 {
                putField("Connection", "keep-alive", to: &head)
            }
            head.put(literal: "\r\n")
        }
    }

    /// How many bytes a head takes at most.
    ///
    /// 200 is more than the status line and our own fields come to.
    private static func room(for headers: Headers) -> Int {
        var room = 200 + (headers.common?.lines.count ?? 0)
        // A byte of a value may become three: `%0A`.
        for field in headers.own { room += field.name.utf8.count + 3 * field.value.utf8.count + 4 }
        return room
    }

    private static func putStatusLine(_ status: Int, to head: inout RoomWriter) {
        if status == 200 { return head.put(literal: "HTTP/1.1 200 OK\r\n") }
        head.put(literal: "HTTP/1.1 ")
        head.put(decimal: status)
        head.put(ByteClass.space)
        head.put(ReasonPhrase.of(status))
        head.put(literal: "\r\n")
    }

    /// Writes a field that is known to be good.
    private static func putField(_ name: String, _ value: String, to head: inout RoomWriter) {
        head.put(name)
        head.put(literal: ": ")
        head.put(value)
        head.put(literal: "\r\n")
    }

    /// Writes a handler's field, made harmless; nothing if the name is no token.
    private static func put(_ name: String, _ value: String, to head: inout RoomWriter) {
        guard isToken(name) else { return }
        guard !isFieldValue(value) else { return putField(name, value, to: &head) }
        head.put(name)
        head.put(literal: ": ")
        var harmless: [UInt8] = []
        appendHarmless(value, to: &harmless)
        head.put(harmless)
        head.put(literal: "\r\n")
    }

    private static func isToken(_ name: String) -> Bool {
        let bytes = name.utf8Span.span
        for index in bytes.indices where !ByteClass.isToken(bytes[index]) { return false }
        return !bytes.isEmpty
    }

    static func isFieldValue(_ value: String) -> Bool {
        let bytes = value.utf8Span.span
        for index in bytes.indices where !ByteClass.isFieldValue(bytes[index]) { return false }
        return true
    }

    /// Appends one chunk; nothing for no bytes, as an empty chunk would end the body.
    package static func appendChunk(_ content: some Collection<UInt8>, to output: inout [UInt8]) {
        guard !content.isEmpty else { return }
        output.append(contentsOf: String(content.count, radix: 16).utf8)
        output.append(ByteClass.carriageReturn)
        output.append(ByteClass.lineFeed)
        output.append(contentsOf: content)
        output.append(ByteClass.carriageReturn)
        output.append(ByteClass.lineFeed)
    }

    /// Appends one field line, made harmless; nothing if the name is no token.
    static func appendField(_ name: String, _ value: String, to output: inout [UInt8]) {
        output.append(room: name.utf8.count + 3 * value.utf8.count + 4) {
            put(name, value, to: &$0)
        }
    }

    static func append(_ text: String, to output: inout [UInt8]) {
        var text = text
        // SAFETY: the bytes are copied inside the closure.
        text.withUTF8 { unsafe output.append(contentsOf: $0) }
    }

    static func appendHarmless(_ value: String, to output: inout [UInt8]) {
        for byte in value.utf8 {
            if ByteClass.isFieldValue(byte) {
                output.append(byte)
            } else {
                PercentCoding.append(byte, to: &output)
            }
        }
    }

    /// Whether a field is the connection's to write (RFC 9110, 7.6.1; RFC 9112, 6).
    static func isOurs(_ name: String) -> Bool {
        // The length tells most fields apart before any letter is compared.
        switch name.utf8.count {
        case 4: Headers.same(name, "Date")
        case 7: Headers.same(name, "Upgrade") || Headers.same(name, "Trailer")
        case 10: Headers.same(name, "Connection") || Headers.same(name, "Keep-Alive")
        case 14: Headers.same(name, "Content-Length")
        case 16: Headers.same(name, "Proxy-Connection")
        case 17: Headers.same(name, "Transfer-Encoding")
        default: false
        }
    }
}
