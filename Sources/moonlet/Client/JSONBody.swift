// A request's body: an object, built member by member.

import JSON

struct JSONBody {
    private var writer = JSONWriter()

    init() {
        writer.beginObject()
    }

    /// The body as JSON.
    var text: String {
        var ended = writer
        ended.endObject()
        return String(decoding: ended.bytes, as: UTF8.self)
    }

    mutating func set(_ name: String, _ value: String) {
        writer.member(name, value)
    }

    mutating func set(_ name: String, _ value: Int) {
        writer.member(name, value)
    }

    mutating func set(_ name: String, json value: JSONValue) {
        writer.key(name)
        writer.raw(value.compactText)
    }

    /// Sets a member to JSON from the command line, sent as it was written there.
    ///
    /// Fails with a usage error that names `option` where the text is no JSON.
    mutating func set(
        _ name: String,
        raw text: String,
        option: String
    ) throws(CommandFailure) {
        try Self.check(text, option)
        writer.key(name)
        writer.raw(text)
    }

    /// Sets a member to an array of such texts.
    mutating func set(
        _ name: String,
        rawItems texts: [String],
        option: String
    ) throws(CommandFailure) {
        for text in texts { try Self.check(text, option) }
        writer.key(name)
        writer.raw("[" + texts.joined(separator: ",") + "]")
    }

    private static func check(_ text: String, _ option: String) throws(CommandFailure) {
        do {
            _ = try JSONDocument(parsing: Array(text.utf8))
        } catch {
            throw .usage(
                "\(option) is not JSON: \(error.detail). A string needs its quotes: '\"text\"'."
            )
        }
    }
}
