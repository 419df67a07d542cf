import Foundation
import Testing

/// openapi.yaml by itself: complete, and true to its own schemas.
@Suite struct DocumentTests {
    static let document = Result { try OpenAPIDocument() }

    @Test func `every reference leads somewhere, and every component is used`() throws {
        let document = try Self.document.get()
        let references = Set(document.references)
        for reference in references {
            #expect(!document.target(of: reference).isMissing, "\(reference)")
        }
        for (kind, components) in document.root["components"].members
        where kind != "securitySchemes" {
            for (name, _) in components.members {
                let own = "#/components/\(kind)/\(name)"
                // What is told of in words: lines of a stream have no place in a schema.
                let isTold = ["StreamItem", "BatchMessage", "MessageResult"].contains(name)
                #expect(references.contains(own) || isTold, "\(own) is used nowhere")
            }
        }
    }

    @Test func `every operation is complete`() throws {
        let document = try Self.document.get()
        let tags = Set(document.root["tags"].items.map { $0["name"].text })
        var ids: Set<String> = []
        for operation in document.operations {
            let value = operation.value
            #expect(ids.insert(value["operationId"].text).inserted, "\(operation.name)")
            #expect(!value["summary"].text.isEmpty, "\(operation.name) has no summary")
            #expect(value["tags"].items.map(\.text).allSatisfy(tags.contains))
            #expect(value["tags"].items.count == 1)
            let statuses = document.statuses(operation)
            #expect(statuses.contains { (200..<300).contains($0) }, "\(operation.name)")
            #expect(!value["responses"]["default"].isMissing, "\(operation.name)")
            for (status, response) in value["responses"].members {
                let response = document.followed(response)
                #expect(!response["description"].text.isEmpty, "\(operation.name) \(status)")
                guard status == "default" || Int(status) ?? 0 >= 400 else { continue }
                let types = response["content"].members.map(\.0)
                #expect(types == ["application/problem+json"], "\(operation.name) \(status)")
            }
        }
        #expect(ids.count >= 25)
    }

    /// Every content of requests and answers, with where it is.
    private static func contents(_ document: OpenAPIDocument) -> [(String, JSON)] {
        document.operations.flatMap { operation -> [(String, JSON)] in
            let request = operation.value["requestBody"]["content"].members.map {
                ("\(operation.name) request \($0.0)", $0.1)
            }
            let answers = operation.value["responses"].members.flatMap { status, response in
                document.followed(response)["content"].members.map {
                    ("\(operation.name) \(status) \($0.0)", $0.1)
                }
            }
            return request + answers
        }
    }

    @Test func `every content has an example, and it fits its schema`() throws {
        let document = try Self.document.get()
        let check = SchemaCheck(document: document)
        for (place, content) in Self.contents(document) {
            var examples = content["examples"].members.map { $0.1["value"] }
            if !content["example"].isMissing { examples.append(content["example"]) }
            #expect(!examples.isEmpty, "\(place) has no example")
            for example in examples {
                #expect(check.faults(example, content["schema"], at: place) == [])
            }
        }
    }

    @Test(arguments: [
        (#"{"type":"object","properties":{"a":{"type":"integer"}}}"#, #"{"a":"b"}"#),
        (#"{"required":["a"]}"#, #"{}"#), (#"{"enum":["a"]}"#, #""b""#),
        (#"{"additionalProperties":false,"properties":{"a":{}}}"#, #"{"b":1}"#),
        (#"{"items":{"minimum":1}}"#, "[1,0]"),
        (#"{"oneOf":[{"type":"null"},{"type":"null"}]}"#, "null"),
        (#"{"anyOf":[{"type":"null"}]}"#, "1"),
        (#"{"allOf":[{"type":"string"},{"const":"b"}]}"#, #""a""#),
        (#"{"pattern":"^a$"}"#, #""b""#), (#"{"wanted":1}"#, "1"), (#"{"maxLength":1}"#, #""ab""#),
        (#"{"maxItems":1}"#, "[1,2]"), (#"{"minItems":1}"#, "[]"),
    ])
    func `the check of these tests finds what is wrong`(_ schema: String, _ value: String) throws {
        let check = SchemaCheck(document: try Self.document.get())
        #expect(check.faults(JSON(parsing: value), JSON(parsing: schema)) != [])
    }
}
