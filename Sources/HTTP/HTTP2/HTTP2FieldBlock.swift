import CNghttp2

/// An answer's fields as the library takes them, in memory that is used again.
///
/// Nothing a handler puts into a field can become another field: names that are no tokens are
/// dropped with their values, control bytes in values are percent-encoded, and fields about the
/// connection are left out, as `ResponseEncoder` does it. Pointers are made for a call and are of no
/// meaning after it.
@safe
struct HTTP2FieldBlock {
    private struct Place {
        var nameStart: Int
        var valueStart: Int
        var end: Int
        var isIndexed: Bool
    }

    /// Names and values one after the other.
    private var bytes: [UInt8] = []
    private var places: [Place] = []
    private var fields: [nghttp2_nv] = unsafe []

    /// Begins an answer's fields with its status.
    mutating func begin(status: Int) {
        bytes.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        append(known: ":status", status == 200 ? "200" : String(status))
    }

    /// Adds a handler's field, made harmless.
    mutating func append(_ name: String, _ value: String) {
        let start = bytes.count
        ResponseEncoder.append(name, to: &bytes)
        guard bytes.count > start, makeName(from: start) else {
            bytes.removeSubrange(start...)
            return
        }
        let valueStart = bytes.count
        if ResponseEncoder.isFieldValue(value) {
            ResponseEncoder.append(value, to: &bytes)
        } else {
            ResponseEncoder.appendHarmless(value, to: &bytes)
        }
        // Every answer has another: kept in the table of both sides, it would only push others out.
        let isIndexed = !Headers.same(name, "x-request-id")
        place(start, valueStart, isIndexed: isIndexed)
    }

    /// Adds a field whose name and value are known to be good.
    mutating func append(known name: String, _ value: String) {
        let start = bytes.count
        ResponseEncoder.append(name, to: &bytes)
        let valueStart = bytes.count
        ResponseEncoder.append(value, to: &bytes)
        place(start, valueStart, isIndexed: true)
    }

    private mutating func place(_ start: Int, _ valueStart: Int, isIndexed: Bool) {
        places.append(
            Place(nameStart: start, valueStart: valueStart, end: bytes.count, isIndexed: isIndexed)
        )
    }

    /// Writes what stands from `start` on in lower case; false if it is no token.
    private mutating func makeName(from start: Int) -> Bool {
        for index in start..<bytes.count {
            guard ByteClass.isToken(bytes[index]) else { return false }
            bytes[index] = ByteClass.lowered(bytes[index])
        }
        return true
    }

    /// Lends the fields for the call.
    mutating func withFields(
        _ body: (UnsafePointer<nghttp2_nv>?, Int) -> CInt
    ) -> CInt {
        unsafe fields.removeAll(keepingCapacity: true)
        // SAFETY: the pointers are into `bytes`, which nobody changes during the call; the library
        // copies what it keeps, and changes nothing although its type says it might.
        return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            for place in places {
                let flags = place.isIndexed ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX
                unsafe fields.append(
                    nghttp2_nv(
                        name: base + place.nameStart,
                        value: base + place.valueStart,
                        namelen: place.valueStart - place.nameStart,
                        valuelen: place.end - place.valueStart,
                        flags: UInt8(truncatingIfNeeded: flags.rawValue)
                    )
                )
            }
            return unsafe fields.withUnsafeBufferPointer { fields in
                unsafe body(fields.baseAddress, fields.count)
            }
        }
    }
}
