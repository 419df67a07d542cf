/// A media type with its parameters, as in Content-Type.
///
/// Source: RFC 9110, 8.3.1.
package struct MediaType: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        /// In lower case.
        package let name: String
        /// As sent, without quotes.
        package let value: String
    }

    /// In lower case, as `application`.
    package let type: String
    /// In lower case, as `problem+json`.
    package let subtype: String
    package let parameters: [Parameter]

    /// Parses a whole field value; nil if it is not exactly one media type.
    package init?(_ text: String) {
        var reader = FieldReader(text)
        reader.skipBlanks()
        self.init(&reader)
        reader.skipBlanks()
        guard reader.isAtEnd else { return nil }
    }

    /// Takes `type/subtype` and its parameters; stops after the last of them.
    init?(_ reader: inout FieldReader) {
        guard let type = reader.takeToken(), reader.take(UInt8(ascii: "/")),
            let subtype = reader.takeToken()
        else { return nil }
        var parameters: [Parameter] = []
        while true {
            reader.skipBlanks()
            guard reader.take(UInt8(ascii: ";")) else { break }
            reader.skipBlanks()
            // `parameters = *( OWS ";" OWS [ parameter ] )`: an empty one is allowed (5.6.6).
            guard let name = reader.takeToken() else { continue }
            guard reader.take(UInt8(ascii: "=")), let value = reader.takeValue() else { return nil }
            parameters.append(Parameter(name: MediaType.lowered(name), value: value))
        }
        self.type = MediaType.lowered(type)
        self.subtype = MediaType.lowered(subtype)
        self.parameters = parameters
    }

    /// The first value of a parameter, or nil; `name` in lower case.
    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// Whether this is JSON we can read: `application/json` or `application/*+json`, in UTF-8.
    package var isJSON: Bool {
        guard type == "application",
            subtype == "json" || subtype.utf8.suffix(5).elementsEqual("+json".utf8)
        else { return false }
        return isUTF8
    }

    /// Whether this is newline-delimited JSON, in UTF-8.
    package var isNDJSON: Bool {
        type == "application" && ["x-ndjson", "ndjson", "jsonl"].contains(subtype) && isUTF8
    }

    /// Whether the charset is UTF-8: said so, or not said.
    private var isUTF8: Bool {
        parameter("charset").map { ["utf-8", "utf8"].contains(MediaType.lowered($0)) } ?? true
    }

    private static func lowered(_ text: String) -> String {
        String(decoding: text.utf8.map(ByteClass.lowered), as: UTF8.self)
    }
}
