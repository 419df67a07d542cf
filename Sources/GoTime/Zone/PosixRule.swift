/// A rule such as `CET-1CEST,M3.5.0,M10.5.0/3`: what clocks show in every year to come.
///
/// Source: POSIX.1-2017 section 8.3, "TZ", and RFC 8536 section 3.3.1 (hours from -167 to 167).
struct PosixRule: Sendable {
    /// When, on the wall, clocks change.
    struct Change: Sendable {
        let day: Day
        /// Seconds after midnight of that day; may be negative or beyond it.
        let seconds: Int
    }

    enum Day: Sendable {
        /// `Jn`: 1 to 365, February 29 is never counted.
        case withoutLeapDay(Int)
        /// `n`: 0 to 365, February 29 is counted.
        case withLeapDay(Int)
        /// `Mm.w.d`: the w-th weekday d (0 = Sunday) of month m; week 5 is the last.
        case weekday(month: Int, week: Int, weekday: Int)
    }

    let standard: LocalTimeType
    let daylight: (type: LocalTimeType, start: Change, end: Change)?

    var types: [LocalTimeType] { [standard] + (daylight.map { [$0.type] } ?? []) }

    /// What clocks show at an instant; the caller keeps it within the years -9999 to 9999.
    func lookup(_ unixSeconds: Int64) -> LocalTimeType {
        guard let daylight else { return standard }
        let instant = Int(unixSeconds)
        let year = CivilTime(localSeconds: unixSeconds + Int64(standard.offsetSeconds)).date.year
        // A change may be moved into a neighbouring year, so the last one before the instant is
        // looked for in three. Where an end and a start coincide, daylight time lasts all year.
        var latest = Int.min
        var type = standard
        for year in year - 1...year + 1 {
            let end = daylight.end.localSeconds(in: year) - daylight.type.offsetSeconds
            let start = daylight.start.localSeconds(in: year) - standard.offsetSeconds
            if end <= instant, end > latest { (latest, type) = (end, standard) }
            if start <= instant, start >= latest { (latest, type) = (start, daylight.type) }
        }
        return type
    }
}

extension PosixRule.Change {
    /// The change in `year`, in seconds from 1970-01-01 on the wall it happens on.
    fileprivate func localSeconds(in year: Int) -> Int {
        let firstDay = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        let days =
            switch day {
            case .withoutLeapDay(let number):
                firstDay + number - 1 + (number > 59 && CivilDate.isLeap(year) ? 1 : 0)
            case .withLeapDay(let number):
                firstDay + number
            case .weekday(let month, let week, let weekday):
                daysSinceEpoch(week, weekday, of: month, year)
            }
        return days * 86_400 + seconds
    }

    private func daysSinceEpoch(_ week: Int, _ weekday: Int, of month: Int, _ year: Int) -> Int {
        let first = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
        let toFirst = (weekday - CivilDate.weekday(daysSinceEpoch: first) + 7) % 7
        let offset = toFirst + 7 * (week - 1)
        return first + (offset < CivilDate.days(in: month, of: year) ? offset : offset - 7)
    }
}

extension PosixRule {
    /// Nil when the text is not a whole rule; daylight time must say when it starts and ends.
    init?(parsing text: some Collection<UInt8>) {
        var reader = PosixRuleReader(rest: Array(text)[...])
        guard let rule = reader.rule(), reader.rest.isEmpty else { return nil }
        self = rule
    }
}

private struct PosixRuleReader {
    var rest: ArraySlice<UInt8>

    mutating func rule() -> PosixRule? {
        guard let name = name(), let west = time(hoursMax: 24) else { return nil }
        let standard = LocalTimeType(offsetSeconds: -west, abbreviation: name, isDST: false)
        guard !rest.isEmpty else { return PosixRule(standard: standard, daylight: nil) }
        guard let daylightName = self.name() else { return nil }
        var daylightWest = west - 3_600
        if rest.first != UInt8(ascii: ",") {
            guard let given = time(hoursMax: 24) else { return nil }
            daylightWest = given
        }
        guard let start = change(), let end = change() else { return nil }
        let type = LocalTimeType(
            offsetSeconds: -daylightWest,
            abbreviation: daylightName,
            isDST: true
        )
        return PosixRule(standard: standard, daylight: (type, start, end))
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Letters, or letters, digits and signs in angle brackets: 3 to 16 of them.
    private mutating func name() -> String? {
        let isQuoted = take("<")
        let name = rest.prefix {
            $0.isUpper || $0.isLower || (isQuoted && ($0.isDigit || "+-".utf8.contains($0)))
        }
        rest = rest.dropFirst(name.count)
        guard (3...16).contains(name.count), !isQuoted || take(">") else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { $0.isDigit }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        let value = digits.reduce(0) { $0 * 10 + $1.digit }
        return range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private mutating func time(hoursMax: Int) -> Int? {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard var seconds = number(0...hoursMax).map({ $0 * 3_600 }) else { return nil }
        for unit in [60, 1] {
            guard take(":") else { break }
            guard let value = number(0...59) else { return nil }
            seconds += value * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `,day[/time]`; the time is 02:00:00 when left out.
    private mutating func change() -> PosixRule.Change? {
        guard take(","), let day = day() else { return nil }
        guard take("/") else { return PosixRule.Change(day: day, seconds: 7_200) }
        return time(hoursMax: 167).map { PosixRule.Change(day: day, seconds: $0) }
    }

    private mutating func day() -> PosixRule.Day? {
        if take("J") { return number(1...365).map { .withoutLeapDay($0) } }
        guard take("M") else { return number(0...365).map { .withLeapDay($0) } }
        guard
            let month = number(1...12), take("."),
            let week = number(1...5), take("."),
            let weekday = number(0...6)
        else { return nil }
        return .weekday(month: month, week: week, weekday: weekday)
    }
}
