import Testing

@testable import Access

@Suite struct DigestTests {
    /// Source: FIPS 180-2, B.1; the digest of nothing as sha256sum has it.
    @Test(arguments: [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
    func `a text's digest is that of its bytes`(text: String, digits: String) throws {
        #expect(Digest(of: text).hexadecimal == digits)
        let read = try #require(Digest(hexadecimal: digits))
        #expect(read == Digest(of: text) && read.isSame(as: Digest(of: text)))
        #expect(Digest(hexadecimal: digits.uppercased()) == read)
    }

    @Test func `digests that differ in one bit, wherever, are not the same`() throws {
        let digits = Array(Digest(of: "token").hexadecimal)
        for index in digits.indices {
            var other = digits
            let value = try #require(other[index].hexDigitValue)
            other[index] = Character(String(value ^ 1, radix: 16))
            let changed = try #require(Digest(hexadecimal: String(other)))
            #expect(!changed.isSame(as: Digest(of: "token")))
        }
    }

    @Test(arguments: [
        "", "abc", String(repeating: "g", count: 64), String(repeating: "0", count: 63),
        String(repeating: "0", count: 65), "+" + String(repeating: "0", count: 63),
        String(repeating: "0", count: 15) + "-" + String(repeating: "0", count: 48),
    ])
    func `what is not 64 hexadecimal digits is no digest`(_ text: String) {
        #expect(Digest(hexadecimal: text) == nil)
    }
}
