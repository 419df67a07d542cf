internal import Payload
internal import Yams

/// The reading of one `_index.yaml`: where its problems go, and how much of it has been looked at.
final class FileReading {
    /// Relative to the app's folder.
    let file: String
    let log: ProblemLog
    /// How many more nodes may be looked at, since aliases can make a small file a huge tree.
    private var nodesLeft = 100_000

    init(file: String, log: ProblemLog) {
        self.file = file
        self.log = log
    }

    func place(of node: Node) -> AppPlace {
        AppPlace(file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0)
    }

    func error(_ message: String, at node: Node) {
        log.error(message, at: place(of: node))
    }

    /// Counts one node as looked at; false, and a problem the first time, where it was too many.
    func takeNode(_ node: Node) -> Bool {
        nodesLeft -= 1
        if nodesLeft == 0 { error("more values than an index may have", at: node) }
        return nodesLeft > 0
    }

    // MARK: Values of any shape

    /// How deep free-form values may nest.
    static let depthMax = 64

    /// A free-form value (`meta`, `input`) as a payload, JSON-shaped.
    func payload(_ node: Node) -> Payload {
        var writer = PayloadWriter()
        write(node, &writer, depth: 0)
        return writer.finish()
    }

    private func write(_ node: Node, _ writer: inout PayloadWriter, depth: Int) {
        guard depth < FileReading.depthMax else {
            error("nested deeper than \(FileReading.depthMax)", at: node)
            writer.writeNull()
            return
        }
        guard takeNode(node) else {
            writer.writeNull()
            return
        }
        switch node {
        case .scalar(let scalar): FileReading.write(scalar, &writer)
        case .sequence(let elements):
            let position = writer.beginTable(.array)
            for element in elements { write(element, &writer, depth: depth + 1) }
            writer.endTable(position, sequence: elements.count, pairs: 0)
        case .mapping(let members):
            let position = writer.beginTable(.object)
            var pairs = 0
            for (key, value) in members where !value.isNull {
                guard let name = key.scalar?.string else {
                    error("expected a name, found \(key.inWords)", at: key)
                    continue
                }
                writer.write(name)
                write(value, &writer, depth: depth + 1)
                pairs += 1
            }
            writer.endTable(position, sequence: 0, pairs: pairs)
        case .alias:
            writer.writeNull()
        }
    }

    /// Writes a scalar as what YAML 1.2's core schema takes it for; hexadecimal stays text.
    private static func write(_ scalar: Node.Scalar, _ writer: inout PayloadWriter) {
        guard scalar.isPlain else { return writer.write(scalar.string) }
        if scalar.isNull { return writer.writeNull() }
        if let bool = scalar.bool { return writer.write(bool) }
        if let integer = scalar.integer { return writer.write(integer) }
        if let number = scalar.number { return writer.write(number) }
        writer.write(scalar.string)
    }
}

// MARK: - Scalars

extension Node.Scalar {
    /// Whether it stands without quotes, so that it may be something else than text.
    var isPlain: Bool { style == .plain || style == .any }

    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(string) }

    var bool: Bool? {
        guard isPlain else { return nil }
        switch string {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: return nil
        }
    }

    /// The decimal integer it is; underscores may group its digits.
    var integer: Int64? {
        guard isPlain, string.first != "_", string.last != "_" else { return nil }
        return Int64(string.filter { $0 != "_" })
    }

    /// The finite decimal number it is.
    var number: Double? {
        let isDecimal = string.utf8.allSatisfy { "+-.eE0123456789".utf8.contains($0) }
        guard isPlain, isDecimal, let number = Double(string), number.isFinite else { return nil }
        return number
    }
}

extension Node {
    var isNull: Bool { scalar?.isNull ?? false }

    /// What it is, for messages: a scalar as it is written, anything else by its kind.
    var inWords: String {
        switch self {
        case .scalar(let scalar) where scalar.isNull: "nothing"
        case .scalar(let scalar):
            scalar.string.utf8.count <= 60 ? "\"\(scalar.string)\"" : "a long text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }
}
