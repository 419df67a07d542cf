/// The constants of the Lua `time` table, by name, for the binding to copy.
package enum TimeConstants {
    /// Layout constants: the reference time `Mon Jan 2 15:04:05 MST 2006` in well-known shapes.
    ///
    /// Source: Go package time, "Constants".
    package static let layouts: [(name: String, layout: String)] = [
        ("LAYOUT", "01/02 03:04:05PM '06 -0700"),
        ("ANSIC", "Mon Jan _2 15:04:05 2006"),
        ("UNIX_DATE", "Mon Jan _2 15:04:05 MST 2006"),
        ("RUBY_DATE", "Mon Jan 02 15:04:05 -0700 2006"),
        ("RFC822", "02 Jan 06 15:04 MST"),
        ("RFC822Z", "02 Jan 06 15:04 -0700"),
        ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
        ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
        ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
        ("RFC3339", rfc3339),
        ("RFC3339NANO", rfc3339Nano),
        ("KITCHEN", "3:04PM"),
        ("STAMP", "Jan _2 15:04:05"),
        ("STAMP_MILLI", "Jan _2 15:04:05.000"),
        ("STAMP_MICRO", "Jan _2 15:04:05.000000"),
        ("STAMP_NANO", "Jan _2 15:04:05.000000000"),
        ("DATE_TIME", "2006-01-02 15:04:05"),
        ("DATE_ONLY", "2006-01-02"),
        ("TIME_ONLY", "15:04:05"),
    ]

    /// Duration units in nanoseconds.
    package static let units: [(name: String, nanoseconds: Int64)] = [
        ("NANOSECOND", 1),
        ("MICROSECOND", 1_000),
        ("MILLISECOND", 1_000_000),
        ("SECOND", GoDuration.second),
        ("MINUTE", GoDuration.minute),
        ("HOUR", GoDuration.hour),
    ]

    /// `JANUARY` = 1 to `DECEMBER` = 12.
    package static let months: [(name: String, number: Int64)] =
        monthNames.enumerated().map { ($1.uppercased(), Int64($0 + 1)) }

    /// `SUNDAY` = 0 to `SATURDAY` = 6.
    package static let weekdays: [(name: String, number: Int64)] =
        weekdayNames.enumerated().map { ($1.uppercased(), Int64($0)) }

    /// What `format_rfc3339` uses.
    package static let rfc3339 = "2006-01-02T15:04:05Z07:00"
    /// What `format_rfc3339_nano` uses.
    package static let rfc3339Nano = "2006-01-02T15:04:05.999999999Z07:00"
    /// What `tostring` uses.
    package static let display = "2006-01-02 15:04:05.999999999 -0700 MST"
}

let monthNames = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]
let weekdayNames = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
]
let monthAbbreviations = monthNames.map { String($0.prefix(3)) }
let weekdayAbbreviations = weekdayNames.map { String($0.prefix(3)) }
