/// Reading an instant with a layout.
extension GoTimeValue {
    /// Reads `value`, which must have the shape of `layout`.
    ///
    /// What the layout leaves out is January 1 of year 0, midnight. Without an offset or known
    /// abbreviation the wall clock of `zone` is meant (UTC when nil). An offset that `zone` (the
    /// `local` zone when nil) has at that instant gives a time there, else one in a fixed zone; an
    /// abbreviation nobody knows counts as UTC. A fraction after the seconds is accepted even
    /// where the layout has none.
    /// Throws when the value does not fit, holds a number out of range, or either text exceeds
    /// 1,024 bytes; the message names value, layout and part. Source: Go package time, Parse and
    /// ParseInLocation.
    package static func parse(
        layout: some Collection<UInt8>,
        value: some Collection<UInt8>,
        in zone: Zone? = nil,
        local: Zone = .utc
    ) throws(TimeFault) -> GoTimeValue {
        guard layout.count <= layoutBytesMax, value.count <= layoutBytesMax else {
            throw TimeFault(
                "time: a layout and its value must not be longer than \(layoutBytesMax) bytes"
            )
        }
        do throws(PartFault) {
            var reader = LayoutReader(rest: Array(value)[...])
            try reader.read(Array(layout)[...])
            return try reader.resolve(zone ?? .utc, known: zone ?? local)
        } catch {
            throw TimeFault(
                "time: cannot read \(quoted(value)) with layout \(quoted(layout)): \(error.reason)"
            )
        }
    }

    /// As the other one, for strings.
    package static func parse(
        layout: String,
        value: String,
        in zone: Zone? = nil,
        local: Zone = .utc
    ) throws(TimeFault) -> GoTimeValue {
        try parse(layout: layout.utf8, value: value.utf8, in: zone, local: local)
    }
}

/// Why a value does not fit its layout.
private enum PartFault: Error {
    case mismatch(ArraySlice<UInt8>, expected: ArraySlice<UInt8>)
    case trailing(ArraySlice<UInt8>)
    case outOfRange(String)

    var reason: String {
        switch self {
        case .mismatch(let rest, let expected): "\(quoted(rest)) does not fit \(quoted(expected))"
        case .trailing(let rest): "extra text \(quoted(rest))"
        case .outOfRange(let part): "\(part) out of range"
        }
    }
}

/// The state of reading: what is left of the value, and what was found so far.
private struct LayoutReader {
    var rest: ArraySlice<UInt8>
    var year = 0
    var month: Int?
    var day: Int?
    var yearDay: Int?
    var hour = 0
    var minute = 0
    var second = 0
    var nanosecond = 0
    var isPM: Bool?
    var isUTC = false
    var offset: Int?
    var abbreviation: String?

    /// Days are held against month and year at the end, when these are known.
    private static let anyDay = 0...999

