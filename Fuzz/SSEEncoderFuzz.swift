// fuzz: sse Sources/HTTP with CNghttp2
//
// Any strings as an event's name, id and data, between two events of ours. The oracle is a reader
// written from the HTML standard's 9.2.6: it must find three events, the middle one with our data.

private struct ReadEvent: Equatable {
    var name = ""
    var id = ""
    var data = ""
}

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzSSE(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    // 0xFF never occurs in UTF-8: it parts the input in up to four strings.
    let parts = input.split(separator: 0xFF, maxSplits: 3, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
    let part = { (index: Int) in index < parts.count ? parts[index] : "" }

    var stream: [UInt8] = []
    SSEEncoder.appendRetry(to: &stream, milliseconds: count)
    SSEEncoder.appendEvent(to: &stream, event: "first", id: "1", data: "one".utf8)
    SSEEncoder.appendComment(to: &stream, part(3))
    SSEEncoder.appendEvent(to: &stream, event: part(1), id: part(2), data: part(0).utf8)
    SSEEncoder.appendComment(to: &stream, part(3))
    SSEEncoder.appendEvent(to: &stream, event: "last", id: "3", data: "three".utf8)

    let dropped: Set<Unicode.Scalar> = ["\r", "\n", "\0"]
    let kept = { (text: String) in
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text.unicodeScalars.filter { !dropped.contains($0) })
        return String(scalars)
    }
    let expected = [
        ReadEvent(name: "first", id: "1", data: "one"),
        ReadEvent(name: kept(part(1)), id: kept(part(2)), data: oneKindOfLineEnd(part(0))),
        ReadEvent(name: "last", id: "3", data: "three"),
    ]
    precondition(read(stream) == expected, "the reader sees something else")
    return 0
}

private func oneKindOfLineEnd(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n" where previous == "\r": break
        case "\r", "\n": scalars.append("\n")
        case "\0": scalars.append("\u{FFFD}")
        default: scalars.append(scalar)
        }
        previous = scalar
    }
    return String(scalars)
}

/// The standard's event stream interpretation.
private func read(_ stream: [UInt8]) -> [ReadEvent] {
    var events: [ReadEvent] = []
    var event = ReadEvent()
    var lastID = ""
    var data: String?
    // Lines end with CR LF, LF or CR; the encoder must write no CR at all, so LF is enough.
    precondition(!stream.contains(13) && !stream.contains(0), "CR or NUL in the stream")
    for line in stream.split(separator: 10, omittingEmptySubsequences: false) {
        if line.isEmpty {
            if let data {
                event.id = lastID
                event.data = String(decoding: data.utf8.dropLast(), as: UTF8.self)
                events.append(event)
            }
            (event, data) = (ReadEvent(), nil)
            continue
        }
        let colon = line.firstIndex(of: 0x3A) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == 0x20 { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": event.name = text
        case "id": lastID = text
        case "data": data = (data ?? "") + text + "\n"
        default: break
        }
    }
    return events
}
