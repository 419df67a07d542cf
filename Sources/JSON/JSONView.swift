internal import CJansson

/// A value inside a `JSONDocument`, valid only inside the `withRoot` that handed it out.
///
/// It owns nothing and copies like a pointer. Reading a value as what it is not gives nil.
@safe
package struct JSONView {
    private let value: UnsafeMutablePointer<json_t>

    init(_ value: UnsafeMutablePointer<json_t>) {
        unsafe self.value = unsafe value
    }

    package enum Kind: String, Sendable {
        case object, array, string, integer, real, boolean, null
    }

    package var kind: Kind {
        switch unsafe value.pointee.type {
        case JSON_OBJECT: .object
        case JSON_ARRAY: .array
        case JSON_STRING: .string
        case JSON_INTEGER: .integer
        case JSON_REAL: .real
        case JSON_TRUE, JSON_FALSE: .boolean
        default: .null
        }
    }

    package var isNull: Bool { kind == .null }

    package var bool: Bool? {
        switch unsafe value.pointee.type {
        case JSON_TRUE: true
        case JSON_FALSE: false
        default: nil
        }
    }

    /// The integer this value is; a whole real such as `1.0` is not one.
    package var integer: Int64? {
        guard kind == .integer else { return nil }
        return unsafe Int64(json_integer_value(value))
    }

    /// The number this value is, integer or real.
    package var double: Double? {
        switch kind {
        case .integer:
            let integer = unsafe json_integer_value(value)
            return Double(integer)
        case .real: return unsafe json_real_value(value)
        default: return nil
        }
    }

    package var string: String? {
        unsafe withStringBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Reads a string's bytes, which are valid UTF-8, without copying them.
    package func withStringBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard kind == .string, let start = unsafe json_string_value(value) else { return nil }
        let count = unsafe json_string_length(value)
        return unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// How many elements an array or members an object has; 0 for anything else.
    package var count: Int {
        switch kind {
        case .array: return unsafe json_array_size(value)
        case .object: return unsafe json_object_size(value)
        default: return 0
        }
    }

    /// An array's element, counted from 0; nil past the end or where this is no array.
    package subscript(index: Int) -> JSONView? {
        guard index >= 0, let element = unsafe json_array_get(value, index) else { return nil }
        return unsafe JSONView(element)
    }

    /// An object's member; nil where there is none or where this is no object.
    package subscript(name: String) -> JSONView? {
        var name = name
        let member = name.withUTF8 { key in
            unsafe key.withMemoryRebound(to: CChar.self) { bytes in
                unsafe json_object_getn(value, bytes.baseAddress, bytes.count)
            }
        }
        guard let member = unsafe member else { return nil }
        return unsafe JSONView(member)
    }

    /// An object's members in the order they were written; none where this is no object.
    package var members: Members { unsafe Members(object: value) }

    /// How many owners jansson counts; a parsed tree has one for each value.
    var ownerCount: Int { Int(unsafe value.pointee.refcount) }
}

extension JSONView {
    /// One name and its value, as valid as the view it came from.
    @safe
    package struct Member {
        /// The name's bytes, valid UTF-8.
        package let nameBytes: UnsafeRawBufferPointer
        package let value: JSONView

        package var name: String { unsafe String(decoding: nameBytes, as: UTF8.self) }
    }

    @safe
    package struct Members: Sequence, IteratorProtocol {
        private let object: UnsafeMutablePointer<json_t>
        private var upcoming: UnsafeMutableRawPointer?

        init(object: UnsafeMutablePointer<json_t>) {
            unsafe self.object = unsafe object
            unsafe upcoming = unsafe json_object_iter(object)
        }

        package mutating func next() -> Member? {
            guard let at = unsafe upcoming,
                let name = unsafe json_object_iter_key(at),
                let value = unsafe json_object_iter_value(at)
            else { return nil }
            let count = unsafe json_object_iter_key_len(at)
            unsafe upcoming = unsafe json_object_iter_next(object, at)
            return unsafe Member(
                nameBytes: UnsafeRawBufferPointer(start: name, count: count),
                value: JSONView(value)
            )
        }
    }
}
