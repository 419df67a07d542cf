// What the Lua `time` module computes with: durations, instants, layouts, zones, `os.date`.
//
// Everything here is a pure function of its arguments: no clock, no file, no environment. The
// binding passes in the time it is, and the bytes of zone files. Nothing traps on any input; what
// cannot be done throws a `TimeFault` whose message is meant for the script.
//
// Times reach from year -9999 to 9999 (UTC) with nanoseconds; durations are 64-bit nanoseconds.
//
// ## What the binding exposes
//
// `D` is anything that means a duration (SEMANTICS 10), `T` a Time, `L` a Location. A call that
// can fail returns `nil, err` with kind INVALID (`load_location` of an unknown zone: NOT_FOUND).
//
//     time.now() -> T                          in the local zone
//     time.date(y, m, d [, h, mi, s, ns [, L]]) -> T | nil, err      fields are normalised
//     time.unix(s [, ns]) -> T | nil, err      in the local zone
//     time.parse(layout, text [, L]) -> T | nil, err
//     time.parse_duration(text) -> D | nil, err
//     time.load_location(name) -> L | nil, err "UTC" and "" are UTC, "Local" is the local zone
//     time.fixed_zone(name, seconds_east) -> L | nil, err
//     time.utc, time.localtz                   L
//     time.<constant>                          see `TimeConstants`
//
//     T:add(D) T:sub(T or D) T:add_date(y, m, d)                sub(T) -> D, saturating
//     T:after(T) T:before(T) T:equal(T) T:compare(T) T:is_zero()   also == < <= on two Times
//     T:format(layout) T:format_rfc3339() T:format_rfc3339_nano() tostring(T)
//     T:unix() T:unix_milli() T:unix_micro() T:unix_nano()      integers
//     T:date() -> y, m, d      T:clock() -> h, mi, s            integers
//     T:year() :month() :day() :hour() :minute() :second() :nanosecond()
//     T:weekday() (0 = Sunday) T:year_day() (1...366) T:iso_week() -> year, week
//     T:in_location(L) T:in_local() T:utc() T:location() -> L   T:zone() -> name, seconds_east
//     T:truncate(D) T:round(D)
//
//     D:hours() :minutes() :seconds()                           floats
//     D:milliseconds() :microseconds() :nanoseconds()           integers
//     D:round(D) D:truncate(D) D:abs() tostring(D)              also + - == < <= and unary -
//
//     L:string() tostring(L)                                    the zone's name
//
// `time.sleep`, `after`, `timer` and `ticker` belong to the runtime, not here. Zones are immutable
// and may be shared by all processes, so the binding should keep each one it has loaded.

/// An error of this room: what was wrong, for the person who wrote the script.
package struct TimeFault: Error, Equatable, Sendable {
    /// A phrase that names the culprit.
    package let message: String

    /// An error with its message.
    package init(_ message: String) {
        self.message = message
    }
}

/// A tenant's bytes as they may stand in a message: quoted, escaped, and cut at 64 bytes.
func quoted(_ bytes: some Collection<UInt8>) -> String {
    var text = "\""
    for scalar in String(decoding: bytes.prefix(64), as: UTF8.self).unicodeScalars {
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: text.unicodeScalars.append(scalar)
        }
    }
    return text + (bytes.count > 64 ? "...\"" : "\"")
}

extension FixedWidthInteger {
    /// Quotient rounded down and a remainder that is never negative; `divisor` must be positive.
    func flooredDividing(by divisor: Self) -> (quotient: Self, remainder: Self) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isUpper: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    var isLower: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    /// The value of a digit byte.
    var digit: Int { Int(self) - 0x30 }
}

extension [UInt8] {
    mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends `value` with at least `width` digits; a minus sign comes before the padding.
    mutating func append(_ value: Int, width: Int, pad: Unicode.Scalar = "0") {
        let digits = String(value.magnitude)
        if value < 0 { append(UInt8(ascii: "-")) }
        append(
            contentsOf: repeatElement(UInt8(ascii: pad), count: Swift.max(0, width - digits.count))
        )
        append(text: digits)
    }
}
