/// Moving instants along the time line and the calendar.
extension GoTimeValue {
    /// The instant `duration` later; nil beyond the years -9999 to 9999.
    package func adding(_ duration: GoDuration) -> GoTimeValue? {
        let (seconds, part) = duration.nanoseconds.flooredDividing(by: GoDuration.second)
        return GoTimeValue(
            unixSeconds: unixSeconds + seconds,
            nanoseconds: Int64(nanoseconds) + part,
            zone: zone
        )
    }

    /// How long after `other` this is; saturates at about 292 years.
    package func since(_ other: GoTimeValue) -> GoDuration {
        let seconds = Int128(unixSeconds) - Int128(other.unixSeconds)
        let difference = seconds * 1_000_000_000 + Int128(nanoseconds) - Int128(other.nanoseconds)
        return GoDuration(nanoseconds: Int64(clamping: difference))
    }

    /// The same time of day on another date: October 31 plus one month is December 1.
    ///
    /// Nil beyond the years -9999 to 9999.
    package func addingDate(years: Int64, months: Int64, days: Int64) -> GoTimeValue? {
        let now = civil
        let (year, yearOverflow) = years.addingReportingOverflow(Int64(now.date.year))
        let (month, monthOverflow) = months.addingReportingOverflow(Int64(now.date.month))
        let (day, dayOverflow) = days.addingReportingOverflow(Int64(now.date.day))
        guard !yearOverflow, !monthOverflow, !dayOverflow else { return nil }
        return GoTimeValue(
            year: year,
            month: month,
            day: day,
            hour: Int64(now.hour),
            minute: Int64(now.minute),
            second: Int64(now.second),
            nanosecond: Int64(nanoseconds),
            zone: zone
        )
    }

    /// Rounded down to a multiple of `unit` since January 1 of year 1 UTC.
    ///
    /// The zone plays no part: a unit of 24 h cuts at midnight UTC. A `unit` of zero or less
    /// changes nothing; nil when the result would lie before year -9999.
    package func truncated(to unit: GoDuration) -> GoTimeValue? {
        guard unit.nanoseconds > 0 else { return self }
        return adding(GoDuration(nanoseconds: -remainder(by: unit)))
    }

    /// The nearest multiple of `unit` since January 1 of year 1 UTC, halves up.
    ///
    /// A `unit` of zero or less changes nothing; nil beyond the years -9999 to 9999.
    package func rounded(to unit: GoDuration) -> GoTimeValue? {
        guard unit.nanoseconds > 0 else { return self }
        let part = remainder(by: unit)
        let up = unit.nanoseconds - part
        return adding(GoDuration(nanoseconds: part < up ? -part : up))
    }

    /// What is past the last multiple of `unit`: 0 up to, not including, `unit`.
    private func remainder(by unit: GoDuration) -> Int64 {
        let seconds = Int128(unixSeconds) - Int128(GoTimeValue.yearOneSeconds)
        let total = seconds * 1_000_000_000 + Int128(nanoseconds)
        return Int64(total.flooredDividing(by: Int128(unit.nanoseconds)).remainder)
    }
}
