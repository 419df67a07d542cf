/// The Date field of all answers of one second.
package struct DateField: Sendable {
    package let value: String
    /// As HTTP/1 writes it.
    let line: [UInt8]

    /// A time in seconds since 1970, clamped to the years 1970 to 9999.
    package init(unixSeconds: Int64) {
        value = HTTPDate.imfFixdate(unixSeconds)
        line = Array("Date: \(value)\r\n".utf8)
    }
}

/// Dates as HTTP writes them.
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// The last second of the year 9999: four digits are all the format has.
    private static let secondsMax: Int64 = 253_402_300_799

    /// An IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Source: RFC 9110, 5.6.7.
    ///
    /// - Parameter unixSeconds: seconds since 1970 in UTC; clamped to the years 1970 to 9999.
    /// - Returns: 29 ASCII characters.
    package static func imfFixdate(_ unixSeconds: Int64) -> String {
        let seconds = Int(min(max(unixSeconds, 0), secondsMax))
        let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = civil(day)
        return "\(days[day % 7]), \(two(date.day)) \(months[date.month - 1]) \(four(date.year)) "
            + "\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
    }

    /// The Gregorian date of a day since 1970-01-01, day >= 0.
    ///
    /// Years are counted from March, so that the leap day is a year's last; 146,097 days are the
    /// 400 years after which the calendar repeats, and 719,468 lie between 0000-03-01 and 1970.
    package static func civil(_ unixDay: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (unixDay + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months from March have 31, 30, 31, 30, 31 days in turn: 153 in five.
        let fromMarch = (5 * dayOfYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * fromMarch + 2) / 5 + 1)
    }

    private static func two(_ value: Int) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }

    private static func four(_ value: Int) -> String {
        value < 1_000 ? "0\(value)" : "\(value)"
    }
}
