import JSON
import Payload
import Testing

@Suite struct PayloadEncodingTests {
    @Test(
        arguments: [
            (.nothing, "null"), (.null, "null"), (.bool(true), "true"), (.bool(false), "false"),
            (.int(42), "42"), (.int(.min), "-9223372036854775808"), (.float(3), "3.0"),
            (.text("a\"b"), #""a\"b""#), (.text("a\0b"), #""a\u0000b""#),
            (.plain(), "[]"), (.table(.array), "[]"), (.table(.object), "{}"),
            (.plain([.int(1), .text("x")]), #"[1,"x"]"#),
            (.plain([.int(1), .nothing, .null, .int(2)]), "[1,null,null,2]"),
            (.plain([], [(.text("a"), .int(1)), (.text("b"), .plain())]), #"{"a":1,"b":[]}"#),
            (.plain([], [(.text(""), .int(1))]), #"{"":1}"#),
            (.object([("x", .list([.object([])]))]), #"{"x":[{}]}"#),
        ] as [(Value, String)]
    )
    func `a plain value is written alike in both dialects`(value: Value, json: String) throws {
        #expect(try value.json(.script) == json)
        #expect(try value.json(.wire) == json)
    }

    @Test(arguments: [TableMark.plain, .array])
    func `integer keys 1 to n make an array, wherever the table keeps them`(
        mark: TableMark
    ) throws {
        func table(_ sequence: [Int64], _ keys: [Int64]) -> Value {
            .table(
                mark,
                sequence: sequence.map { .int($0 * 10) },
                pairs: keys.map { .init(key: .int($0), value: .int($0 * 10)) }
            )
        }
        for dialect in [PayloadJSON.Dialect.script, .wire] {
            #expect(try table([], [1]).json(dialect) == "[10]")
            #expect(try table([], [3, 1, 2]).json(dialect) == "[10,20,30]")
            #expect(try table([1, 2], [4, 3]).json(dialect) == "[10,20,30,40]")
        }
        let nested = Value.plain(
            [],
            [(.int(2), table([], [2, 1])), (.int(1), .object([("b", .int(1)), ("a", .int(2))]))]
        )
        #expect(try nested.json() == #"[{"b":1,"a":2},[10,20]]"#)
    }

    @Test(
        arguments: [
            (.float(.nan), "value: cannot encode NaN"),
            (.float(-.infinity), "value: cannot encode an infinity"),
            (.plain([.int(1), .float(.nan)]), "value[2]: cannot encode NaN"),
            (
                .object([("items", .list([.int(1), .int(2), .object([("a b", .float(.nan))])]))]),
                "value.items[3][\"a b\"]: cannot encode NaN"
            ),
            (.plain([.int(1)], [(.text("x"), .int(3))]), "value: mixed keys: strings and integers"),
            (
                .plain([], [(.text("x"), .int(3)), (.int(7), .int(1))]),
                "value: mixed keys: strings and integers"
            ),
            (.plain([], [(.int(2), .int(1))]), "value: sparse array: its keys are not 1 to n"),
            (.plain([], [(.int(0), .int(1))]), "value: sparse array: its keys are not 1 to n"),
            (
                .plain([.int(1)], [(.int(1_000_000), .int(1))]),
                "value: sparse array: its keys are not 1 to n"
            ),
            (
                .plain([], [(.float(1.5), .int(1))]),
                "value: a key that is neither a string nor an integer"
            ),
            (
                .plain([], [(.bool(true), .int(1))]),
                "value: a key that is neither a string nor an integer"
            ),
            (
                .plain([], [(.plain(), .int(1))]),
                "value: a key that is neither a string nor a number"
            ),
            (
                .table(.array, pairs: [.init(key: .text("a"), value: .int(1))]),
                "value: a string key in an array"
            ),
            (.table(.object, sequence: [.int(1)]), "value: an integer key in an object"),
            (.bytes([0xFF]), "value: cannot encode a string that is not UTF-8"),
        ] as [(Value, String)]
    )
    func `json.encode refuses what has no exact form, naming the path`(
        value: Value,
        message: String
    ) {
        #expect { try value.json(.script) } throws: { "\($0)" == message }
    }

    @Test(
        arguments: [
            (.float(.nan), "null"), (.plain([.float(.infinity)]), "[null]"),
            (.plain([.int(1), .int(2)], [(.text("x"), .int(3))]), #"{"1":1,"2":2,"x":3}"#),
            (.plain([.int(1)], [(.int(1_000_000), .int(1))]), #"{"1":1,"1000000":1}"#),
            (.plain([], [(.int(-1), .int(1))]), #"{"-1":1}"#),
            (.plain([], [(.bool(true), .int(1)), (.float(1.5), .int(2))]), #"{"true":1,"1.5":2}"#),
            (.table(.array, pairs: [.init(key: .text("a"), value: .int(1))]), #"{"a":1}"#),
            (.table(.object, sequence: [.int(7)]), #"{"1":7}"#),
            (.bytes([0xFF, 0xFE]), #"{"$base64":"//4="}"#),
            (.object([("b", .bytes([0xFF])), ("c", .int(1))]), #"{"b":{"$base64":"/w=="},"c":1}"#),
        ] as [(Value, String)]
    )
    func `the wire shows what json.encode refuses`(value: Value, json: String) throws {
        #expect(try value.json(.wire) == json)
    }

    @Test(
        arguments: [
            .plain([.int(1)], [(.text("1"), .int(2))]),
            .plain([], [(.text("1"), .int(2)), (.text("x"), .int(0)), (.int(1), .int(2))]),
            .plain([], [(.int(7), .int(2)), (.text("7"), .int(2))]),
            .plain([], [(.bool(true), .int(2)), (.text("true"), .int(2))]),
            .plain([], [(.text("1.5"), .int(2)), (.float(1.5), .int(2))]),
        ] as [Value]
    )
    func `keys that would be written alike are refused`(value: Value) {
        #expect { try value.json(.wire) } throws: { "\($0)".contains("ambiguous keys") }
        let inside = Value.object([("a", .list([value]))])
        #expect { try inside.json(.wire) } throws: { "\($0)".hasPrefix("value.a[1]: ambiguous") }
    }

    @Test func `a key that is not UTF-8 is refused in both dialects`() {
        let value = Value.plain([], [(.bytes([0xFF]), .int(1))])
        #expect(throws: PathFault.self) { try value.json(.script) }
        #expect(throws: PathFault.self) { try value.json(.wire) }
    }

    @Test func `keys that only look alike to a careless eye are kept`() throws {
        let value = Value.plain(
            [],
            [
                (.text("1"), .int(1)), (.int(11), .int(2)), (.text("\""), .int(3)),
                (.int(0), .int(4)),
            ]
        )
        #expect(try value.json(.wire) == #"{"1":1,"11":2,"\"":3,"0":4}"#)
    }

    @Test func `an error object shows four fields and keeps its stack`() throws {
        let error = Value.error([
            .text("no such thing"), .text("NotFound"), .bool(false),
            .object([("id", .int(7))]), .plain([.text("app:x:1")]),
        ])
        let json =
            #"{"message":"no such thing","kind":"NotFound","retryable":false,"#
            + #""details":{"id":7}}"#
        #expect(try error.json(.wire) == json)
        #expect(try Value.plain([error, .int(1)]).json() == "[\(json),1]")
        let bare = Value.error([.text("m"), .text(""), .nothing, .nothing, .nothing])
        #expect(
            try bare.json() == #"{"message":"m","kind":"","retryable":null,"details":null}"#
        )
    }

    @Test func `nesting to 128 is written and reads back, 129 is refused`() throws {
        var value = Value.int(1)
        for _ in 0..<128 { value = .list([value]) }
        let json = try value.json()
        #expect(try decoded(json) == value.payload)
        #expect(throws: PathFault.self) { try Value.list([value]).json() }
        #expect(throws: PayloadJSON.DecodingFault.self) { try decoded("[\(json)]") }
    }

    @Test func `a path is cut where a key is endless`() {
        let key = String(repeating: "k", count: 10_000)
        let value = Value.object([(key, .float(.nan))])
        #expect { try value.json() } throws: { "\($0)".utf8.count < 120 }
    }

    @Test func `a path is written for Lua and as a JSON pointer`() {
        let value = Value.object([("a/b", .list([.int(1), .object([("c~", .float(.nan))])]))])
        do throws(PathFault) {
            _ = try value.json()
            Issue.record("it was encoded")
        } catch {
            #expect(error.luaPath(root: "payload") == #"payload["a/b"][2]["c~"]"#)
            #expect(error.pointer(root: "/payload") == "/payload/a~1b/1/c~0")
            #expect(error.message(root: "it") == #"it["a/b"][2]["c~"]: cannot encode NaN"#)
        }
    }
}
