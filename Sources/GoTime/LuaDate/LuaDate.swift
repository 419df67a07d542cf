/// What Lua's `os.date` and `os.time` compute, in the C locale.
///
/// Source: Lua 5.4 manual section 6.9; ISO C99 section 7.23.3.5 for the conversions.
package enum LuaDate: Equatable, Sendable {
    case text([UInt8])
    case fields(LuaDateFields)

    /// `os.date(format, time)`: text, or fields for `*t`; a leading `!` means UTC, not `local`.
    ///
    /// Throws on a conversion that ISO C99 does not have, on a format above 128 bytes, and on a
    /// time outside the years -9999 to 9999.
    package static func date(
        format: some Collection<UInt8>,
        unixSeconds: Int64,
        local: Zone
    ) throws(TimeFault) -> LuaDate {
        guard format.count <= 128 else {
            throw TimeFault("format too long (at most 128 bytes)")
        }
        var format = Array(format)[...]
        var zone = local
        if format.first == UInt8(ascii: "!") {
            format.removeFirst()
            zone = .utc
        }
        guard let value = GoTimeValue(unixSeconds: unixSeconds, zone: zone) else {
            throw TimeFault("date result cannot be represented in this installation")
        }
        guard !format.elementsEqual("*t".utf8) else { return .fields(LuaDateFields(value)) }
        var writer = DateWriter(civil: value.civil, type: value.localType)
        try writer.write(format)
        return .text(writer.text)
    }
}

/// The fields of the table that `os.date("*t")` returns and `os.time` brings up to date.
package struct LuaDateFields: Equatable, Sendable {
    /// As in the Lua table: month 1 to 12, hour 0 to 23.
    package let year, month, day, hour, min, sec: Int
    /// 1 for January 1.
    package let yday: Int
    /// 1 for Sunday.
    package let wday: Int
    /// Whether daylight saving time is in effect.
    package let isdst: Bool

    init(_ value: GoTimeValue) {
        let civil = value.civil
        (year, month, day) = (civil.date.year, civil.date.month, civil.date.day)
        (hour, min, sec) = (civil.hour, civil.minute, civil.second)
        (yday, wday) = (civil.date.yearDay, civil.weekday + 1)
        isdst = value.localType.isDST
    }
}

private struct DateWriter {
    let civil: CivilTime
    let type: LocalTimeType
    var text: [UInt8] = []

    mutating func write(_ format: some Sequence<UInt8>) throws(TimeFault) {
        var bytes = format.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%") else {
                text.append(byte)
                continue
            }
            var specifier: [UInt8] = []
            var conversion = bytes.next()
            // E and O ask for another calendar or digits, which the C locale does not have.
            if let modifier = conversion, let plain = DateWriter.modified[modifier] {
                specifier.append(modifier)
                conversion = bytes.next()
                if let letter = conversion, !plain.contains(letter) {
                    throw unknown(specifier + [letter])
                }
            }
            guard let conversion, try convert(conversion) else {
                throw unknown(specifier + (conversion.map { [$0] } ?? []))
            }
        }
    }

    private static let modified: [UInt8: [UInt8]] = [
        UInt8(ascii: "E"): Array("cCxXyY".utf8),
        UInt8(ascii: "O"): Array("deHImMSuUVwWy".utf8),
    ]

    private func unknown(_ specifier: [UInt8]) -> TimeFault {
        TimeFault("invalid conversion specifier '%\(String(decoding: specifier, as: UTF8.self))'")
    }

    /// False when there is no such conversion.
    private mutating func convert(_ letter: UInt8) throws(TimeFault) -> Bool {
        let date = civil.date
        switch Unicode.Scalar(letter) {
        case "a": text.append(text: weekdayAbbreviations[civil.weekday])
        case "A": text.append(text: weekdayNames[civil.weekday])
        case "b", "h": text.append(text: monthAbbreviations[date.month - 1])
        case "B": text.append(text: monthNames[date.month - 1])
        case "c": try write("%a %b %e %H:%M:%S %Y".utf8)
        case "C": text.append(date.year.flooredDividing(by: 100).quotient, width: 2)
        case "d": text.append(date.day, width: 2)
        case "D", "x": try write("%m/%d/%y".utf8)
        case "e": text.append(date.day, width: 2, pad: " ")
        case "F": try write("%Y-%m-%d".utf8)
        case "g":
            text.append(civil.isoWeek.year.flooredDividing(by: 100).remainder, width: 2)
        case "G": text.append(civil.isoWeek.year, width: 1)
        case "H": text.append(civil.hour, width: 2)
        case "I": text.append((civil.hour + 11) % 12 + 1, width: 2)
        case "j": text.append(date.yearDay, width: 3)
        case "m": text.append(date.month, width: 2)
        case "M": text.append(civil.minute, width: 2)
        case "n": text.append(UInt8(ascii: "\n"))
        case "p": text.append(text: civil.hour < 12 ? "AM" : "PM")
        case "r": try write("%I:%M:%S %p".utf8)
        case "R": try write("%H:%M".utf8)
        case "S": text.append(civil.second, width: 2)
        case "t": text.append(UInt8(ascii: "\t"))
        case "T", "X": try write("%H:%M:%S".utf8)
        case "u": text.append((civil.weekday + 6) % 7 + 1, width: 1)
        case "U": text.append((date.yearDay + 6 - civil.weekday) / 7, width: 2)
        case "V": text.append(civil.isoWeek.week, width: 2)
        case "w": text.append(civil.weekday, width: 1)
        case "W": text.append((date.yearDay + 6 - (civil.weekday + 6) % 7) / 7, width: 2)
        case "y": text.append(date.year.flooredDividing(by: 100).remainder, width: 2)
        case "Y": text.append(date.year, width: 1)
        case "z":
            text.append(UInt8(ascii: type.offsetSeconds < 0 ? "-" : "+"))
            let minutes = abs(type.offsetSeconds) / 60
            text.append(minutes / 60 * 100 + minutes % 60, width: 4)
        case "Z": text.append(text: type.abbreviation)
        case "%": text.append(UInt8(ascii: "%"))
        default: return false
        }
        return true
    }
}
