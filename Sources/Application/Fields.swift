internal import GoTime
internal import Yams

/// The fields of one mapping, read by name and type.
///
/// Reading a field notes what is wrong with it and answers nil, as for a field left out (or left
/// empty); `finish` warns of fields nobody knows.
struct Fields {
    let reading: FileReading
    /// Where the mapping begins.
    let place: AppPlace
    /// What the mapping describes, for messages: `entry "echo"`.
    let subject: String
    private let nodes: [(name: String, key: Node, value: Node)]

    /// Nil, and a problem, where `node` is no mapping.
    init?(_ node: Node, _ subject: String, _ reading: FileReading) {
        guard let mapping = node.mapping else {
            reading.error("\(subject): expected a mapping, found \(node.inWords)", at: node)
            return nil
        }
        self.reading = reading
        self.subject = subject
        place = reading.place(of: node)
        nodes = mapping.compactMap { key, value in
            guard reading.takeNode(value) else { return nil }
            guard let name = key.scalar?.string else {
                reading.error("\(subject): expected a name, found \(key.inWords)", at: key)
                return nil
            }
            return (name, key, value)
        }
    }

    /// Warns of each field that is not among `known`, with the one it is likely meant to be.
    func finish(known: [String]) {
        for field in nodes where !known.contains(field.name) {
            reading.log.warning(
                "\(subject): unknown field \"\(field.name)\""
                    + suggestion(for: field.name, among: known),
                at: reading.place(of: field.key)
            )
        }
    }

    // MARK: Fields of any type

    subscript(name: String) -> Node? {
        guard let value = nodes.first(where: { $0.name == name })?.value, !value.isNull else {
            return nil
        }
        return value
    }

    /// A field that must be there; notes a problem where it is not.
    func required(_ name: String, _ expected: String) -> Node? {
        if let value = self[name] { return value }
        let key = nodes.first { $0.name == name }?.key
        let place = key.map(reading.place(of:)) ?? place
        reading.log.error("\(subject): \(name) is missing; expected \(expected)", at: place)
        return nil
    }

    func place(of name: String) -> AppPlace {
        self[name].map(reading.place(of:)) ?? place
    }

    private func mismatch(_ name: String, _ expected: String, _ node: Node) {
        reading.error("\(subject): \(name): expected \(expected), found \(node.inWords)", at: node)
    }

    // MARK: Scalars

    func text(_ name: String) -> String? {
        guard let node = self[name] else { return nil }
        if let text = node.scalar?.string { return text }
        mismatch(name, "text", node)
        return nil
    }

    func bool(_ name: String) -> Bool? {
        guard let node = self[name] else { return nil }
        if let bool = node.scalar?.bool { return bool }
        mismatch(name, "true or false", node)
        return nil
    }

    func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = self[name] else { return nil }
        if let integer = node.scalar?.integer, let value = Int(exactly: integer),
            range.contains(value)
        {
            return value
        }
        mismatch(name, "an integer from \(range.lowerBound) to \(range.upperBound)", node)
        return nil
    }

    func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        guard let node = self[name] else { return nil }
        if let number = node.scalar?.number, range.contains(number) { return number }
        mismatch(name, "a number from \(range.lowerBound) to \(range.upperBound)", node)
        return nil
    }

    /// A duration such as `1m30s`, in nanoseconds.
    func duration(_ name: String) -> Int64? {
        guard let node = self[name] else { return nil }
        if let text = node.scalar?.string,
            let nanoseconds = (try? GoDuration(text))?.nanoseconds,
            nanoseconds >= 0
        {
            return nanoseconds
        }
        mismatch(name, "a duration such as \"10s\" or \"1m30s\"", node)
        return nil
    }

    // MARK: Structure

    func list(_ name: String) -> [Node] {
        guard let node = self[name] else { return [] }
        guard let sequence = node.sequence else {
            mismatch(name, "a list", node)
            return []
        }
        return sequence.filter { reading.takeNode($0) }
    }

    /// A list of texts, each with its node for later problems.
    func texts(_ name: String) -> [(text: String, node: Node)] {
        list(name).compactMap { node in
            if let scalar = node.scalar, !scalar.isNull { return (scalar.string, node) }
            mismatch(name, "a list of texts", node)
            return nil
        }
    }

    func mapping(_ name: String) -> Fields? {
        self[name].flatMap { Fields($0, "\(subject): \(name)", reading) }
    }

    /// All fields as names and texts, in the order written.
    var textPairs: [(name: String, text: String, node: Node)] {
        nodes.compactMap { field in
            if let scalar = field.value.scalar, !scalar.isNull {
                return (field.name, scalar.string, field.value)
            }
            mismatch(field.name, "text", field.value)
            return nil
        }
    }
}
