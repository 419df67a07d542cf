import Payload
import Testing

@Suite struct PayloadTests {
    @Test func `every small integer round trips in one byte`() {
        for value in -40...100 {
            var writer = PayloadWriter()
            writer.write(Int64(value))
            let payload = writer.finish()
            #expect(payload.bytes.count == (PayloadTag.smallIntegers.contains(value) ? 1 : 9))
            payload.withReader { reader in
                guard case .integer(let read) = reader.next() else {
                    Issue.record("not an integer")
                    return
                }
                #expect(read == Int64(value))
                #expect(reader.isAtEnd)
            }
        }
    }

    @Test func `strings of every length around the short form round trip`() {
        for length in 0...130 {
            let text = String(repeating: "é", count: length / 2)
            #expect(Payload(text).text == text)
        }
    }
}