    init(rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    mutating func read(_ layout: ArraySlice<UInt8>) throws(PartFault) {
        var layout = layout
        while true {
            let step = LayoutStep(layout)
            try skip(step.literal)
            guard let field = step.field else { break }
            let before = rest
            guard try read(field, next: step.rest) else {
                throw .mismatch(before, expected: step.spelling)
            }
            layout = step.rest
        }
        guard rest.isEmpty else { throw .trailing(rest) }
    }

    /// Plain text must be there as it is, except that a run of spaces matches any run, even none at
    /// the end.
    private mutating func skip(_ literal: ArraySlice<UInt8>) throws(PartFault) {
        let space = UInt8(ascii: " ")
        var literal = literal
        while let byte = literal.first {
            if byte == space, rest.isEmpty || rest.first == space {
                literal = literal.drop { $0 == space }
                rest = rest.drop { $0 == space }
            } else {
                guard rest.first == byte else { throw .mismatch(rest, expected: literal) }
                literal.removeFirst()
                rest.removeFirst()
            }
        }
    }

    /// Reads one field; false when what is there has another shape.
    private mutating func read(
        _ field: LayoutField,
        next: ArraySlice<UInt8>
    ) throws(PartFault) -> Bool {
        switch field {
        case .longYear:
            return try set(\.year, number(4...4), 0...9_999, "year")
        case .shortYear:
            guard let value = number(2...2) else { return false }
            year = value + (value >= 69 ? 1_900 : 2_000)
        case .longMonth:
            return try set(\.month, index(in: monthNames), 1...12, "month")
        case .shortMonth:
            return try set(\.month, index(in: monthAbbreviations), 1...12, "month")
        case .month:
            return try set(\.month, number(1...2), 1...12, "month")
        case .paddedMonth:
            return try set(\.month, number(2...2), 1...12, "month")
        case .longWeekday: return index(in: weekdayNames) != nil
        case .shortWeekday: return index(in: weekdayAbbreviations) != nil
        case .day: return try set(\.day, number(1...2), LayoutReader.anyDay, "day")
        case .spacedDay:
            dropSpaces(1)
            return try set(\.day, number(1...2), LayoutReader.anyDay, "day")
        case .paddedDay: return try set(\.day, number(2...2), LayoutReader.anyDay, "day")
        case .spacedYearDay:
            dropSpaces(2)
            return try set(\.yearDay, number(1...3), LayoutReader.anyDay, "day of year")
        case .paddedYearDay:
            return try set(\.yearDay, number(3...3), LayoutReader.anyDay, "day of year")
        case .hour24: return try set(\.hour, number(1...2), 0...23, "hour")
        case .hour12: return try set(\.hour, number(1...2), 0...12, "hour")
        case .paddedHour12: return try set(\.hour, number(2...2), 0...12, "hour")
        case .minute: return try set(\.minute, number(1...2), 0...59, "minute")
        case .paddedMinute: return try set(\.minute, number(2...2), 0...59, "minute")
        case .second, .paddedSecond:
            let digits = field == .second ? 1...2 : 2...2
            guard try set(\.second, number(digits), 0...59, "second") else { return false }
            takeUnaskedFraction(next)
        case .upperPM: return takeHalfDay("AM", "PM")
        case .lowerPM: return takeHalfDay("am", "pm")
        case .abbreviation: return takeAbbreviation()
        case .offset(let style): return try takeOffset(style)
        case .fraction(_, let digits, let isTrimmed):
            return takeFraction(isTrimmed ? nil : digits)
        }
        return true
    }

    private mutating func set(
        _ part: WritableKeyPath<LayoutReader, Int>,
        _ value: Int?,
        _ range: ClosedRange<Int>,
        _ name: String
    ) throws(PartFault) -> Bool {
        guard let value else { return false }
        guard range.contains(value) else { throw .outOfRange(name) }
        self[keyPath: part] = value
        return true
    }

    private mutating func set(
        _ part: WritableKeyPath<LayoutReader, Int?>,
        _ value: Int?,
        _ range: ClosedRange<Int>,
        _ name: String
    ) throws(PartFault) -> Bool {
        guard let value else { return false }
        guard range.contains(value) else { throw .outOfRange(name) }
        self[keyPath: part] = value
        return true
    }

    /// Takes as many digits as there are within `count`; nil, and nothing taken, if too few.
    private mutating func number(_ count: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix(count.upperBound).prefix { $0.isDigit }
        guard count.contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + $1.digit }
    }

    private mutating func dropSpaces(_ count: Int) {
        let spaces = rest.prefix(count).prefix { $0 == UInt8(ascii: " ") }
        rest = rest.dropFirst(spaces.count)
    }

    /// Takes one of `names`, in any case; 1 for the first.
    private mutating func index(in names: [String]) -> Int? {
        let found = names.firstIndex { name in
            rest.count >= name.utf8.count
                && zip(rest, name.utf8).allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
        }
        guard let found else { return nil }
        rest = rest.dropFirst(names[found].utf8.count)
        return found + 1
    }

    private mutating func takeHalfDay(_ morning: String, _ afternoon: String) -> Bool {
        guard rest.starts(with: morning.utf8) || rest.starts(with: afternoon.utf8) else {
            return false
        }
        isPM = rest.starts(with: afternoon.utf8)
        rest = rest.dropFirst(2)
        return true
    }

