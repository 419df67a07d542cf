/// Why bytes are not the JSON they were said to be.
///
/// Every such fault is the sender's: HTTP answers it with 400 `invalid-json`, Lua's `json.decode`
/// with an error object.
package struct JSONFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line of the offending byte, counted from 1.
    package let line: Int
    /// The offending character's place in its line, counted from 1 in Unicode scalars.
    package let column: Int
    /// How many bytes had been read, the offending one included.
    package let position: Int
    /// What is wrong, in words.
    package let detail: String

    package init(line: Int, column: Int, position: Int, detail: String) {
        self.line = line
        self.column = column
        self.position = position
        self.detail = detail
    }

    /// Makes the fault of `text` at `position`, and counts the line and the column it is in.
    init(_ detail: String, position: Int, in text: UnsafeRawBufferPointer) {
        let read = min(max(position, 0), text.count)
        var line = 1
        var column = 0
        for index in 0..<read {
            let byte = unsafe text[index]
            if byte == UInt8(ascii: "\n"), index + 1 < read {
                line += 1
                column = 0
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(line: line, column: max(column, 1), position: read, detail: detail)
    }

    package var description: String { "\(detail) at line \(line), column \(column)" }
}

/// How much structure a document may have; checked before anything is built from it.
///
/// A container costs jansson about 75 times its two bytes, so a document is refused by its count of
/// brackets, not by the memory it already took.
package struct JSONLimits: Sendable, Equatable {
    /// How deep objects and arrays may nest; `[]` is one deep.
    package var depthMax: Int
    /// How many objects and arrays a document may hold.
    package var containersMax: Int

    package init(depthMax: Int = 128, containersMax: Int = 20_000) {
        self.depthMax = depthMax
        self.containersMax = containersMax
    }

    /// What a payload or `json.decode` may hold: as deep as a Lua value may nest.
    package static let payload = JSONLimits()
}
