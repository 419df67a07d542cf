// fuzz: http1 Sources/HTTP with CNghttp2
//
// Any bytes, as a connection would bring them. The oracles:
// 1. the events and the fault do not depend on how the bytes are cut (whole, in two, one by one);
// 2. what stays buffered is bounded;
// 3. a head that was accepted, written out again and parsed again, is the same head;
// 4. nothing that was accepted can end a line early.

private struct Transcript: Equatable {
    var events: [HTTP1Event] = []
    var fault: HTTP1Fault?

    init(_ pieces: [ArraySlice<UInt8>], _ limits: HTTP1Limits) {
        var parser = HTTP1Parser(limits: limits)
        feeding: for piece in pieces {
            parser.append(Array(piece).span)
            do {
                while let event = try parser.next() { add(event) }
            } catch {
                fault = error
                break feeding
            }
            precondition(parser.bufferedBytes <= limits.headBytesMax, "too much is buffered")
        }
    }

    private mutating func add(_ event: HTTP1Event) {
        if case .body(let more) = event {
            precondition(!more.isEmpty, "an empty body event")
            if case .body(let before) = events.last {
                events[events.count - 1] = .body(before + more)
                return
            }
        }
        events.append(event)
    }
}

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzHTTP1(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 2 else { return 0 }
    // Small limits, so that short inputs reach them; the first two bytes choose the cut.
    var limits = HTTP1Limits()
    limits.targetBytesMax = 64
    limits.headBytesMax = 512
    limits.fieldsMax = 8
    limits.bodyBytesMax = 256
    limits.chunkExtensionBytesMax = 16
    limits.chunkExtensionsTotalBytesMax = 32
    limits.trailerBytesMax = 32
    let bytes = Array(input[2...])
    let cut = (Int(input[0]) << 8 | Int(input[1])) % (bytes.count + 1)

    let whole = Transcript([bytes[...]], limits)
    precondition(Transcript([bytes[..<cut], bytes[cut...]], limits) == whole, "cut in two")
    precondition(Transcript(bytes.indices.map { bytes[$0...$0] }, limits) == whole, "one by one")
    for case .head(let head) in whole.events { checkAgain(head) }
    return 0
}

private func checkAgain(_ head: RequestHead) {
    let request = head.request
    for field in request.headers.fields {
        precondition(!field.name.isEmpty && field.name.utf8.allSatisfy(ByteClass.isToken))
        precondition(field.value.utf8.allSatisfy(ByteClass.isFieldValue))
    }
    precondition(request.authority.isEmpty || Authority(request.authority) != nil)
    precondition(request.path == "*" || PathSegments.split(request.path) != nil)
    let query = request.query.map { "?" + $0 } ?? ""
    var text = request.method + " " + request.path + query
    text += request.version == .http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n"
    for field in request.headers.fields { text += field.name + ": " + field.value + "\r\n" }
    let again = Transcript([Array((text + "\r\n").utf8)[...]], .init())
    guard case .head(var second) = again.events.first else {
        preconditionFailure("what was accepted is refused when written again")
    }
    // An absolute-form's authority wins over Host; written again as origin-form, Host is all there is.
    second.request.authority = request.authority
    precondition(second == head, "another meaning when written again")
}
