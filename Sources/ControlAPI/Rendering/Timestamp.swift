import HTTP

/// Times as the wire has them: RFC 3339, UTC, milliseconds.
package enum Timestamp {
    /// `2026-01-05T10:15:30.120Z` of nanoseconds since 1970; 24 characters up to the year 9999.
    package static func text(_ nanoseconds: UInt64) -> String {
        let milliseconds = Int(nanoseconds / 1_000_000)
        let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = HTTPDate.civil(days)
        return digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2)
            + "T" + digits(second / 3_600, 2) + ":" + digits(second / 60 % 60, 2)
            + ":" + digits(second % 60, 2) + "." + digits(fraction, 3) + "Z"
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
