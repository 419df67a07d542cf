/// Writes server-sent events.
///
/// Whatever the strings hold, one call writes one event: CR, LF and CR LF in data begin a new
/// `data:` line (the reader joins them with LF), and are left out of ids, names and comments,
/// together with NUL. NUL in data becomes U+FFFD.
///
/// Source: the HTML standard, 9.2.5 and 9.2.6.
package enum SSEEncoder {
    /// Appends one event, the empty line that dispatches it included.
    ///
    /// - Parameters:
    ///   - output: what to append to.
    ///   - event: the event's name, or nil for `message`.
    ///   - id: what the reader sends back as `Last-Event-ID`, or nil to leave its last id alone.
    ///   - data: UTF-8; may be empty and may have many lines.
    package static func appendEvent(
        to output: inout [UInt8],
        event: String? = nil,
        id: String? = nil,
        data: some Sequence<UInt8>
    ) {
        if let event { appendLine("event: ", event, to: &output) }
        if let id { appendLine("id: ", id, to: &output) }
        appendData(data, to: &output)
        output.append(ByteClass.lineFeed)
    }

    /// Appends how long the reader waits before it connects again, in milliseconds; negative is 0.
    package static func appendRetry(to output: inout [UInt8], milliseconds: Int) {
        appendLine("retry: ", String(max(0, milliseconds)), to: &output)
        output.append(ByteClass.lineFeed)
    }

    /// Appends a comment, which readers ignore, and an id, which they remember: a heartbeat.
    ///
    /// An event without data is not dispatched, but its id counts (9.2.6).
    package static func appendComment(
        to output: inout [UInt8],
        _ text: String,
        id: String? = nil
    ) {
        appendLine(": ", text, to: &output)
        if let id { appendLine("id: ", id, to: &output) }
        output.append(ByteClass.lineFeed)
    }

    private static func appendData(_ data: some Sequence<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: "data: ".utf8)
        var afterCarriageReturn = false
        for byte in data {
            switch byte {
            case ByteClass.lineFeed where afterCarriageReturn:
                break
            case ByteClass.lineFeed, ByteClass.carriageReturn:
                output.append(contentsOf: "\ndata: ".utf8)
            case 0:
                output.append(contentsOf: "\u{FFFD}".utf8)
            default:
                output.append(byte)
            }
            afterCarriageReturn = byte == ByteClass.carriageReturn
        }
        output.append(ByteClass.lineFeed)
    }

    private static func appendLine(
        _ prefix: StaticString,
        _ text: String,
        to output: inout [UInt8]
    ) {
        output.append(contentsOf: prefix.description.utf8)
        for byte in text.utf8
        where byte != ByteClass.lineFeed && byte != ByteClass.carriageReturn && byte != 0 {
            output.append(byte)
        }
        output.append(ByteClass.lineFeed)
    }
}
