import Foundation
import Testing

/// The contract against the real server: each status it names is reached, and each answer is what it
/// says there.
@Suite(.serialized) struct StatusTableTests {
    private let document: OpenAPIDocument
    private let check: SchemaCheck

    init() throws {
        document = try DocumentTests.document.get()
        check = SchemaCheck(document: document)
    }

    /// The problems that the document's description says any request can meet: `* 400 invalid-query`.
    private var common: Set<String> {
        var found: Set<String> = []
        for line in document.root["info"]["description"].text.split(separator: "\n") {
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            guard cells.count == 3, let status = Int(cells[0]) else { continue }
            for code in cells[1].components(separatedBy: "`, `") {
                found.insert("* \(status) \(code)")
            }
        }
        return found
    }

    @Test func `every status the contract names is in the table, and no other`() {
        var documented = common
        #expect(documented.count > 10)
        for operation in document.operations {
            for status in document.statuses(operation) {
                documented.insert("\(operation.name) \(status)")
            }
        }
        let reached = Set(
            StatusRow.all.map { row in
                row.operation == "*"
                    ? "* \(row.status) \(row.code ?? "")" : "\(row.operation) \(row.status)"
            }
        )
        let excused = Set(StatusRow.unreachable.keys)
        #expect(documented.subtracting(reached).subtracting(excused) == [])
        #expect(reached.subtracting(documented) == [])
        #expect(excused.subtracting(documented) == [] && excused.isDisjoint(with: reached))
    }

    @Test func `every request of the table is answered as the contract says`() throws {
        let fixtures = try StatusFixtures()
        let operations = Dictionary(
            uniqueKeysWithValues: document.operations.map { ($0.name, $0) }
        )
        for row in StatusRow.all {
            let answer = try row.request(fixtures)
            #expect(answer.status == row.status, "\(row): \(answer.text.prefix(300))")
            if let code = row.code { #expect(answer.code == code, "\(row)") }
            let type = answer["Content-Type"] ?? ""
            #expect(answer["X-Request-Id"] != nil, "\(row)")
            if row.operation == "*" {
                #expect(type == "application/problem+json", "\(row)")
                let problem = document.root["components"]["schemas"]["Problem"]
                #expect(check.faults(answer.json, problem, at: "\(row)") == [])
                continue
            }
            let operation = try #require(operations[row.operation], "\(row)")
            check(answer, type, document.response(operation, answer.status), row)
        }
    }

    private func check(_ answer: HTTPAnswer, _ type: String, _ response: JSON, _ row: StatusRow) {
        let contents = response["content"].members
        guard !contents.isEmpty else {
            #expect(answer.body.isEmpty, "\(row) has a body")
            return
        }
        guard let content = contents.first(where: { type.hasPrefix($0.0) }) else {
            Issue.record("\(row): \(type) is not in the contract")
            return
        }
        for (name, field) in response["headers"].members {
            guard let value = answer[name] else { continue }
            let schema = document.followed(field)["schema"]
            // A field's value is text; one that should be a number is read as JSON is.
            let read = schema["type"].text == "integer" ? JSON(parsing: value) : .string(value)
            #expect(check.faults(read, schema, at: "\(row) \(name)") == [])
        }
        guard content.0.hasSuffix("json") else { return }
        // Streams are lines, and each is one value.
        let values =
            content.0 == "application/x-ndjson"
            ? answer.text.split(separator: "\n").map { JSON(parsing: String($0)) } : [answer.json]
        let schema = content.1["schema"]
        // A body of lines has the schema of a text; its lines are told of in words.
        guard schema["type"] != .string("string") else { return }
        for value in values { #expect(check.faults(value, schema, at: "\(row)") == []) }
    }
}
