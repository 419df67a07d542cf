import HTTP
import Testing

/// Bytes of a readable text: `⏎` is CR LF, `\xHH` one byte, everything else UTF-8.
func wire(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    let lineEnd = Array("⏎".utf8)
    while let first = rest.first {
        if rest.starts(with: lineEnd) {
            bytes += [13, 10]
            rest = rest.dropFirst(lineEnd.count)
        } else if rest.starts(with: #"\x"#.utf8) {
            let digits = String(decoding: rest.dropFirst(2).prefix(2), as: UTF8.self)
            guard let byte = UInt8(digits, radix: 16) else { fatalError("bad escape in \(text)") }
            bytes.append(byte)
            rest = rest.dropFirst(4)
        } else {
            bytes.append(first)
            rest = rest.dropFirst()
        }
    }
    return bytes
}

/// Everything a parser said about some bytes, with neighbouring pieces of a body joined.
struct Transcript: Equatable {
    var events: [HTTP1Event] = []
    var fault: HTTP1Fault?
    /// What a connection would ask after the last byte.
    var isIdle = false
    var isInHead = false

    /// Feeds the pieces in turn, draining events after each.
    init(_ pieces: [ArraySlice<UInt8>], limits: HTTP1Limits = .init(), bodyLimit: Int? = nil) {
        var parser = HTTP1Parser(limits: limits)
        feeding: for piece in pieces {
            parser.append(Array(piece).span)
            do {
                while let event = try parser.next() {
                    add(event)
                    if case .head = event, let bodyLimit { parser.setBodyLimit(bodyLimit) }
                }
            } catch {
                fault = error
                break feeding
            }
        }
        isIdle = parser.isIdle
        isInHead = parser.isInHead
    }

    init(_ bytes: [UInt8], limits: HTTP1Limits = .init(), bodyLimit: Int? = nil) {
        self.init([bytes[...]], limits: limits, bodyLimit: bodyLimit)
    }

    private mutating func add(_ event: HTTP1Event) {
        if case .body(let more) = event, case .body(let before) = events.last {
            events[events.count - 1] = .body(before + more)
        } else {
            events.append(event)
        }
    }

    var heads: [RequestHead] {
        events.compactMap { if case .head(let head) = $0 { head } else { nil } }
    }

    var bodies: [String] {
        events.compactMap {
            if case .body(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil }
        }
    }

    var ends: Int { events.count { $0 == .end } }
}

/// One message of a table, and how a strict server takes it.
struct Specimen: CustomTestStringConvertible, Sendable {
    /// The row of the hostile-request table it stands for, and what is special about it.
    let name: String
    let bytes: [UInt8]
    /// The fault's status; nil if the bytes are whole, good requests.
    let status: Int?

    init(_ name: String, _ text: String, _ status: Int? = nil) {
        self.init(name, bytes: wire(text), status)
    }

    init(_ name: String, bytes: [UInt8], _ status: Int? = nil) {
        self.name = name
        self.bytes = bytes
        self.status = status
    }

    var testDescription: String { name }
}
