/// An instant with nanoseconds, and the zone in which it is shown.
///
/// The instant lies in the years -9999 to 9999 UTC; every way to make one checks that and gives
/// nil outside. Comparing looks at the instant only, never at the zone.
package struct GoTimeValue: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    package let unixSeconds: Int64
    /// 0 to 999,999,999, also before 1970.
    package let nanoseconds: Int32
    /// Where it is shown.
    package let zone: Zone

    /// The seconds an instant may have.
    static let secondsRange: ClosedRange<Int64> = {
        let first = CivilDate(year: -9999, month: 1, day: 1).daysSinceEpoch
        let next = CivilDate(year: 10_000, month: 1, day: 1).daysSinceEpoch
        return Int64(first * 86_400)...Int64(next * 86_400 - 1)
    }()

    /// The instant `unixSeconds` and `nanoseconds` (any number of them) after the epoch.
    package init?(unixSeconds: Int64, nanoseconds: Int64 = 0, zone: Zone = .utc) {
        let (carry, part) = nanoseconds.flooredDividing(by: GoDuration.second)
        let (seconds, overflow) = unixSeconds.addingReportingOverflow(carry)
        guard !overflow, GoTimeValue.secondsRange.contains(seconds) else { return nil }
        self.unixSeconds = seconds
        self.nanoseconds = Int32(part)
        self.zone = zone
    }

    /// The instant a wall clock in `zone` shows, each field first carried into the next larger one.
    ///
    /// Any field may have any value: October 32 is November 1. A reading that a clock change
    /// skipped or showed twice is taken as `Zone.unixSeconds(ofLocal:)` says.
    package init?(
        year: Int64,
        month: Int64,
        day: Int64,
        hour: Int64 = 0,
        minute: Int64 = 0,
        second: Int64 = 0,
        nanosecond: Int64 = 0,
        zone: Zone = .utc
    ) {
        let (carry, part) = nanosecond.flooredDividing(by: GoDuration.second)
        guard
            let local = GoTimeValue.localSeconds(
                year: year,
                month: month,
                day: day,
                hour: hour,
                minute: minute,
                second: second,
                carry: carry
            )
        else { return nil }
        self.init(unixSeconds: zone.unixSeconds(ofLocal: local), nanoseconds: part, zone: zone)
    }

    /// Seconds from 1970-01-01 on the wall to a reading; nil when clearly out of range.
    ///
    /// The result may exceed `secondsRange` by some days, to leave room for any zone.
    static func localSeconds(
        year: Int64,
        month: Int64,
        day: Int64,
        hour: Int64,
        minute: Int64,
        second: Int64,
        carry: Int64 = 0
    ) -> Int64? {
        // 128 bits hold any sum of 64-bit fields times their units.
        let (years, month0) = (Int128(month) - 1).flooredDividing(by: 12)
        let total = Int128(year) + years
        guard total.magnitude <= 1_000_000 else { return nil }
        let first = CivilDate(year: Int(total), month: Int(month0) + 1, day: 1).daysSinceEpoch
        let days = Int128(first) + Int128(day) - 1
        let seconds =
            days * 86_400 + Int128(hour) * 3_600 + Int128(minute) * 60 + Int128(second)
            + Int128(carry)
        let margin: Int128 = 3 * 86_400
        let range = GoTimeValue.secondsRange
        guard
            seconds >= Int128(range.lowerBound) - margin,
            seconds <= Int128(range.upperBound) + margin
        else { return nil }
        return Int64(seconds)
    }

    /// The instant `unixNanoseconds` after the epoch.
    package init(unixNanoseconds: Int64, zone: Zone = .utc) {
        let (seconds, part) = unixNanoseconds.flooredDividing(by: GoDuration.second)
        unixSeconds = seconds
        nanoseconds = Int32(part)
        self.zone = zone
    }

    /// Milliseconds since the epoch, rounded down.
    package var unixMilliseconds: Int64 { unixSeconds * 1_000 + Int64(nanoseconds / 1_000_000) }
    /// Microseconds since the epoch, rounded down.
    package var unixMicroseconds: Int64 { unixSeconds * 1_000_000 + Int64(nanoseconds / 1_000) }
    /// Nanoseconds since the epoch; nil outside the years 1678 to 2262, where 64 bits end.
    package var unixNanoseconds: Int64? {
        Int64(exactly: Int128(unixSeconds) * 1_000_000_000 + Int128(nanoseconds))
    }

    /// Whether this is January 1 of year 1, 00:00:00 UTC, where Go's zero Time is.
    package var isZero: Bool {
        unixSeconds == GoTimeValue.yearOneSeconds && nanoseconds == 0
    }

    /// 0001-01-01T00:00:00Z.
    static let yearOneSeconds: Int64 = -62_135_596_800

    /// Offset, abbreviation and daylight flag that the zone has at this instant.
    package var localType: LocalTimeType { zone.lookup(unixSeconds) }

    /// What calendar and clock show in the zone.
    package var civil: CivilTime { civil(at: localType) }

    func civil(at type: LocalTimeType) -> CivilTime {
        CivilTime(localSeconds: unixSeconds + Int64(type.offsetSeconds))
    }

    /// The year in the zone; at the ends of the range one beyond it.
    package var year: Int { civil.date.year }
    /// 1 to 12.
    package var month: Int { civil.date.month }
    /// 1 to 31.
    package var day: Int { civil.date.day }
    /// 0 to 23.
    package var hour: Int { civil.hour }
    /// 0 to 59.
    package var minute: Int { civil.minute }
    /// 0 to 59.
    package var second: Int { civil.second }
    /// 0 for Sunday, up to 6.
    package var weekday: Int { civil.weekday }
    /// 1 to 366.
    package var yearDay: Int { civil.date.yearDay }

    /// The same instant shown in another zone.
    package func inZone(_ zone: Zone) -> GoTimeValue {
        GoTimeValue(unchecked: unixSeconds, nanoseconds, zone)
    }

    private init(unchecked seconds: Int64, _ nanoseconds: Int32, _ zone: Zone) {
        unixSeconds = seconds
        self.nanoseconds = nanoseconds
        self.zone = zone
    }
}

extension GoTimeValue: Comparable {
    /// Whether both are the same instant.
    package static func == (left: GoTimeValue, right: GoTimeValue) -> Bool {
        (left.unixSeconds, left.nanoseconds) == (right.unixSeconds, right.nanoseconds)
    }

    /// Whether the left instant is the earlier one.
    package static func < (left: GoTimeValue, right: GoTimeValue) -> Bool {
        (left.unixSeconds, left.nanoseconds) < (right.unixSeconds, right.nanoseconds)
    }
}
