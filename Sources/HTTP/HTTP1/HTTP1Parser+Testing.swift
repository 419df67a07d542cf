// What tests ask of a parser, and no connection.

extension HTTP1Parser {
    /// How many bytes are held, the consumed ones not yet given back included: memory in use.
    ///
    /// At most twice what was unread when bytes were last appended, and those bytes.
    package var heldBytes: Int { buffer.count }
}
