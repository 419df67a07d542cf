import JSON
import Payload
import Testing

@Suite struct ObjectDecoderTests {
    private func errors<T>(_ text: String, _ read: (ObjectDecoder) -> T) throws -> [BodyError] {
        let document = try JSONDocument(parsing: Array(text.utf8))
        return document.withRoot { root in
            do throws(InvalidBody) {
                _ = try ObjectDecoder.decode(root, read)
                return []
            } catch {
                return error.errors
            }
        }
    }

    private func value<T>(_ text: String, _ read: (ObjectDecoder) -> T) throws -> T {
        let document = try JSONDocument(parsing: Array(text.utf8))
        return try document.withRoot { root in try ObjectDecoder.decode(root, read) }
    }

    @Test func `members are read by name and type`() throws {
        let text = #"""
            {"entry":"app:x","args":[1,null,"a"],"limits":{"memory_bytes":65536},
             "context":{"a":1,"b":null,"c":[]},"mode":"fast","host":null,
             "messages":[{"topic":"t","payload":{"k":1}},{"topic":"u"}]}
            """#
        try value(text) { body in
            #expect(body.requiredString("entry") == "app:x")
            #expect(
                body.payloads("args")
                    == [Value.int(1).payload, .nothing, Value.text("a").payload]
            )
            #expect(body.object("limits") { $0.integer("memory_bytes", in: 1...100_000) } == 65536)
            let context = body.payloadsByName("context") ?? []
            #expect(context.map(\.name) == ["a", "c"])
            #expect(context.map(\.value) == [Value.int(1).payload, Value.list([]).payload])
            #expect(body.word("mode", oneOf: ["slow", "fast"]) == "fast")
            #expect(body.string("host") == nil)
            #expect(body.string("missing") == nil)
            let messages = body.objects("messages") { message in
                (message.requiredString("topic"), message.payload("payload"))
            }
            #expect(messages?.map(\.0) == ["t", "u"])
            #expect(messages?.first?.1 == Value.object([("k", .int(1))]).payload)
            #expect(messages?.last?.1 == nil)
        }
    }

    @Test func `everything wrong is told at once, with its place`() throws {
        let text = #"""
            {"entry":7,"limits":{"memory_bytes":"x","cpu_ms":-1,"a/b":1},
             "messages":[{"topic":"t"},{"payload":1},3],"extra":1,"mode":"odd"}
            """#
        let found = try errors(text) { body in
            _ = body.requiredString("entry")
            _ = body.object("limits") { limits in
                _ = limits.integer("memory_bytes", in: 0...10)
                _ = limits.integer("cpu_ms", in: 0...10)
            }
            _ = body.objects("messages") { message in
                _ = message.requiredString("topic")
                _ = message.payload("payload")
            }
            _ = body.requiredString("host")
            _ = body.word("mode", oneOf: ["slow", "fast"])
        }
        #expect(
            found == [
                BodyError(pointer: "/entry", detail: "expected a string, found an integer"),
                BodyError(
                    pointer: "/limits/memory_bytes",
                    detail: "expected an integer, found a string"
                ),
                BodyError(pointer: "/limits/cpu_ms", detail: "expected 0 to 10, found -1"),
                BodyError(pointer: "/limits/a~1b", detail: "unknown field"),
                BodyError(pointer: "/messages/1/topic", detail: "required"),
                BodyError(pointer: "/messages/2", detail: "expected an object, found an integer"),
                BodyError(pointer: "/host", detail: "required"),
                BodyError(pointer: "/mode", detail: "expected one of slow, fast"),
                BodyError(pointer: "/extra", detail: "unknown field"),
            ]
        )
    }

    @Test(arguments: [("[]", "an array"), ("1", "an integer"), ("null", "null")])
    func `a body that is no object is told once`(text: String, kind: String) throws {
        let found = try errors(text) { $0.requiredString("a") }
        #expect(found == [BodyError(pointer: "", detail: "expected an object, found \(kind)")])
    }

    @Test func `a payload that can't be one is told by its place inside`() throws {
        let text = #"{"args":[{"a":[{"$base64":"?"}]}]}"#
        let found = try errors(text) { $0.payloads("args") }
        #expect(found.map(\.pointer) == ["/args/0/a/0/$base64"])
    }

    @Test func `a caller's own finding counts`() throws {
        let found = try errors(#"{"a":"x"}"#) { body in
            _ = body.string("a")
            body.fault("a", "no such entry")
        }
        #expect(found == [BodyError(pointer: "/a", detail: "no such entry")])
    }

    @Test func `once nothing more can be noted nothing more is looked at`() throws {
        let zeros = "[" + String(repeating: "0,", count: 9_999) + "0]"
        var visited = 0
        let found = try errors(#"{"messages":\#(zeros)}"#) { body in
            body.objects("messages") { _ in visited += 1 }
        }
        #expect(found.count == 32 && visited == 32)
        #expect(found.last?.pointer == "/messages/31")
    }

    @Test func `of too many values none is read`() throws {
        func read(_ text: String) throws -> [BodyError] {
            try errors(text) { $0.payloads("args", atMost: 2) { "\($0) are too many" } }
        }
        #expect(try read(#"{"args":[1,2]}"#).isEmpty)
        // Neither is the one that is wrong.
        let found = try read(#"{"args":[1,2,{"$base64":"?"}]}"#)
        #expect(found == [BodyError(pointer: "/args", detail: "3 are too many")])
    }

    @Test func `a body of nothing but mistakes answers with a bounded list`() throws {
        let members = (0..<1_000).map { "\"x\($0)\":1" }.joined(separator: ",")
        #expect(try errors("{\(members)}") { _ in }.count == 32)
    }
}
