import Foundation

/// Checks values against the schemas of an OpenAPI 3.1 document.
///
/// Knows the keywords that openapi.yaml uses, and takes any other for a mistake, so that nothing
/// stays unchecked without a word. Source: JSON Schema 2020-12, "Validation".
struct SchemaCheck {
    let document: OpenAPIDocument

    private static let annotations: Set<String> = [
        "description", "title", "example", "examples", "default", "format", "summary",
    ]

    /// What is wrong with `value`, each with its place; nothing where it is as it should be.
    func faults(_ value: JSON, _ schema: JSON, at place: String = "") -> [String] {
        if schema == .bool(true) { return [] }
        guard case .object(let keywords) = schema else { return ["\(place): no schema"] }
        return keywords.keys.sorted().flatMap { keyword -> [String] in
            check(keyword, schema[keyword], value, schema, place)
        }
    }

    private func check(
        _ keyword: String,
        _ rule: JSON,
        _ value: JSON,
        _ schema: JSON,
        _ place: String
    ) -> [String] {
        func fault(_ holds: Bool, _ what: @autoclosure () -> String) -> [String] {
            holds ? [] : ["\(place): \(what()), but is \(value)"]
        }
        switch keyword {
        case "$ref": return faults(value, document.target(of: rule.text), at: place)
        case "type":
            let types = rule.items.isEmpty ? [rule.text] : rule.items.map(\.text)
            return fault(types.contains { Self.isOf($0, value) }, "must be \(types)")
        case "enum": return fault(rule.items.contains(value), "must be one of \(rule)")
        case "const": return fault(rule == value, "must be \(rule)")
        case "minimum": return fault(Self.number(value) ?? 0 >= Self.number(rule) ?? 0, "too small")
        case "maximum": return fault(Self.number(value) ?? 0 <= Self.number(rule) ?? 0, "too large")
        case "minLength", "maxLength", "pattern":
            guard case .string(let text) = value else { return [] }
            let count = Int64(text.unicodeScalars.count)
            switch keyword {
            case "minLength": return fault(count >= rule.integer ?? 0, "too short")
            case "maxLength": return fault(count <= rule.integer ?? 0, "too long")
            default:
                let found = text.range(of: rule.text, options: .regularExpression)
                return fault(found != nil, "must match \(rule)")
            }
        case "maxItems":
            return fault(value.items.count <= rule.integer ?? .max, "too many")
        case "minItems": return fault(value.items.count >= rule.integer ?? 0, "too few")
        case "items":
            return value.items.enumerated().flatMap { faults($1, rule, at: "\(place)/\($0)") }
        case "required":
            guard case .object(let members) = value else { return [] }
            return rule.items.flatMap { fault(members[$0.text] != nil, "must have \($0)") }
        case "properties":
            return value.members.flatMap { name, member -> [String] in
                let own = rule[name]
                return own.isMissing ? [] : faults(member, own, at: "\(place)/\(name)")
            }
        case "additionalProperties":
            return value.members.flatMap { name, member -> [String] in
                if !schema["properties"][name].isMissing { return [] }
                if rule == .bool(false) { return ["\(place)/\(name): not known"] }
                return faults(member, rule, at: "\(place)/\(name)")
            }
        case "allOf": return rule.items.flatMap { faults(value, $0, at: place) }
        case "oneOf", "anyOf":
            let each = rule.items.map { faults(value, $0, at: place) }
            let count = each.count { $0.isEmpty }
            if count == 1 || keyword == "anyOf" && count > 0 { return [] }
            let nearest = each.min { $0.count < $1.count } ?? []
            return ["\(place): \(count) of \(each.count) alternatives fit"] + nearest
        default:
            return Self.annotations.contains(keyword) ? [] : ["\(place): \(keyword) is unknown"]
        }
    }

    private static func isOf(_ type: String, _ value: JSON) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool),
            ("null", .null), ("integer", .integer), ("number", .integer), ("number", .double):
            true
        case ("integer", .double(let number)): number == number.rounded()
        default: false
        }
    }

    private static func number(_ value: JSON) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}
