/// Writes one JSON text, on one line, into bytes it owns.
///
/// The writer places commas and colons; the caller sees to it that each `begin` has its `end` and
/// that in an object a `key` comes before each value.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.member("pid", "1.a.7")
///     json.key("names")
///     json.beginArray()
///     json.endArray()
///     json.endObject()
package struct JSONWriter: Sendable {
    /// What has been written so far.
    package var bytes: [UInt8]
    /// Whether a value ended just before, so that the next one needs a comma.
    var followsValue = false

    package init(reserving capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    // MARK: Structure

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes a member's name; its value must come next.
    package mutating func key(_ name: String) {
        var name = name
        name.withUTF8 { unsafe key(utf8: UnsafeRawBufferPointer($0)) }
    }

    // MARK: Values

    package mutating func null() { raw("null") }

    package mutating func value(_ value: Bool) { raw(value ? "true" : "false") }

    package mutating func value(_ value: Int64) {
        separate()
        followsValue = true
        appendDecimal(value)
    }

    package mutating func value(_ value: Int) { self.value(Int64(value)) }

    /// Writes the shortest decimal that reads back as `value`; a whole one keeps its `.0`.
    ///
    /// NaN and the infinities have no JSON form and are written as `null`.
    package mutating func value(_ value: Double) {
        guard value.isFinite else { return null() }
        raw(value.description)
    }

    package mutating func value(_ value: String) {
        var value = value
        value.withUTF8 { unsafe quote(UnsafeRawBufferPointer($0), asName: false) }
    }

    /// Writes bytes as a string, or as `{"$base64": "..."}` where they are not UTF-8.
    package mutating func value(text: Span<UInt8>) {
        unsafe text.withUnsafeBufferPointer { unsafe value(text: UnsafeRawBufferPointer($0)) }
    }

    /// Writes a value that is JSON already.
    package mutating func raw(_ json: [UInt8]) {
        separate()
        followsValue = true
        bytes.append(contentsOf: json)
    }

    mutating func raw(_ json: ArraySlice<UInt8>) {
        separate()
        followsValue = true
        bytes.append(contentsOf: json)
    }

    package mutating func raw(_ json: String) {
        separate()
        followsValue = true
        bytes.append(contentsOf: json.utf8)
    }

    // MARK: Members

    package mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    package mutating func member(_ name: String, _ value: Int64) {
        key(name)
        self.value(value)
    }

    package mutating func member(_ name: String, _ value: Int) { member(name, Int64(value)) }

    package mutating func member(_ name: String, _ value: Double) {
        key(name)
        self.value(value)
    }

    package mutating func member(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }

    /// Writes the member with `null` where there is no value.
    package mutating func member(_ name: String, orNull value: String?) {
        key(name)
        if let value { self.value(value) } else { null() }
    }

    package mutating func member(_ name: String, raw json: [UInt8]) {
        key(name)
        raw(json)
    }

    // MARK: Inside

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        followsValue = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        followsValue = true
    }

    mutating func separate() {
        if followsValue { bytes.append(UInt8(ascii: ",")) }
    }

    /// Writes a name whose bytes are UTF-8 already.
    mutating func key(utf8 name: UnsafeRawBufferPointer) {
        unsafe quote(name, asName: true)
    }

    mutating func value(text: UnsafeRawBufferPointer) {
        guard unsafe !JSONWriter.isUTF8(text) else {
            return unsafe quote(text, asName: false)
        }
        beginObject()
        key("$base64")
        bytes.append(UInt8(ascii: "\""))
        unsafe Base64.encode(text, into: &bytes)
        bytes.append(UInt8(ascii: "\""))
        endObject()
    }

    private mutating func appendDecimal(_ value: Int64) {
        let digitsMax = 20
        bytes.append(addingCapacity: digitsMax) { output in
            if value < 0 { output.append(UInt8(ascii: "-")) }
            var low = output.count
            var magnitude = value.magnitude
            repeat {
                let (rest, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
                output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
                magnitude = rest
            } while magnitude > 0
            var high = output.count - 1
            while low < high {
                output.swapAt(low, high)
                low += 1
                high -= 1
            }
        }
    }
}

extension JSONWriter {
    /// Puts `replacement`, a whole value, in the place of the object whose `{` ends at `start`.
    mutating func replaceOpenObject(from start: Int, with replacement: JSONWriter) {
        bytes.replaceSubrange((start - 1)..., with: replacement.bytes)
        followsValue = true
    }
}
