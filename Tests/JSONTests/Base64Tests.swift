import Testing

@testable import JSON

@Suite struct Base64Tests {
    private func encoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        bytes.withUnsafeBytes { Base64.encode($0, into: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    private func decoded(_ text: String) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { Base64.decode($0) }
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `the RFC's examples hold both ways`(plain: String, code: String) {
        #expect(encoded(Array(plain.utf8)) == code)
        #expect(decoded(code) == Array(plain.utf8))
    }

    @Test func `every byte at every place comes back`() {
        for byte in UInt8.min...UInt8.max {
            for length in 1...4 {
                for place in 0..<length {
                    var bytes = [UInt8](repeating: 0x5A, count: length)
                    bytes[place] = byte
                    #expect(decoded(encoded(bytes)) == bytes)
                }
            }
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm9", "====", "=", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=",
        "Zm 9v", "Zm9v\n", "-_-_", "é===", "Zm9v=",
    ])
    func `what is no canonical base64 is refused`(code: String) {
        #expect(decoded(code) == nil)
    }
}
