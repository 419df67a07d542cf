// An answer written at once, by whoever has no session to write it.

import HTTP

extension ResponseEncoder {
    /// Appends a response that is no stream, whole, after which the connection closes.
    static func appendLast(_ response: Response, to output: inout [UInt8], date: DateField) {
        var content: [UInt8] = []
        if case .bytes(let bytes) = response.body { content = bytes }
        appendHead(
            to: &output,
            status: response.status,
            headers: response.headers,
            framing: .length(content.count),
            keepAlive: false,
            date: date
        )
        output += content
    }
}
