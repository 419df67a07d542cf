import Access
import Foundation
import Testing

@testable import ControlAPI

/// The route table against openapi.yaml.
struct ContractTests {
    static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "openapi.yaml")

    /// `GET /v1/names` and so on, read off the indentation of the file's `paths`.
    static func operations(_ yaml: String) -> Set<String> {
        var found: Set<String> = []
        var path: String?
        var isInPaths = false
        for line in yaml.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.first.map({ $0 != " " && $0 != "#" }) ?? false {
                isInPaths = line.hasPrefix("paths:")
            }
            guard isInPaths else { continue }
            if line.hasPrefix("  /") { path = String(line.dropFirst(2).dropLast()) }
            for method in ["get", "put", "post", "delete", "patch"]
            where line == "    \(method):" {
                found.insert("\(method.uppercased()) \(path ?? "?")")
            }
        }
        return found
    }

    @Test func `reading operations finds paths and methods and nothing outside`() {
        let yaml = """
            openapi: 3.1.0
            paths:
              /a:
                parameters: []
                get:
                  operationId: x
                delete:
              /a/{b}:
                put:
            components:
              /c:
                get:
            """
        #expect(ContractTests.operations(yaml) == ["GET /a", "DELETE /a", "PUT /a/{b}"])
    }

    @Test func `every endpoint is in the contract and the contract has no other`() throws {
        let yaml = try String(contentsOf: ContractTests.file, encoding: .utf8)
        var routes = Set(Routes.all.map { "\($0.method) \($0.pattern)" })
        // The dashboard is a static file.
        routes.insert("GET /")
        #expect(routes == ContractTests.operations(yaml))
    }

    /// What the file says each operation needs: a right, or "" for nothing.
    static func rights(_ yaml: String) -> [String: String] {
        var found: [String: String] = [:]
        var path = ""
        var operation = ""
        for line in yaml.split(separator: "\n") {
            if line.hasPrefix("  /") { path = String(line.dropFirst(2).dropLast()) }
            for method in ["get", "put", "post", "delete"] where line == "    \(method):" {
                operation = "\(method.uppercased()) \(path)"
            }
            guard line.hasPrefix("      security: ") else { continue }
            let right = line.split(separator: "bearer: [").dropFirst().first
            found[operation] = right.map { String($0.prefix { $0 != "]" }) } ?? ""
        }
        return found
    }

    @Test func `the contract says what every endpoint needs and what else it answers`()
        throws
    {
        let yaml = try String(contentsOf: ContractTests.file, encoding: .utf8)
        var rights = ContractTests.rights(yaml)
        #expect(rights.removeValue(forKey: "GET /") == "")
        let routes = Routes.all.map { ("\($0.method) \($0.pattern)", $0.right?.rawValue ?? "") }
        #expect(rights == Dictionary(uniqueKeysWithValues: routes))
        let needing = rights.values.count { !$0.isEmpty }
        let refusals = yaml.split(separator: "\n").count {
            $0 == ##"        "403": {$ref: "#/components/responses/Forbidden"}"##
        }
        #expect(refusals == needing)
    }

    @Test func `every code has a status a title and a distinct name`() {
        for code in ProblemCode.allCases {
            #expect((400...599).contains(code.status))
            #expect(!code.title.isEmpty)
        }
        let titles = Set(ProblemCode.allCases.map(\.title))
        #expect(titles.count == ProblemCode.allCases.count)
    }

    /// The file's table of problems: each code with its status.
    static func table(_ yaml: String) -> [(status: Int, code: String)] {
        yaml.split(separator: "\n").flatMap { line -> [(status: Int, code: String)] in
            guard line.hasPrefix("    | ") else { return [] }
            let cells = line.split(separator: "|").dropFirst().map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            guard cells.count == 3, let status = Int(cells[0]) else { return [] }
            return cells[1].components(separatedBy: "`, `").map { (status, $0) }
        }
    }

    /// The codes that the schemas of single answers name.
    static func ownCodes(_ yaml: String) -> Set<String> {
        let text = yaml.replacing(/code:\s+enum:/, with: "code: {enum:")
        var found: Set<String> = []
        for match in text.matches(of: /code: \{(?:const: ([a-z-]+)|enum:\s*\[([^\]]*)\])/) {
            if let word = match.1 { found.insert(String(word)) }
            for word in (match.2 ?? "").split(separator: ",") {
                found.insert(word.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return found
    }

    @Test func `every code is in the contract, and the contract has no other`() throws {
        let yaml = try String(contentsOf: ContractTests.file, encoding: .utf8)
        let table = ContractTests.table(yaml)
        let named = Set(table.map(\.code)).union(ContractTests.ownCodes(yaml))
        #expect(named == Set(ProblemCode.allCases.map(\.rawValue)))
        #expect(table.count > 15 && ContractTests.ownCodes(yaml).count > 20)
        for (status, code) in table {
            let own = ProblemCode(rawValue: code)?.status
            #expect(own == status || (status, code) == (400, "invalid-request"), "\(code)")
        }
    }

    @Test func `what the server refuses by itself is in the table`() throws {
        let yaml = try String(contentsOf: ContractTests.file, encoding: .utf8)
        let codes = Set(ContractTests.table(yaml).map(\.code))
        for code in [
            "expectation-failed", "not-implemented", "http-version-not-supported",
            "request-timeout", "connection-limit", "stream-limit", "uri-too-long",
            "headers-too-large", "payload-too-large", "invalid-request",
        ] {
            #expect(codes.contains(code), "\(code)")
        }
    }
}
