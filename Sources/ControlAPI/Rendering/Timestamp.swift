/// Times as the wire has them: RFC 3339, UTC, milliseconds.
enum Timestamp {
    /// `2026-01-05T10:15:30.120Z` of nanoseconds since 1970; 24 characters up to the year 9999.
    static func text(_ nanoseconds: UInt64) -> String {
        let milliseconds = Int(nanoseconds / 1_000_000)
        let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = civil(days)
        return digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2)
            + "T" + digits(second / 3_600, 2) + ":" + digits(second / 60 % 60, 2)
            + ":" + digits(second % 60, 2) + "." + digits(fraction, 3) + "Z"
    }

    /// The Gregorian date of a day since 1970-01-01.
    ///
    /// Years are counted from March, so that a leap day ends its year; 146,097 days make the 400
    /// years after which the calendar repeats, and 719,468 lie between 0000-03-01 and 1970.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (day + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * fromMarch + 2) / 5 + 1)
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