    /// A fraction of exactly `count` digits; of any number, even none, when `count` is nil.
    private mutating func takeFraction(_ count: Int?) -> Bool {
        let digits = rest.dropFirst().prefix(count ?? rest.count).prefix { $0.isDigit }
        let hasFraction =
            (rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",")) && !digits.isEmpty
        guard hasFraction else { return count == nil }
        if let count, digits.count != count { return false }
        rest = rest.dropFirst(1 + digits.count)
        nanosecond = (0..<9).reduce(0) { sum, place in
            sum * 10 + (place < digits.count ? digits[digits.startIndex + place].digit : 0)
        }
        return true
    }

    /// After seconds a fraction is fine, unless the layout is about to ask for it itself.
    private mutating func takeUnaskedFraction(_ layout: ArraySlice<UInt8>) {
        if case .fraction = LayoutStep(layout).field, LayoutStep(layout).literal.isEmpty { return }
        _ = takeFraction(nil)
    }

    /// `Z` where the style has it, else `+hh`, `+hhmm`, `+hh:mm` and so on.
    private mutating func takeOffset(_ style: OffsetStyle) throws(PartFault) -> Bool {
        if style.usesZ, rest.first == UInt8(ascii: "Z") {
            rest.removeFirst()
            isUTC = true
            return true
        }
        guard let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            return false
        }
        rest.removeFirst()
        guard let hours = number(2...2) else { return false }
        guard hours <= 23 else { throw .outOfRange("zone offset hour") }
        var seconds = hours * 3_600
        for (unit, isAsked) in [(60, style.hasMinutes), (1, style.hasSeconds)] where isAsked {
            if style.hasColon {
                guard rest.first == UInt8(ascii: ":") else { return false }
                rest.removeFirst()
            }
            guard let value = number(2...2) else { return false }
            guard value <= 59 else { throw .outOfRange("zone offset minute or second") }
            seconds += value * unit
        }
        offset = sign == UInt8(ascii: "-") ? -seconds : seconds
        return true
    }

    /// Three to five letters such as `CET`, or a number as in `GMT+3` and `-03`.
    private mutating func takeAbbreviation() -> Bool {
        let letters = rest.prefix(6).prefix { $0.isUpper }
        let text = String(decoding: letters, as: UTF8.self)
        let length: Int
        switch letters.count {
        // Chamorro and Middle European summer time are written like this.
        case 1 where rest.starts(with: "ChST".utf8) || rest.starts(with: "MeST".utf8):
            length = 4
        case 0:
            length = signedHours(rest)
            guard length > 0 else { return false }
        case 3 where text == "GMT": length = 3 + signedHours(rest.dropFirst(3))
        case 3: length = 3
        case 4 where text.hasSuffix("T") || text == "WITA": length = 4
        case 5 where text.hasSuffix("T"): length = 5
        default: return false
        }
        let name = String(decoding: rest.prefix(length), as: UTF8.self)
        rest = rest.dropFirst(length)
        if name == "UTC" { isUTC = true } else { abbreviation = name }
        return true
    }

    /// The length of a sign and hours from 0 to 23; 0 when there are none.
    private func signedHours(_ text: ArraySlice<UInt8>) -> Int {
        let digits = text.dropFirst().prefix { $0.isDigit }
        guard
            text.first == UInt8(ascii: "+") || text.first == UInt8(ascii: "-"),
            (1...2).contains(digits.count),
            digits.reduce(0, { $0 * 10 + $1.digit }) <= 23
        else { return 0 }
        return 1 + digits.count
    }

    // MARK: From what was read to an instant

    func resolve(_ zone: Zone, known: Zone) throws(PartFault) -> GoTimeValue {
        let date = try date()
        var hour = hour
        if isPM == true, hour < 12 { hour += 12 }
        if isPM == false, hour == 12 { hour = 0 }
        let local = Int64(date.daysSinceEpoch * 86_400 + hour * 3_600 + minute * 60 + second)
        let (seconds, place) = instant(local, zone, known)
        let value = GoTimeValue(
            unixSeconds: seconds,
            nanoseconds: Int64(nanosecond),
            zone: place
        )
        guard let value else { throw .outOfRange("year") }
        return value
    }

    private func date() throws(PartFault) -> CivilDate {
        if let yearDay {
            guard (1...(CivilDate.isLeap(year) ? 366 : 365)).contains(yearDay) else {
                throw .outOfRange("day of year")
            }
            let date = CivilDate(year: year, yearDay: yearDay)
            guard (month ?? date.month) == date.month else {
                throw .outOfRange("day of year, against the month,")
            }
            guard (day ?? date.day) == date.day else {
                throw .outOfRange("day of year, against the day,")
            }
            return date
        }
        let date = CivilDate(year: year, month: month ?? 1, day: day ?? 1)
        guard (1...CivilDate.days(in: date.month, of: year)).contains(date.day) else {
            throw .outOfRange("day")
        }
        return date
    }

    private func instant(_ local: Int64, _ zone: Zone, _ known: Zone) -> (Int64, Zone) {
        if isUTC { return (local, .utc) }
        if let offset {
            let seconds = local - Int64(offset)
            let type = known.lookup(seconds)
            let isKnown =
                type.offsetSeconds == offset
                && (abbreviation == nil || abbreviation == type.abbreviation)
            return (seconds, isKnown ? known : fixed(abbreviation ?? "", offset))
        }
        guard let abbreviation else { return (zone.unixSeconds(ofLocal: local), zone) }
        if let offset = known.offset(named: abbreviation, local: local) {
            return (local - Int64(offset), known)
        }
        // `GMT+3` and `-03` say their offset; any other name is a label on UTC.
        let hours = abbreviation.hasPrefix("GMT") ? abbreviation.dropFirst(3) : abbreviation[...]
        let offset = (Int(hours) ?? 0) * 3_600
        return (local - Int64(offset), fixed(abbreviation, offset))
    }

    private func fixed(_ name: String, _ offset: Int) -> Zone {
        Zone(
            name: name,
            types: [LocalTimeType(offsetSeconds: offset, abbreviation: name, isDST: false)]
        )
    }
}
