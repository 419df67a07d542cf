import JSON
import Testing

@Suite struct JSONDocumentTests {
    private func fault(_ text: [UInt8], _ limits: JSONLimits = .payload) -> JSONFault? {
        do throws(JSONFault) {
            _ = try JSONDocument(parsing: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func fault(_ text: String, _ limits: JSONLimits = .payload) -> JSONFault? {
        fault(Array(text.utf8), limits)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "{'a':1}",
        "{\"a\":1}x", "1 2", "[1]]", "NaN", "Infinity", "-Infinity", "nul", "True", "01", "-01",
        "+1", ".5", "1.", "1e", "0x10", "-", "--1", "1e400", "-1e400", "1_000",
        "{\"a\":1,\"a\":2}", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\x41\"", "\"\\u12\"",
        "\"open", "\"tab\tin it\"", "\"line\nin it\"", "// no\n1", "/* no */ 1", "\u{FEFF}1",
        "\"a\0b\"", "{\"a\\u0000b\":1}", "]", "}", ":", ",", "\\",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(fault(text) != nil)
    }

    @Test(
        arguments: [
            [0xFF], [0x22, 0xFF, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0x00], [0xFE, 0xFF],
            [0x31, 0x00], [0x31, 0x20, 0x00], [0x5B, 0x31, 0x00, 0x5D], [0x00, 0x31],
        ] as [[UInt8]]
    )
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(fault(bytes) != nil)
    }

    @Test func `every text cut short is refused and never traps`() {
        let text = Array(
            #"{"a":[1,-2.5e3,true,null,"x\u00e9\"\\",123456789012345678901],"b":{}}"#.utf8
        )
        #expect(fault(text) == nil)
        for length in 0..<text.count {
            #expect(fault(Array(text[..<length])) != nil, "cut at \(length)")
        }
    }

    @Test func `a fault names line, column and byte position`() {
        let found = fault("{\n  \"é\": 1,\n  \"b\": nope\n}")
        #expect(found?.line == 3)
        #expect(found?.column == 11)
        #expect(found?.position == 24)
        #expect(found?.description == "\(found?.detail ?? "") at line 3, column 11")
    }

    @Test func `a fault after a long integer is placed as in the original`() {
        let found = fault("[123456789012345678901234567890,\n 123456789012345678901, nope]")
        let plain = fault("[12345678901234567.0123456789e0,\n 1234567890123456.8901, nope]")
        #expect(found?.line == 2)
        #expect(found?.column == plain?.column)
        #expect(found?.position == plain?.position)
    }

    @Test func `the empty text has a place too`() {
        #expect(fault("")?.line == 1)
        #expect(fault("")?.column == 1)
        #expect(fault("")?.position == 0)
    }

    @Test func `a byte order mark is named`() {
        #expect(fault("\u{FEFF}{}")?.detail == "byte order mark before the value")
    }

    @Test(arguments: [1, 2, 64, 128])
    func `nesting is allowed up to the limit and not beyond`(depth: Int) {
        let limits = JSONLimits(depthMax: depth)
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        #expect(fault(nested(depth, "[", "]"), limits) == nil)
        #expect(fault(nested(depth, "{\"a\":", "}"), limits) == nil)
        let found = fault(nested(depth + 1, "[", "]"), limits)
        #expect(found?.detail == "nested deeper than \(depth)")
        #expect(found?.position == depth + 1)
        #expect(fault(nested(depth + 1, "{\"a\":", "}"), limits) != nil)
    }

    @Test func `brackets in strings are no nesting`() {
        let limits = JSONLimits(depthMax: 1, containersMax: 1)
        #expect(fault(#"["[[[{{{\"[[[", "]]]"]"#, limits) == nil)
    }

    @Test func `a bomb of containers is refused by its count`() {
        let limits = JSONLimits(containersMax: 10)
        let nine = "[" + Array(repeating: "{}", count: 9).joined(separator: ",") + "]"
        let ten = "[" + Array(repeating: "{}", count: 10).joined(separator: ",") + "]"
        #expect(fault(nine, limits) == nil)
        #expect(fault(ten, limits)?.detail == "more than 10 objects and arrays")
        let bomb = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(fault(bomb)?.position == 129)
    }

    @Test func `values are read as what they are`() throws {
        let text = #"{"s":"aé\u0000","i":-7,"r":1.5,"t":true,"f":false,"n":null,"a":[1,2]}"#
        let document = try JSONDocument(parsing: Array(text.utf8))
        document.withRoot { root in
            #expect(root.kind == .object)
            #expect(root.count == 7)
            #expect(root["s"]?.string == "aé\0")
            #expect(root["i"]?.integer == -7)
            #expect(root["i"]?.double == -7)
            #expect(root["r"]?.double == 1.5)
            #expect(root["r"]?.integer == nil)
            #expect(root["t"]?.bool == true)
            #expect(root["f"]?.bool == false)
            #expect(root["n"]?.isNull == true)
            #expect(root["a"]?.count == 2)
            #expect(root["a"]?[1]?.integer == 2)
            #expect(root["a"]?[2] == nil)
            #expect(root["a"]?[-1] == nil)
            #expect(root["missing"] == nil)
            #expect(root["s"]?["x"] == nil)
            #expect(root["s"]?[0] == nil)
            #expect(root["s"]?.bool == nil)
            #expect(root["i"]?.string == nil)
        }
    }

    @Test func `members come in the order they were written`() throws {
        let names = (0..<200).map { "k\($0 * 7919 % 1000)" }
        let text = "{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        let document = try JSONDocument(parsing: Array(text.utf8))
        document.withRoot { root in
            #expect(root.members.map(\.name) == names)
        }
    }

    @Test func `a lone value is a document`() throws {
        for text in ["1", "\"x\"", "true", "null", " [] \n"] {
            #expect(fault(text) == nil)
        }
    }
}

@Suite struct NumberTests {
    private func read(_ text: String) throws -> (Int64?, Double?) {
        let document = try JSONDocument(parsing: Array(text.utf8))
        return document.withRoot { ($0.integer, $0.double) }
    }

    @Test func `integers keep 64 bits`() throws {
        #expect(try read("9223372036854775807").0 == .max)
        #expect(try read("-9223372036854775808").0 == .min)
        #expect(try read("9007199254740993").0 == 9_007_199_254_740_993)
        #expect(try read("-0").0 == 0)
    }

    @Test(arguments: [
        ("9223372036854775808", 9223372036854775808.0),
        ("-9223372036854775809", -9223372036854775809.0),
        ("18446744073709551615", 18446744073709551615.0),
        ("18446744073709551616", 18446744073709551616.0),
        ("100000000000000000000000000000", 1e29),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
    ])
    func `larger integers become floats`(text: String, value: Double) throws {
        let (integer, double) = try read(text)
        #expect(integer == nil)
        #expect(double == value)
        let inside = Array("[\(text),{\"a\":\(text)}, \(text) ]".utf8)
        let document = try JSONDocument(parsing: inside)
        document.withRoot { root in
            #expect(root[0]?.double == value)
            #expect(root[1]?["a"]?.double == value)
            #expect(root[2]?.double == value)
        }
    }

    @Test func `digits in strings stay as they are`() throws {
        let text = #"["99999999999999999999", 99999999999999999999, "\"99999999999999999999"]"#
        let document = try JSONDocument(parsing: Array(text.utf8))
        document.withRoot { root in
            #expect(root[0]?.string == "99999999999999999999")
            #expect(root[1]?.double == 1e20)
            #expect(root[2]?.string == "\"99999999999999999999")
        }
    }

    @Test func `an integer no float can hold is refused`() {
        let text = Array(String(repeating: "9", count: 400).utf8)
        #expect(throws: JSONFault.self) { _ = try JSONDocument(parsing: text) }
    }

    @Test func `a long fraction is a float`() throws {
        #expect(try read("0.1000000000000000055511151231257827").1 == 0.1)
        #expect(try read("5e-324").1 == .leastNonzeroMagnitude)
        #expect(try read("1e2").1 == 100)
        #expect(try read("1e2").0 == nil)
    }
}
