import Access
import HTTP
import HTTPServer
import JSON
import Payload

/// One request on its way through an endpoint.
final class Call: Sendable {
    private let admitted: Admitted
    /// The request's body; empty where there is none.
    let body: [UInt8]
    /// Its line in the audit log, where there is one.
    let record: AuditRecord?
    let exchange: any Exchange
    /// The hold on the request's `Idempotency-Key`; nil without one.
    let claim: IdempotencyClaim?

    init(
        _ admitted: Admitted,
        _ body: [UInt8],
        _ exchange: any Exchange,
        record: AuditRecord?,
        claim: IdempotencyClaim?
    ) {
        self.admitted = admitted
        self.body = body
        self.exchange = exchange
        self.record = record
        self.claim = claim
    }

    /// Its head; the body is `body`.
    var request: Request { admitted.request }
    var route: Route { admitted.route }
    /// Who sent it; nil where nobody is asked.
    var identity: Identity? { admitted.identity }

    /// What the request is called in the log.
    var requestID: String { admitted.dress.requestID }

    /// Answers; from any thread, once.
    ///
    /// The answer is kept before it is sent, so that a client that has it finds it again;
    /// `evenFailed` keeps a failure, too, after which another try would do the work twice.
    func respond(_ response: Response, evenFailed: Bool = false) {
        claim?.finish(response, evenFailed: evenFailed)
        record?.finish("\(response.status)")
        exchange.respond(admitted.dress.dressed(response))
    }

    func respond(_ problem: Problem) { respond(problem.response(requestID: requestID)) }

    // MARK: What the client said

    /// A parameter of the path, decoded.
    func path(_ name: String) -> String { admitted.parameters[name] ?? "" }

    /// A query parameter as text; nil where it is absent.
    func text(_ name: String) -> String? { admitted.query[name] }

    /// A query parameter that is a whole number.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = admitted.query[name] else { return nil }
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let value = Int(text), range.contains(value) else {
            throw .invalidQuery(
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return value
    }

    /// A query parameter that is one of `words`.
    func word(_ name: String, oneOf words: [String]) throws(Problem) -> String? {
        guard let text = admitted.query[name] else { return nil }
        guard words.contains(text) else {
            throw .invalidQuery("\(name) must be one of \(words.joined(separator: ", ")).")
        }
        return text
    }

    /// Reads the body with `read`; throws what is wrong with it, all at once.
    func body<T>(_ read: (ObjectDecoder) -> T) throws(Problem) -> T {
        let text = body
        return try Call.decode(text.span, read)
    }

    /// Reads an object with `read`; throws what is wrong with it, all at once.
    static func decode<T>(
        _ text: Span<UInt8>,
        _ read: (ObjectDecoder) -> T
    ) throws(Problem) -> T {
        let document: JSONDocument
        do throws(JSONFault) {
            document = try JSONDocument(parsing: text, limits: Call.limits)
        } catch {
            throw .invalidJSON(error)
        }
        do throws(InvalidBody) {
            return try document.withRoot { root throws(InvalidBody) in
                try ObjectDecoder.decode(root, read)
            }
        } catch {
            throw .invalidRequest(error.errors)
        }
    }

    /// Payloads may nest as deep as Lua values may; around them are an object, an array and an
    /// object at most.
    private static let limits = JSONLimits(depthMax: JSONLimits.payload.depthMax + 3)
}

extension Response {
    /// An answer in JSON that is not to be kept by caches.
    static func json(_ status: Int = 200, _ write: (inout JSONWriter) -> Void) -> Response {
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        write(&json)
        json.endObject()
        return Response(status: status, headers: Headers(jsonFields), body: .bytes(json.bytes))
    }

    private static let jsonFields = CommonFields([
        ("Content-Type", "application/json"), ("Cache-Control", "no-store"),
        ResponseDress.nosniff,
    ])

    static let done = Response(status: 204)
}

extension JSONWriter {
    /// A member that is an array of objects, whose members `write` writes.
    mutating func objects<Item>(
        _ name: String,
        _ items: [Item],
        _ write: (Item, inout JSONWriter) -> Void
    ) {
        key(name)
        beginArray()
        for item in items {
            beginObject()
            write(item, &self)
            endObject()
        }
        endArray()
    }
}

extension ObjectDecoder {
    /// A required string that may not be empty.
    func nonEmptyString(_ name: String, _ whenEmpty: String) -> String {
        let text = requiredString(name)
        // Where the member is missing or of another type, that has been noted already.
        if text.isEmpty, payload(name)?.text == "" { fault(name, whenEmpty) }
        return text
    }
}
