/// A day of the proleptic Gregorian calendar, and its number counted from 1970-01-01.
///
/// The year 0 exists and is a leap year; the arithmetic is safe for years within ±1,000,000, and
/// callers keep to that.
package struct CivilDate: Hashable, Sendable {
    /// May be zero or negative.
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int

    /// A date whose fields the caller has checked.
    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day `daysSinceEpoch` days after 1970-01-01.
    package init(daysSinceEpoch days: Int) {
        let ordinal = days + CivilDate.ordinalOfEpoch
        // The mean year gives the right year or a neighbour of it.
        var year = (ordinal * 400).flooredDividing(by: CivilDate.daysIn400Years).quotient + 1
        if CivilDate.daysBefore(year: year) > ordinal { year -= 1 }
        if CivilDate.daysBefore(year: year + 1) <= ordinal { year += 1 }
        self.init(year: year, yearDay: ordinal - CivilDate.daysBefore(year: year) + 1)
    }

    /// The `yearDay`-th day of a year; 1 is January 1, and 1 to 365 (366) are in range.
    package init(year: Int, yearDay: Int) {
        var month = 1
        while month < 12, yearDay > CivilDate.daysBefore(month: month + 1, of: year) { month += 1 }
        self.init(
            year: year,
            month: month,
            day: yearDay - CivilDate.daysBefore(month: month, of: year)
        )
    }

    /// Days after 1970-01-01, negative before it.
    package var daysSinceEpoch: Int {
        CivilDate.daysBefore(year: year) - CivilDate.ordinalOfEpoch + yearDay - 1
    }

    /// 1 for January 1, up to 366.
    package var yearDay: Int { CivilDate.daysBefore(month: month, of: year) + day }

    /// 0 for Sunday, up to 6; the epoch was a Thursday.
    package static func weekday(daysSinceEpoch: Int) -> Int {
        (daysSinceEpoch + 4).flooredDividing(by: 7).remainder
    }

    /// Whether February has 29 days.
    package static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// How many days a month (1 to 12) has.
    package static func days(in month: Int, of year: Int) -> Int {
        daysBefore(month: month + 1, of: year) - daysBefore(month: month, of: year)
    }

    /// 0001-01-01 to 1970-01-01.
    private static let ordinalOfEpoch = 719_162
    private static let daysIn400Years = 146_097

    /// Days from 0001-01-01 to January 1 of `year`.
    private static func daysBefore(year: Int) -> Int {
        let past = year - 1
        return past * 365 + past.flooredDividing(by: 4).quotient
            - past.flooredDividing(by: 100).quotient + past.flooredDividing(by: 400).quotient
    }

    /// Days from January 1 to the first of `month`; 13 asks for the whole year.
    private static func daysBefore(month: Int, of year: Int) -> Int {
        let days: InlineArray<13, Int> = [
            0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365,
        ]
        return days[month - 1] + (month > 2 && isLeap(year) ? 1 : 0)
    }
}

/// A date and time of day as a wall calendar and clock show it.
package struct CivilTime: Hashable, Sendable {
    /// The calendar's part.
    package var date: CivilDate
    /// 0 to 23.
    package var hour: Int
    /// 0 to 59.
    package var minute: Int
    /// 0 to 59.
    package var second: Int
    /// 0 for Sunday, up to 6.
    package var weekday: Int

    /// The reading `seconds` after midnight of 1970-01-01 on the same wall.
    package init(localSeconds seconds: Int64) {
        let (days, secondOfDay) = Int(seconds).flooredDividing(by: 86_400)
        date = CivilDate(daysSinceEpoch: days)
        hour = secondOfDay / 3_600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
        weekday = CivilDate.weekday(daysSinceEpoch: days)
    }

    /// The ISO 8601 year and week: weeks start on Monday, week 1 holds the year's first Thursday.
    package var isoWeek: (year: Int, week: Int) {
        // A week belongs to the year of its Thursday.
        let days = date.daysSinceEpoch
        let thursday = CivilDate(daysSinceEpoch: days + 3 - (weekday + 6) % 7)
        return (thursday.year, (thursday.yearDay - 1) / 7 + 1)
    }
}
