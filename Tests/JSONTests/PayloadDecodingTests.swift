import JSON
import Payload
import Testing

@Suite struct PayloadDecodingTests {
    @Test(
        arguments: [
            ("null", .null), ("true", .bool(true)), ("7", .int(7)), ("7.0", .float(7)),
            ("1e2", .float(100)), ("99999999999999999999", .float(1e20)), (#""x""#, .text("x")),
            ("[]", .table(.array)), ("{}", .table(.object)),
            ("[1,null,[]]", .list([.int(1), .null, .table(.array)])),
            (#"{"a":1,"b":null,"c":{}}"#, .object([("a", .int(1)), ("c", .table(.object))])),
            (#"{"1":"x"}"#, .object([("1", .text("x"))])),
            (#""a\u0000b""#, .text("a\0b")), (#""\ud83d\ude00""#, .text("\u{1F600}")),
        ] as [(String, Value)]
    )
    func `JSON becomes the payload it stands for`(text: String, value: Value) throws {
        #expect(try decoded(text, .script) == value.payload)
        #expect(try decoded(text, .wire) == value.payload)
    }

    @Test func `base64 objects become bytes on the wire only`() throws {
        let text = #"{"b":{"$base64":"//4="},"e":{"$base64":""}}"#
        #expect(
            try decoded(text, .wire)
                == Value.object([("b", .bytes([0xFF, 0xFE])), ("e", .text(""))]).payload
        )
        #expect(
            try decoded(#"{"$base64":"//4="}"#, .script)
                == Value.object([("$base64", .text("//4="))]).payload
        )
    }

    @Test func `an object that has more than base64 stays an object`() throws {
        let text = #"{"$base64":"//4=","x":1}"#
        let value = Value.object([("$base64", .text("//4=")), ("x", .int(1))])
        #expect(try decoded(text, .wire) == value.payload)
    }

    @Test(arguments: [#"{"$base64":"?"}"#, #"{"$base64":1}"#, #"{"$base64":null}"#])
    func `base64 that is none is an error with its path`(text: String) {
        #expect { try decoded("{\"a\":[0,\(text)]}", .wire) } throws: {
            "\($0)".hasPrefix("value.a[2][\"$base64\"]: expected base64")
        }
    }

    @Test func `a text that is no JSON is an error with its place`() {
        #expect { try decoded("[1,") } throws: { "\($0)".hasSuffix("at line 1, column 3") }
    }

    @Test func `limits hold for payloads too`() {
        let bytes = Array("[[1]]".utf8)
        #expect(throws: PayloadJSON.DecodingFault.self) {
            try PayloadJSON.decode(bytes.span, .wire, limits: JSONLimits(depthMax: 1))
        }
    }
}

@Suite struct RoundTripTests {
    /// A value whose JSON form is exact: what JSON can hold, marked as decoding marks it.
    private func value(_ random: inout SeededGenerator, depth: Int) -> Value {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: .bool(.random(using: &random))
        case 1: .int(Int64.random(in: -200...200, using: &random))
        case 2: .int(Int64(bitPattern: random.next()))
        case 3: .float(Double.random(in: -1e6...1e6, using: &random))
        case 4: .text(text(&random))
        case 5: .float(Double(Int.random(in: -5...5, using: &random)))
        case 6, 7:
            .list(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                    Bool.random(using: &random) ? value(&random, depth: depth - 1) : .null
                }
            )
        default:
            .object(
                (0..<Int.random(in: 0..<5, using: &random)).map { index in
                    ("\(index)" + text(&random), value(&random, depth: depth - 1))
                }
            )
        }
    }

    private func text(_ random: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let code = UInt32.random(in: 1...0x1FFF, using: &random)
            if let scalar = UnicodeScalar(code) { text.unicodeScalars.append(scalar) }
        }
        return text
    }

    @Test func `payload to JSON and back is the same payload`() throws {
        for seed in UInt64(0)..<1_500 {
            var random = SeededGenerator(seed: seed)
            let payload = value(&random, depth: 5).payload
            for dialect in [PayloadJSON.Dialect.script, .wire] {
                let json = try PayloadJSON.encode(payload, dialect)
                #expect(try PayloadJSON.decode(json.span, dialect) == payload, "seed \(seed)")
            }
        }
    }

    @Test func `JSON to payload and back is the same text`() throws {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let json = try value(&random, depth: 5).json()
            let payload = try decoded(json)
            let again = try PayloadJSON.encode(payload, .script)
            #expect(String(decoding: again, as: UTF8.self) == json, "seed \(seed)")
        }
    }

    @Test func `any bytes cross the wire unchanged`() throws {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let payload = Value.list([.bytes(bytes)]).payload
            let json = try PayloadJSON.encode(payload, .wire)
            #expect(try PayloadJSON.decode(json.span, .wire) == payload, "seed \(seed)")
        }
    }

    @Test func `damaged JSON is refused or read, and never traps`() {
        for seed in UInt64(0)..<2_000 {
            var random = SeededGenerator(seed: seed)
            guard var json = try? Array(value(&random, depth: 4).json().utf8), !json.isEmpty else {
                continue
            }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<json.count, using: &random)
                json[place] = UInt8.random(in: .min ... .max, using: &random)
            }
            if let payload = try? PayloadJSON.decode(json.span, .wire) {
                #expect((try? PayloadJSON.encode(payload, .wire)) != nil, "seed \(seed)")
            }
        }
    }
}
