import HTTP
import Testing

@Suite struct PercentCodingTests {
    @Test func `every byte pair after % is decoded or refused`() {
        let hex = Set("0123456789abcdefABCDEF".utf8)
        for high in UInt8(1)...127 {
            for low in UInt8(1)...127 {
                let digits = String(decoding: [high, low], as: UTF8.self)
                let decoded = PercentCoding.decode("%" + digits)
                let value = hex.contains(high) && hex.contains(low) ? UInt8(digits, radix: 16) : nil
                if let value, value < 128 {
                    #expect(decoded == String(UnicodeScalar(value)))
                } else {
                    #expect(decoded == nil)
                }
            }
        }
    }

    @Test(arguments: ["%", "a%", "%2", "%%20", "%c0%ae", "%ed%a0%80", "%f4%90%80%80", "%ff", "%c3"])
    func `bad encoding and bad UTF-8 are refused`(text: String) {
        #expect(PercentCoding.decode(text) == nil)
    }

    @Test func `plus is a space in a query only`() {
        #expect(PercentCoding.decode("a+b%2B") == "a+b+")
        #expect(PercentCoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    }

    @Test func `all but unreserved characters are encoded, and decode again`() {
        for scalar in (0...0x2FF).compactMap(UnicodeScalar.init) {
            let text = String(scalar)
            let encoded = PercentCoding.encode(text)
            let isUnreserved =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "-._~".unicodeScalars.contains(scalar))
            #expect((encoded == text) == isUnreserved)
            #expect(PercentCoding.decode(encoded) == text)
        }
        #expect(PercentCoding.encode("a⏎/é\r\n") == "a%E2%8F%8E%2F%C3%A9%0D%0A")
    }
}
