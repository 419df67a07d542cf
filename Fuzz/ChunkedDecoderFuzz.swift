// fuzz: chunked Sources/HTTP with CNghttp2
//
// 1. Any bytes as a chunked body: content, end and fault do not depend on the cuts.
// 2. Any bytes as content: chunks written by the encoder decode to it, and what follows is left.

private struct Outcome: Equatable {
    var content: [UInt8] = []
    var consumed = 0
    var isDone = false
    var fault: HTTP1Fault?

    init(_ pieces: [ArraySlice<UInt8>]) {
        var limits = HTTP1Limits()
        limits.chunkExtensionBytesMax = 16
        limits.trailerBytesMax = 32
        var decoder = ChunkedDecoder(limits: limits, bodyBytesMax: 512)
        for piece in pieces {
            var index = 0
            do {
                isDone = try decoder.decode(Array(piece), from: &index, into: &content)
            } catch {
                fault = error
            }
            consumed += index
            precondition(content.count <= 512, "more content than the limit")
            if isDone || fault != nil { return }
            precondition(index == piece.count, "input left without a reason")
        }
    }
}

/// libFuzzer's entry: one input, checked by the oracles above.
@c(LLVMFuzzerTestOneInput)
public func fuzzChunked(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let seed = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let cut = Int(seed) % (bytes.count + 1)

    let whole = Outcome([bytes[...]])
    precondition(Outcome([bytes[..<cut], bytes[cut...]]) == whole, "cut in two")
    precondition(Outcome(bytes.indices.map { bytes[$0...$0] }) == whole, "one by one")

    var encoded: [UInt8] = []
    ResponseEncoder.appendChunk(bytes[..<cut], to: &encoded)
    ResponseEncoder.appendChunk(bytes[cut...], to: &encoded)
    encoded += ResponseEncoder.lastChunk
    let length = encoded.count
    encoded += bytes
    var decoder = ChunkedDecoder(bodyBytesMax: bytes.count)
    var (index, content) = (0, [UInt8]())
    do {
        let isDone = try decoder.decode(encoded, from: &index, into: &content)
        precondition(isDone && content == bytes && index == length, "no round trip")
    } catch {
        preconditionFailure("our own chunks are refused: \(error.detail)")
    }
    return 0
}
