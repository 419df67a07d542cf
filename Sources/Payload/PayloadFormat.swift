/// The bytes a Lua value becomes when it leaves its process.
///
/// One value is one tag byte and what the tag asks for; all numbers are little-endian and
/// unaligned. The format lives only inside this program: nothing is stored or sent elsewhere in it,
/// so it carries no version.
///
///     0x00 nil        0x01 false      0x02 true        0x03 integer, 8 bytes
///     0x04 float, 8 bytes             0x05 string, 4 bytes length, bytes
///     0x06 table: mark (1 byte), sequence count (4), pair count (4),
///          the sequence's values (keys 1, 2, 3 ...), then key, value, key, value ...
///     0x07 error object: message, kind, retryable, details, stack (five values)
///     0x08 null: what `json.null` is
///     0x40...0x7F string of 0 to 63 bytes, the length in the low six bits
///     0x80...0xFF integer from -32 to 95, as tag - 0xA0
public enum PayloadTag {
    /// Tag of nil.
    public static let nothing: UInt8 = 0x00
    /// Tag of false.
    public static let no: UInt8 = 0x01
    /// Tag of true.
    public static let yes: UInt8 = 0x02
    /// Tag of an integer of 8 bytes.
    public static let integer: UInt8 = 0x03
    /// Tag of a float of 8 bytes.
    public static let float: UInt8 = 0x04
    /// Tag of a string with 4 bytes of length.
    public static let string: UInt8 = 0x05
    /// Tag of a table.
    public static let table: UInt8 = 0x06
    /// Tag of an error object.
    public static let error: UInt8 = 0x07
    /// Tag of `json.null`.
    public static let null: UInt8 = 0x08
    /// Tag of a string with its length in the tag.
    public static let shortString: UInt8 = 0x40
    /// Tag of an integer that is the tag.
    public static let smallInteger: UInt8 = 0x80

    /// Bytes before a table's first element: tag, mark, sequence count, pair count.
    public static let tableHeaderBytes = 10
    /// The integers that fit in their tag.
    public static let smallIntegers = -32...95
    /// What is added to a small integer to make its tag.
    public static let smallIntegerBias = 0xA0
    /// The longest string whose length fits in its tag, in bytes.
    public static let shortStringBytesMax = 63
}

/// Which JSON shape a table was, or was asked to be.
///
/// A plain table says nothing.
public enum TableMark: UInt8, Sendable {
    case plain = 0
    case array = 1
    case object = 2
}

/// How deep tables may nest in one value (SEMANTICS 6).
public let payloadDepthMax = 128
