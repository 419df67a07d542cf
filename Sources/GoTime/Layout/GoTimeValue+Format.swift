/// Writing an instant with a layout.
extension GoTimeValue {
    /// The instant as its zone shows it, in the shape of `layout`.
    ///
    /// Throws when the layout is longer than 1,024 bytes. Source: Go package time, Time.Format.
    package func format(_ layout: some Collection<UInt8>) throws(TimeFault) -> [UInt8] {
        guard layout.count <= layoutBytesMax else {
            throw TimeFault("time: a layout must not be longer than \(layoutBytesMax) bytes")
        }
        let type = localType
        let civil = civil(at: type)
        var text: [UInt8] = []
        var rest = Array(layout)[...]
        while !rest.isEmpty {
            let step = LayoutStep(rest)
            text.append(contentsOf: step.literal)
            if let field = step.field { append(field, civil, type, to: &text) }
            rest = step.rest
        }
        return text
    }

    /// As the other one, for strings.
    package func format(_ layout: String) throws(TimeFault) -> String {
        String(decoding: try format(layout.utf8), as: UTF8.self)
    }

    private func append(
        _ field: LayoutField,
        _ civil: CivilTime,
        _ type: LocalTimeType,
        to text: inout [UInt8]
    ) {
        let date = civil.date
        let hour12 = (civil.hour + 11) % 12 + 1
        switch field {
        case .longYear: text.append(date.year, width: 4)
        case .shortYear: text.append(max(date.year, 0) % 100, width: 2)
        case .longMonth: text.append(text: monthNames[date.month - 1])
        case .shortMonth: text.append(text: monthAbbreviations[date.month - 1])
        case .month: text.append(date.month, width: 1)
        case .paddedMonth: text.append(date.month, width: 2)
        case .longWeekday: text.append(text: weekdayNames[civil.weekday])
        case .shortWeekday: text.append(text: weekdayAbbreviations[civil.weekday])
        case .day: text.append(date.day, width: 1)
        case .spacedDay: text.append(date.day, width: 2, pad: " ")
        case .paddedDay: text.append(date.day, width: 2)
        case .spacedYearDay: text.append(date.yearDay, width: 3, pad: " ")
        case .paddedYearDay: text.append(date.yearDay, width: 3)
        case .hour24: text.append(civil.hour, width: 2)
        case .hour12: text.append(hour12, width: 1)
        case .paddedHour12: text.append(hour12, width: 2)
        case .minute: text.append(civil.minute, width: 1)
        case .paddedMinute: text.append(civil.minute, width: 2)
        case .second: text.append(civil.second, width: 1)
        case .paddedSecond: text.append(civil.second, width: 2)
        case .upperPM: text.append(text: civil.hour < 12 ? "AM" : "PM")
        case .lowerPM: text.append(text: civil.hour < 12 ? "am" : "pm")
        case .abbreviation where type.abbreviation.isEmpty:
            appendOffset(type.offsetSeconds, OffsetStyle(), to: &text)
        case .abbreviation: text.append(text: type.abbreviation)
        case .offset(let style): appendOffset(type.offsetSeconds, style, to: &text)
        case .fraction(let separator, let digits, let isTrimmed):
            appendFraction(separator, digits: min(digits, 9), isTrimmed: isTrimmed, to: &text)
        }
    }

    private func appendOffset(_ offset: Int, _ style: OffsetStyle, to text: inout [UInt8]) {
        guard !style.usesZ || offset != 0 else { return text.append(UInt8(ascii: "Z")) }
        let size = abs(offset)
        text.append(UInt8(ascii: offset < 0 ? "-" : "+"))
        text.append(size / 3_600, width: 2)
        guard style.hasMinutes else { return }
        if style.hasColon { text.append(UInt8(ascii: ":")) }
        text.append(size / 60 % 60, width: 2)
        guard style.hasSeconds else { return }
        if style.hasColon { text.append(UInt8(ascii: ":")) }
        text.append(size % 60, width: 2)
    }

    private func appendFraction(
        _ separator: UInt8,
        digits: Int,
        isTrimmed: Bool,
        to text: inout [UInt8]
    ) {
        var all: [UInt8] = []
        all.append(Int(nanoseconds), width: 9)
        var shown = all.prefix(digits)
        while isTrimmed, shown.last == UInt8(ascii: "0") { shown.removeLast() }
        guard !shown.isEmpty else { return }
        text.append(separator)
        text.append(contentsOf: shown)
    }
}

extension GoTimeValue: CustomStringConvertible {
    /// Such as `2024-02-29 12:00:00.5 +0100 CET`.
    package var description: String {
        (try? format(TimeConstants.display)) ?? ""
    }
}
