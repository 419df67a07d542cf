// What follows an answer's head, whichever protocol writes it.

import HTTP

extension Response {
    var isStream: Bool { if case .stream = body { true } else { false } }

    /// Tells a stream in it that it will not be sent.
    func stopUnsent() {
        if case .stream(let stream) = body { stream.stop() }
    }

    /// Whether content may follow the head: RFC 9110, 6.4.1.
    var allowsContent: Bool { status >= 200 && status != 204 && status != 304 }

    /// What Content-Length says; nil where it is left out.
    var contentLength: Int? {
        if status < 200 || status == 204 { return nil }
        return switch body {
        // A 304 says nothing of the length it does not send unless the handler brought it.
        case .none: status == 304 ? nil : omittedBytes ?? 0
        case .bytes(let bytes): bytes.count
        case .stream: nil
        }
    }
}
