import JSON
import Testing

@Suite struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `commas stand between values and nowhere else`() {
        let text = written { json in
            json.beginObject()
            json.member("a", 1)
            json.key("b")
            json.beginArray()
            json.value(true)
            json.beginArray()
            json.endArray()
            json.beginObject()
            json.endObject()
            json.null()
            json.raw("[1]")
            json.value("x")
            json.endArray()
            json.member("c", orNull: nil)
            json.member("d", orNull: "e")
            json.endObject()
        }
        #expect(text == #"{"a":1,"b":[true,[],{},null,[1],"x"],"c":null,"d":"e"}"#)
    }

    @Test func `each byte below 0x20 is escaped and reads back`() throws {
        for code in UInt8(0)..<0x20 {
            let text = written { $0.value(String(UnicodeScalar(code))) }
            #expect(text.utf8.allSatisfy { $0 >= 0x20 })
            #expect(text.utf8.dropFirst().first == UInt8(ascii: "\\"))
            let document = try JSONDocument(parsing: Array(text.utf8))
            #expect(document.withRoot { $0.string } == String(UnicodeScalar(code)))
        }
    }

    @Test(arguments: [
        ("\"", #""\"""#), ("\\", #""\\""#), ("/", #""/""#), ("\u{08}", #""\b""#),
        ("\t", #""\t""#), ("\n", #""\n""#), ("\u{0C}", #""\f""#), ("\r", #""\r""#),
        ("\u{0}", #""\u0000""#), ("\u{1F}", #""\u001f""#), ("\u{7F}", "\"\u{7F}\""),
        ("é", "\"é\""), ("\u{1F600}", "\"\u{1F600}\""), ("", "\"\""), ("a\nb\nc", #""a\nb\nc""#),
        ("\n\nevent: x\ndata: {}", #""\n\nevent: x\ndata: {}""#),
    ])
    func `strings are escaped where RFC 8259 says so`(text: String, json: String) {
        #expect(written { $0.value(text) } == json)
        #expect(written { $0.key(text) } == json + ":")
    }

    @Test func `what must be escaped is found at every place`() {
        for code in UInt8(0)..<0x80 {
            let escaped = code < 0x20 || code == UInt8(ascii: "\"") || code == UInt8(ascii: "\\")
            for length in 1...17 {
                for place in 0..<length {
                    // Bytes on both sides of each bound, so that a borrow would show.
                    var bytes = (0..<length).map { [0x21, 0x7F, 0x23, 0x5D][$0 % 4] as UInt8 }
                    bytes[place] = code
                    let json = written { $0.value(String(decoding: bytes, as: UTF8.self)) }
                    #expect(json.utf8.contains(UInt8(ascii: "\\")) == escaped)
                    #expect((json.utf8.count == length + 2) == !escaped)
                }
            }
        }
    }

    @Test func `each scalar of the first planes reads back`() throws {
        for code in stride(from: UInt32(0), to: 0x11000, by: 61) {
            guard let scalar = UnicodeScalar(code) else { continue }
            let text = "<\(String(scalar))>"
            let json = written { $0.value(text) }
            let document = try JSONDocument(parsing: Array(json.utf8))
            #expect(document.withRoot { $0.string } == text)
        }
    }

    @Test(
        arguments: [
            (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (0.1, "0.1"), (1e15, "1000000000000000.0"),
            (1e16, "1e+16"), (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
        ] as [(Double, String)]
    )
    func `floats are the shortest that reads back, whole ones with a fraction`(
        value: Double,
        json: String
    ) {
        #expect(written { $0.value(value) } == json)
    }

    @Test func `every float reads back as itself`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let json = written { $0.value(value) }
            let document = try JSONDocument(parsing: Array(json.utf8))
            let read = document.withRoot { ($0.kind, $0.double) }
            #expect(read.0 == .real)
            #expect(read.1?.bitPattern == value.bitPattern)
        }
    }

    @Test(arguments: [0, 1, -1, 9, 10, -10, 95, Int64.max, Int64.min, Int64.min + 1])
    func `integers are written in full`(value: Int64) {
        #expect(written { $0.value(value) } == String(value))
        #expect(
            written {
                $0.beginArray(); $0.value(1); $0.value(value)
            } == "[1,\(value)"
        )
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE], "//4="), ([0xFF], "/w=="), ([0xFF, 0x00, 0x10], "/wAQ"),
            ([0xC3], "ww=="), ([0x61, 0x80], "YYA="),
        ] as [([UInt8], String)]
    )
    func `bytes that are not UTF-8 become base64`(bytes: [UInt8], code: String) {
        let text = written { json in
            json.beginArray()
            json.value(text: bytes.span)
            json.value(1)
            json.endArray()
        }
        #expect(text == "[{\"$base64\":\"\(code)\"},1]")
    }
}
