internal import Payload

/// The way from a payload to JSON text.
///
/// One pass, whatever the nesting: a table whose shape shows only at its end (integer keys among
/// the pairs) is written as an object first and put in order as an array afterwards.
struct PayloadEncoder {
    let dialect: PayloadJSON.Dialect
    /// The pairs of the tables now open, innermost last; shared so that an object costs no array.
    private var written: [WrittenPair] = []

    init(dialect: PayloadJSON.Dialect) {
        self.dialect = dialect
    }

    /// Where a pair stands in the output, as offsets.
    private struct WrittenPair {
        let keyStart: Int
        let valueStart: Int
        let end: Int
        /// The key, if it was an integer.
        let integer: Int64?
    }

    /// What the keys of a table's pairs have turned out to be.
    private struct KeyKinds {
        var strings = false
        var integers = false
        var others = false
        /// Whether each integer key lies in the range that would make the table an array.
        var integersFit = true

        var needCare: Bool { integers || others }
        var makeAnArray: Bool { integers && integersFit && !strings && !others }
    }

    mutating func writeValue(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        depth: Int
    ) throws(PathFault) {
        switch reader.next() {
        case .nothing, .null: writer.null()
        case .boolean(let value): writer.value(value)
        case .integer(let value): writer.value(value)
        case .float(let value):
            guard value.isFinite || dialect == .wire else {
                throw PathFault("cannot encode \(value.isNaN ? "NaN" : "an infinity")")
            }
            writer.value(value)
        case .string(let text):
            guard unsafe dialect == .wire || JSONWriter.isUTF8(text) else {
                throw PathFault("cannot encode a string that is not UTF-8")
            }
            unsafe writer.value(text: text)
        case .table(let mark, let sequence, let pairs):
            guard depth < payloadDepthMax else {
                throw PathFault("nested deeper than \(payloadDepthMax)")
            }
            if pairs == 0, mark != .object {
                try writeArray(&reader, &writer, count: sequence, depth: depth + 1)
            } else {
                let shape = Shape(mark: mark, sequence: sequence, pairs: pairs)
                try writePairs(&reader, &writer, shape, depth: depth + 1)
            }
        case .error:
            try writeError(&reader, &writer, depth: depth + 1)
        }
    }

    private mutating func writeArray(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        count: Int,
        depth: Int
    ) throws(PathFault) {
        writer.beginArray()
        for index in 0..<count {
            do {
                try writeValue(&reader, &writer, depth: depth)
            } catch {
                throw error.inside(.index(Int64(index) + 1))
            }
        }
        writer.endArray()
    }

    /// An error object's stack stays inside: it names source lines, which a client has no use for.
    private mutating func writeError(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        depth: Int
    ) throws(PathFault) {
        guard depth <= payloadDepthMax else {
            throw PathFault("nested deeper than \(payloadDepthMax)")
        }
        writer.beginObject()
        for field in ["message", "kind", "retryable", "details"] {
            writer.key(field)
            do {
                try writeValue(&reader, &writer, depth: depth)
            } catch {
                throw error.inside(.key(field))
            }
        }
        writer.endObject()
        reader.skip()
    }
}

// MARK: - Tables with pairs

extension PayloadEncoder {
    /// What a table says of itself before its elements.
    private struct Shape {
        let mark: TableMark
        let sequence: Int
        let pairs: Int

        /// Pairs keyed with the integers of this range, each once, make the table an array.
        func continues(with key: Int64) -> Bool {
            key > Int64(sequence) && key <= Int64(sequence) + Int64(pairs)
        }
    }

    private mutating func writePairs(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        _ shape: Shape,
        depth: Int
    ) throws(PathFault) {
        let outer = written.count
        var kinds = KeyKinds()
        writer.beginObject()
        let start = writer.bytes.count
        if shape.sequence > 0 {
            kinds.integers = true
            try checkStrict(kinds, shape)
            for index in 1...Int64(shape.sequence) {
                try writePair(&reader, &writer, integer: index, depth: depth)
            }
        }
        for _ in 0..<shape.pairs {
            try writePair(&reader, &writer, shape, &kinds, depth: depth)
        }
        if kinds.makeAnArray, shape.mark != .object {
            arrange(&writer, from: start, outer: outer)
        } else {
            if kinds.needCare { try refuseAmbiguous(writer, outer: outer) }
            writer.endObject()
        }
        written.removeSubrange(outer...)
    }

