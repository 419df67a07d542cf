// fuzz: json Sources/JSON with Payload CJansson
//
// Any bytes as a JSON text. Oracles, where it is JSON at all: payload to JSON and back is the same
// payload, JSON written twice is the same text, what we write jansson reads, and the wire's text is
// one line of UTF-8. Where it is not, the fault's place lies inside the text.

import Payload

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = Array(UnsafeBufferPointer(start: start, count: count))
    for dialect in [PayloadJSON.Dialect.script, .wire] {
        do throws(PayloadJSON.DecodingFault) {
            check(try PayloadJSON.decode(text.span, dialect), dialect)
        } catch {
            check(error, in: text)
        }
    }
    // The same bytes as a string and as a key: not JSON, but what a process may send.
    checkString(text)
    return 0
}

private func check(_ payload: Payload, _ dialect: PayloadJSON.Dialect) {
    do {
        let json = try PayloadJSON.encode(payload, dialect)
        precondition(String(validating: json, as: UTF8.self) != nil, "not UTF-8")
        precondition(json.allSatisfy { $0 >= 0x20 }, "more than one line")
        let again = try PayloadJSON.decode(json.span, dialect)
        precondition(again == payload, "the payload changed")
        let twice = try PayloadJSON.encode(again, dialect)
        precondition(twice == json, "the text changed")
    } catch {
        fatalError("what was decoded does not go out and come back: \(error)")
    }
}

private func check(_ fault: PayloadJSON.DecodingFault, in text: [UInt8]) {
    guard case .text(let place) = fault else { return }
    precondition((0...text.count).contains(place.position), "a place outside the text")
    precondition(place.line >= 1 && place.column >= 1, "a place before the text")
    let lines = text.count { $0 == UInt8(ascii: "\n") } + 1
    precondition(place.line <= lines && place.column <= max(text.count, 1), "no such line")
}

private func checkString(_ bytes: [UInt8]) {
    var writer = PayloadWriter()
    let table = writer.beginTable(.array)
    writer.writeString(bytes)
    writer.endTable(table, sequence: 1, pairs: 0)
    check(writer.finish(), .wire)
}
