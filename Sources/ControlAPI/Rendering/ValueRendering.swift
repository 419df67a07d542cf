import JSON
import Payload
import ProcessRuntime

/// Lua values and errors as members of an answer.
///
/// A value that has no JSON form (a table as a key, say) is `null`, and a second member
/// `<name>_fault` says why: one odd result must not make a whole answer unreadable.
extension JSONWriter {
    /// Writes a Lua value.
    mutating func member(_ name: String, _ payload: Payload) {
        do throws(PathFault) {
            member(name, raw: try PayloadJSON.encode(payload, .wire))
        } catch {
            key(name)
            null()
            member(name + "_fault", error.message(root: name))
        }
    }

    /// Writes a Lua value if its JSON has at most `bytesMax` bytes; else `null` and
    /// `<name>_truncated`.
    mutating func member(_ name: String, _ payload: Payload, atMost bytesMax: Int?) {
        guard let bytesMax else { return member(name, payload) }
        // No value's JSON is shorter than 3/10 of its payload (an empty table: ten bytes, "[],"),
        // so one this large needs no try.
        var json = JSONWriter(reserving: 0)
        if payload.bytes.count / 4 <= bytesMax {
            json.beginObject()
            json.member(name, payload)
            json.endObject()
            // Braces, quotes and the colon are not the value's.
            if json.bytes.count - name.utf8.count - 5 <= bytesMax {
                return members(of: json)
            }
        }
        key(name)
        null()
        member(name + "_truncated", true)
    }

    /// Writes an error that a process ended with, or `null`.
    mutating func member(_ name: String, _ error: ErrorValue?, atMost bytesMax: Int? = nil) {
        key(name)
        guard let error else { return null() }
        beginObject()
        if let bytesMax, error.message.utf8.count > bytesMax {
            member("message", JSONWriter.prefix(error.message, bytesMax))
            member("message_truncated", true)
        } else {
            member("message", error.message)
        }
        member("kind", error.kind)
        key("retryable")
        if let retryable = error.retryable { value(retryable) } else { null() }
        member("details", error.details, atMost: bytesMax)
        key("traceback")
        beginArray()
        for line in error.traceback { value(line) }
        endArray()
        endObject()
    }

    /// Writes an app's free-form table; always an object, `{}` where it is empty or none.
    mutating func object(_ name: String, _ payload: Payload) {
        let json = (try? PayloadJSON.encode(payload, .wire)) ?? []
        if json.first == UInt8(ascii: "{") {
            member(name, raw: json)
        } else {
            member(name, raw: [0x7B, 0x7D])
        }
    }

    /// Writes the members of an object that was written apart.
    private mutating func members(of other: JSONWriter) {
        // `raw` places the comma; the braces are left behind.
        raw(Array(other.bytes.dropFirst().dropLast()))
    }

    /// The longest beginning of `text` that has at most `bytesMax` bytes and ends with a scalar.
    private static func prefix(_ text: String, _ bytesMax: Int) -> String {
        var end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
        while end.samePosition(in: text.unicodeScalars) == nil, end > text.startIndex {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }
}
