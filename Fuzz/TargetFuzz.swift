// fuzz: target Sources/HTTP with CNghttp2
//
// Any text as a path, a query, an authority, a Content-Type or an Accept: no trap, and
// 1. encoding undoes decoding; 2. file names can't leave their folder;
// 3. an authority read from its own parts is the same; 4. an answer is always one of the offers.

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzTarget(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)

    precondition(PercentCoding.decode(PercentCoding.encode(text)) == text, "no round trip")
    if let decoded = PercentCoding.decode(text) {
        precondition(PercentCoding.decode(PercentCoding.encode(decoded)) == decoded)
    }
    checkPath(text)
    checkPath("/" + text)
    if let query = try? QueryString(text) {
        let written = query.parameters.map {
            PercentCoding.encode($0.name) + "=" + PercentCoding.encode($0.value)
        }
        let again = try? QueryString(written.joined(separator: "&"))
        precondition(again == query, "another query when written again")
    }
    if let authority = Authority(text) {
        precondition(!authority.host.isEmpty)
        let written = authority.host + (authority.port.map { ":\($0)" } ?? "")
        precondition(Authority(written) == authority, "another authority when written again")
    }
    _ = MediaType(text)?.isJSON
    let offers = ["text/html", "application/json", "text/event-stream"]
    if let best = Accept(Headers([("Accept", text)])).best(of: offers) {
        precondition(offers.contains(best))
    }
    if let target = try? RequestTarget(bytes[...], method: "GET") {
        precondition(target.path.utf8.first == UInt8(ascii: "/"))
    }
    return 0
}

private func checkPath(_ path: String) {
    guard let names = PathSegments.fileNames(path) else { return }
    precondition(PathSegments.split(path) != nil)
    for name in names {
        precondition(!name.isEmpty && name != "." && name != ".." && !name.utf8.contains(0x2F))
        precondition(!name.utf8.contains(0) && !name.utf8.contains(0x5C))
    }
}
