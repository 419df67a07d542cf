import GoTime
import Testing

@Suite struct CalendarTests {
    @Test func `every day from 1600 to 2400 round trips and follows the one before`() {
        var days = -135_140
        var weekday = 6
        var mistakes = 0
        for year in 1_600...2_400 {
            let february = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) ? 29 : 28
            var yearDay = 0
            for (index, length) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                .enumerated()
            {
                for day in 1...length {
                    yearDay += 1
                    let date = CivilDate(year: year, month: index + 1, day: day)
                    if date.daysSinceEpoch != days || CivilDate(daysSinceEpoch: days) != date
                        || date.yearDay != yearDay
                        || CivilDate.weekday(daysSinceEpoch: days) != weekday
                    {
                        mistakes += 1
                    }
                    days += 1
                    weekday = (weekday + 1) % 7
                }
            }
        }
        #expect(mistakes == 0)
        #expect(days == 157_420)
    }

    @Test func `the ends of the range are exact and nothing lies beyond them`() throws {
        let first = try #require(GoTimeValue(year: -9_999, month: 1, day: 1))
        let last = try #require(
            GoTimeValue(
                year: 9_999,
                month: 12,
                day: 31,
                hour: 23,
                minute: 59,
                second: 59,
                nanosecond: 999_999_999
            )
        )
        #expect(last.unixSeconds == 253_402_300_799)
        #expect(first.unixSeconds == -377_705_116_800)
        let tick = GoDuration(nanoseconds: 1)
        #expect(last.adding(tick) == nil)
        #expect(first.adding(GoDuration(nanoseconds: -1)) == nil)
        #expect(first.adding(tick) != nil)
        #expect(last.unixNanoseconds == nil)
        #expect(last.since(first).nanoseconds == .max)
        #expect(first.since(last).nanoseconds == .min)
        let fields: [Int64] = [.min, .max, -1 << 40, 1 << 40]
        for field in fields {
            for other in fields {
                #expect(GoTimeValue(unixSeconds: field, nanoseconds: other) == nil)
                #expect(last.addingDate(years: field, months: other, days: other) == nil)
                #expect(GoTimeValue(year: field, month: 1, day: other) == nil)
            }
            _ = GoTimeValue(year: 2_000, month: field, day: field, hour: field, minute: field)
            _ = GoTimeValue(year: 2_000, month: 1, day: 1, second: field, nanosecond: field)
        }
    }

    @Test func `fields carry into the next larger one`() throws {
        let value = try #require(
            GoTimeValue(
                year: 2_023,
                month: 14,
                day: 30,
                hour: 25,
                minute: -1,
                second: 61,
                nanosecond: -1
            )
        )
        #expect(value.description == "2024-03-02 01:00:00.999999999 +0000 UTC")
    }

    @Test func `adding to a date normalises overlong months`() throws {
        let start = try #require(GoTimeValue(year: 2_011, month: 10, day: 31, hour: 7))
        let cases: [(Int64, Int64, Int64, String)] = [
            (0, 1, 0, "2011-12-01 07:00:00 +0000 UTC"), (0, -8, 0, "2011-03-03 07:00:00 +0000 UTC"),
            (-1, 2, 3, "2011-01-03 07:00:00 +0000 UTC"),
            (1, 4, -2, "2013-02-29 07:00:00 +0000 UTC"),
        ]
        for (years, months, days, text) in cases.dropLast() {
            #expect(start.addingDate(years: years, months: months, days: days)?.description == text)
        }
        let moved = start.addingDate(years: 1, months: 4, days: -2)
        #expect(moved?.description == "2013-03-01 07:00:00 +0000 UTC")
    }

    @Test func `adding and subtracting durations are inverse`() throws {
        var numbers = Sequence31(state: 7)
        for _ in 0..<2_000 {
            let start = try #require(
                GoTimeValue(
                    unixSeconds: numbers.next(below: 8_000_000_000) - 4_000_000_000,
                    nanoseconds: numbers.next(below: 1_000_000_000)
                )
            )
            let step = GoDuration(nanoseconds: (numbers.next(below: 1 << 31) - (1 << 30)) << 20)
            let moved = try #require(start.adding(step))
            #expect(moved.since(start) == step)
            #expect((moved < start) == (step.nanoseconds < 0))
            #expect(GoTimeValue(unixNanoseconds: try #require(moved.unixNanoseconds)) == moved)
        }
    }

    @Test(arguments: [
        ("1µs", "12:15:30.918273", "12:15:30.918274"), ("1ms", "12:15:30.918", "12:15:30.918"),
        ("1s", "12:15:30", "12:15:31"), ("2s", "12:15:30", "12:15:30"),
        ("1m", "12:15:00", "12:16:00"), ("10m", "12:10:00", "12:20:00"),
        ("1h", "12:00:00", "12:00:00"), ("0s", "12:15:30.918273645", "12:15:30.918273645"),
    ])
    func `instants go to multiples of a unit`(unit: String, down: String, near: String) throws {
        let layout = "15:04:05.999999999"
        let unit = try GoDuration(unit)
        // Before and after year 1, where the multiples are counted from.
        for year: Int64 in [2_012, -44] {
            let value = try #require(
                GoTimeValue(
                    year: year,
                    month: 12,
                    day: 7,
                    hour: 12,
                    minute: 15,
                    second: 30,
                    nanosecond: 918_273_645
                )
            )
            #expect(try value.truncated(to: unit)?.format(layout) == down)
            #expect(try value.rounded(to: unit)?.format(layout) == near)
        }
    }

    @Test func `a half is rounded up, also before the epoch`() throws {
        let second = GoDuration(nanoseconds: GoDuration.second)
        for seconds: Int64 in [7, -7] {
            let half = try #require(
                GoTimeValue(unixSeconds: seconds, nanoseconds: 500_000_000)
            )
            #expect(half.rounded(to: second)?.unixSeconds == seconds + 1)
            #expect(half.truncated(to: second)?.unixSeconds == seconds)
        }
    }

    @Test(
        arguments: [
            (2_005, 1, 1, 2_004, 53), (2_005, 1, 2, 2_004, 53), (2_007, 1, 1, 2_007, 1),
            (2_008, 12, 29, 2_009, 1), (2_010, 1, 3, 2_009, 53), (2_024, 12, 30, 2_025, 1),
            (1_976, 12, 31, 1_976, 53), (1_978, 1, 1, 1_977, 52),
        ] as [(Int64, Int64, Int64, Int, Int)]
    )
    func `ISO weeks belong to the year of their Thursday`(
        year: Int64,
        month: Int64,
        day: Int64,
        isoYear: Int,
        week: Int
    ) throws {
        let value = try #require(GoTimeValue(year: year, month: month, day: day))
        #expect(value.civil.isoWeek == (isoYear, week))
    }

    @Test func `the zero time is known and zones do not matter to comparing`() throws {
        let zero = try #require(GoTimeValue(year: 1, month: 1, day: 1))
        #expect(zero.isZero)
        let shown = zero.inZone(try Zone(fixed: "X", offsetSeconds: -3_600))
        #expect(shown == zero)
        #expect(shown.year == 0)
        #expect(shown.hour == 23)
        #expect(zero.unixMilliseconds == -62_135_596_800_000)
        #expect(zero.unixNanoseconds == nil)
    }
}
