import Foundation
import Yams

/// openapi.yaml as a value, with its references followed.
struct OpenAPIDocument: Sendable {
    /// One method of one path.
    struct Operation: Sendable {
        /// As in `GET /v1/names`.
        var name: String
        var value: JSON
    }

    let root: JSON

    init() throws {
        let file = RunningServer.root.appendingPathComponent("openapi.yaml")
        root = JSON(yaml: try Yams.load(yaml: try String(contentsOf: file, encoding: .utf8)))
    }

    private static let methods = ["get", "put", "post", "delete", "patch"]

    var operations: [Operation] {
        root["paths"].members.flatMap { path, item in
            item.members.filter { Self.methods.contains($0.0) }.map { method, value in
                Operation(name: "\(method.uppercased()) \(path)", value: value)
            }
        }
    }

    /// What `value` refers to, if it refers.
    ///
    /// Members beside a reference count, too, as OpenAPI 3.1 has it for schemas.
    func followed(_ value: JSON) -> JSON {
        guard case .string(let pointer) = value["$ref"] else { return value }
        return target(of: pointer)
    }

    /// Where a reference within the document points; `.missing` where nothing is.
    func target(of pointer: String) -> JSON {
        guard pointer.hasPrefix("#/") else { return .missing }
        return pointer.dropFirst(2).split(separator: "/").reduce(root) { value, name in
            let name = name.replacingOccurrences(of: "~1", with: "/")
            return value[name.replacingOccurrences(of: "~0", with: "~")]
        }
    }

    /// Every reference in the document.
    var references: [String] {
        func all(in value: JSON) -> [String] {
            switch value {
            case .array(let items): items.flatMap(all)
            case .object(let members):
                members.flatMap { name, member -> [String] in
                    if name == "$ref", case .string(let pointer) = member { return [pointer] }
                    return all(in: member)
                }
            default: []
            }
        }
        return all(in: root)
    }

    /// What an operation says of a status: its own response, else the default one.
    func response(_ operation: Operation, _ status: Int) -> JSON {
        let responses = operation.value["responses"]
        let own = responses[String(status)]
        return followed(own.isMissing ? responses["default"] : own)
    }

    /// The statuses an operation names.
    func statuses(_ operation: Operation) -> Set<Int> {
        Set(operation.value["responses"].members.compactMap { Int($0.0) })
    }
}

extension JSON {
    /// What Yams makes of a document.
    fileprivate init(yaml value: Any?) {
        switch value {
        case let flag as Bool: self = .bool(flag)
        case let number as Int: self = .integer(Int64(number))
        case let number as Double: self = .double(number)
        case let text as String: self = .string(text)
        case let items as [Any]: self = .array(items.map { JSON(yaml: $0) })
        case let members as [AnyHashable: Any]:
            self = .object(
                Dictionary(
                    uniqueKeysWithValues: members.map { ("\($0.key)", JSON(yaml: $0.value)) }
                )
            )
        default: self = .null
        }
    }

    /// Empty for anything but an object; in order of the names.
    var members: [(String, JSON)] {
        guard case .object(let members) = self else { return [] }
        return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
