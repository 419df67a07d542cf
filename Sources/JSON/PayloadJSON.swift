package import Payload

/// Converts between JSON text and the payloads Lua values travel as.
///
/// | JSON | payload |
/// | --- | --- |
/// | object, array | table with that mark, so that it goes out as it came in |
/// | integer within 64 bits, other number | integer, float |
/// | `null` in an object; elsewhere | left out; null, what `json.null` is |
/// | `{"$base64": "..."}` (`wire` only) | a string of those bytes |
package enum PayloadJSON {
    /// Whom the JSON is for.
    package enum Dialect: Sendable {
        /// Lua's `json` module: what has no exact JSON form is an error naming its path.
        case script
        /// The HTTP edge: a process's result is always shown where it can be. NaN and the
        /// infinities become `null`, mixed and sparse tables become objects whose integer keys are
        /// written in decimal, strings that are not UTF-8 become `{"$base64": "..."}`.
        case wire
    }

    /// The name of an object's only member, where the object stands for bytes.
    static let base64Name = "$base64"

    /// Renders a payload as JSON text, on one line.
    ///
    /// Throws a `PathFault` for what `dialect` does not allow; in both, for a table as a key, a key
    /// that is not UTF-8, and two keys that would be written alike ("ambiguous keys").
    package static func encode(
        _ payload: Payload,
        _ dialect: Dialect
    ) throws(PathFault) -> [UInt8] {
        var writer = JSONWriter(reserving: payload.bytes.count + payload.bytes.count / 4 + 16)
        try encode(payload, dialect, into: &writer)
        return writer.bytes
    }

    /// Writes a payload as the next value of `writer`, which is left half-written by a throw.
    package static func encode(
        _ payload: Payload,
        _ dialect: Dialect,
        into writer: inout JSONWriter
    ) throws(PathFault) {
        let fault: PathFault? = payload.withReader { reader in
            do throws(PathFault) {
                try encode(&reader, dialect, into: &writer)
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    /// Writes the next value of `reader` as the next value of `writer`.
    package static func encode(
        _ reader: inout PayloadReader,
        _ dialect: Dialect,
        into writer: inout JSONWriter
    ) throws(PathFault) {
        var encoder = PayloadEncoder(dialect: dialect)
        try encoder.writeValue(&reader, &writer, depth: 0)
    }

    /// Parses a whole JSON text as a payload.
    package static func decode(
        _ text: Span<UInt8>,
        _ dialect: Dialect,
        limits: JSONLimits = .payload
    ) throws(DecodingFault) -> Payload {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: text, limits: limits)
        } catch {
            throw .text(error)
        }
        do {
            return try document.withRoot { root throws(PathFault) in try decode(root, dialect) }
        } catch {
            throw .value(error)
        }
    }

    /// Turns one value of a parsed document into a payload of its own.
    package static func decode(
        _ view: JSONView,
        _ dialect: Dialect
    ) throws(PathFault) -> Payload {
        var writer = PayloadWriter()
        try decode(view, dialect, into: &writer)
        return writer.finish()
    }

    /// Writes one value of a parsed document as the next value of `writer`.
    ///
    /// Throws where the value nests deeper than a Lua value may and, in `wire`, where `$base64`
    /// holds something else.
    package static func decode(
        _ view: JSONView,
        _ dialect: Dialect,
        into writer: inout PayloadWriter
    ) throws(PathFault) {
        try PayloadDecoder(dialect: dialect).write(view, &writer, depth: 0)
    }

    /// Why a text did not become a payload.
    package enum DecodingFault: Error, Sendable, Equatable, CustomStringConvertible {
        /// It is no JSON, or more of it than allowed.
        case text(JSONFault)
        /// It is JSON, but a value in it has no payload.
        case value(PathFault)

        package var description: String {
            switch self {
            case .text(let fault): fault.description
            case .value(let fault): fault.description
            }
        }
    }
}