    /// Writes one key of the sequence and its value.
    private mutating func writePair(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        integer: Int64,
        depth: Int
    ) throws(PathFault) {
        let keyStart = writer.bytes.count
        writer.key(String(integer))
        let valueStart = writer.bytes.count
        do {
            try writeValue(&reader, &writer, depth: depth)
        } catch {
            throw error.inside(.index(integer))
        }
        note(writer, keyStart, valueStart, integer: integer)
    }

    private mutating func writePair(
        _ reader: inout PayloadReader,
        _ writer: inout JSONWriter,
        _ shape: Shape,
        _ kinds: inout KeyKinds,
        depth: Int
    ) throws(PathFault) {
        let keyStart = writer.bytes.count
        let key = reader.next()
        var integer: Int64?
        switch key {
        case .string(let name):
            kinds.strings = true
            guard unsafe JSONWriter.isUTF8(name) else {
                throw unsafe PathFault("a key that is not UTF-8").inside(key: name)
            }
            try checkStrict(kinds, shape)
            unsafe writer.key(utf8: name)
        case .integer(let value):
            integer = value
            kinds.integers = true
            kinds.integersFit = kinds.integersFit && shape.continues(with: value)
            try checkStrict(kinds, shape)
            writer.key(String(value))
        case .float(let value):
            kinds.others = true
            try checkStrict(kinds, shape)
            writer.key(value.description)
        case .boolean(let value):
            kinds.others = true
            try checkStrict(kinds, shape)
            writer.key(value ? "true" : "false")
        case .nothing, .null, .table, .error:
            throw PathFault("a key that is neither a string nor a number")
        }
        let valueStart = writer.bytes.count
        do {
            try writeValue(&reader, &writer, depth: depth)
        } catch {
            throw PayloadEncoder.named(error, by: key)
        }
        note(writer, keyStart, valueStart, integer: integer)
    }

    private mutating func note(
        _ writer: JSONWriter,
        _ keyStart: Int,
        _ valueStart: Int,
        integer: Int64?
    ) {
        written.append(
            WrittenPair(
                keyStart: keyStart,
                valueStart: valueStart,
                end: writer.bytes.count,
                integer: integer
            )
        )
    }

    private static func named(_ fault: PathFault, by key: PayloadItem) -> PathFault {
        switch key {
        case .string(let name): unsafe fault.inside(key: name)
        case .integer(let index): fault.inside(.index(index))
        case .float(let value): fault.inside(.key(value.description))
        case .boolean(let value): fault.inside(.key(value.description))
        case .nothing, .null, .table, .error: fault
        }
    }

    /// Refuses, for `json.encode`, a table that is neither an array nor an object.
    private func checkStrict(_ kinds: KeyKinds, _ shape: Shape) throws(PathFault) {
        guard dialect == .script else { return }
        if kinds.others { throw PathFault("a key that is neither a string nor an integer") }
        if kinds.strings, kinds.integers { throw PathFault("mixed keys: strings and integers") }
        switch shape.mark {
        case .array where kinds.strings: throw PathFault("a string key in an array")
        case .object where kinds.integers: throw PathFault("an integer key in an object")
        default: break
        }
        if !kinds.integersFit { throw PathFault("sparse array: its keys are not 1 to n") }
    }
}

// MARK: - Afterwards

extension PayloadEncoder {
    /// Rewrites the open object as the array its integer keys make.
    private func arrange(_ writer: inout JSONWriter, from start: Int, outer: Int) {
        let inOrder = written[outer...].sorted { ($0.integer ?? 0) < ($1.integer ?? 0) }
        var elements = JSONWriter(reserving: writer.bytes.count - start + 2)
        elements.beginArray()
        for pair in inOrder {
            elements.raw(writer.bytes[pair.valueStart..<pair.end])
        }
        elements.endArray()
        writer.replaceOpenObject(from: start, with: elements)
    }

    /// Throws where two keys of the innermost table are written alike, such as 1 and "1".
    private func refuseAmbiguous(_ writer: JSONWriter, outer: Int) throws(PathFault) {
        var seen: Set<ArraySlice<UInt8>> = []
        for pair in written[outer...] {
            // The first key has no comma before it; the others do.
            let start = pair.keyStart == written[outer].keyStart ? pair.keyStart : pair.keyStart + 1
            let key = writer.bytes[start..<pair.valueStart]
            guard seen.insert(key).inserted else {
                let name = String(decoding: key.dropFirst().dropLast(2), as: UTF8.self)
                throw PathFault("ambiguous keys: more than one is written \"\(name)\"")
            }
        }
    }
}
