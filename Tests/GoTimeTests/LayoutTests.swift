import GoTime
import Testing

@Suite struct LayoutTests {
    /// 2009-02-04 21:00:57.012345678 -0800 PST.
    private func sample() throws -> GoTimeValue {
        let zone = try Zone(fixed: "PST", offsetSeconds: -28_800)
        return try #require(
            GoTimeValue(unixSeconds: 1_233_810_057, nanoseconds: 12_345_678, zone: zone)
        )
    }

    @Test(arguments: [
        ("LAYOUT", "02/04 09:00:57PM '09 -0800"), ("ANSIC", "Wed Feb  4 21:00:57 2009"),
        ("UNIX_DATE", "Wed Feb  4 21:00:57 PST 2009"),
        ("RUBY_DATE", "Wed Feb 04 21:00:57 -0800 2009"), ("RFC822", "04 Feb 09 21:00 PST"),
        ("RFC822Z", "04 Feb 09 21:00 -0800"), ("RFC850", "Wednesday, 04-Feb-09 21:00:57 PST"),
        ("RFC1123", "Wed, 04 Feb 2009 21:00:57 PST"),
        ("RFC1123Z", "Wed, 04 Feb 2009 21:00:57 -0800"), ("RFC3339", "2009-02-04T21:00:57-08:00"),
        ("RFC3339NANO", "2009-02-04T21:00:57.012345678-08:00"), ("KITCHEN", "9:00PM"),
        ("STAMP", "Feb  4 21:00:57"), ("STAMP_MILLI", "Feb  4 21:00:57.012"),
        ("STAMP_MICRO", "Feb  4 21:00:57.012345"), ("STAMP_NANO", "Feb  4 21:00:57.012345678"),
        ("DATE_TIME", "2009-02-04 21:00:57"), ("DATE_ONLY", "2009-02-04"),
        ("TIME_ONLY", "21:00:57"),
    ])
    func `every layout constant is written and read back`(name: String, text: String) throws {
        let layout = try #require(TimeConstants.layouts.first { $0.name == name }?.layout)
        #expect(try sample().format(layout) == text)
        let read = try GoTimeValue.parse(layout: layout, value: text)
        #expect(try read.format(layout) == text)
        #expect(TimeConstants.layouts.count == 19)
    }

    @Test(arguments: [
        ("January Jan Janet Mon Monday Monty", "February Feb Janet Wed Wednesday Monty"),
        ("06 6 2006 _2006", "09 6 2009 _2009"), ("1 01 2 02 _2 002 __2", "2 02 4 04  4 035  35"),
        ("3 03 15 4 04 5 05 PM pm", "9 09 21 0 00 57 57 PM pm"),
        ("-07 -0700 -07:00 -070000 -07:00:00", "-08 -0800 -08:00 -080000 -08:00:00"),
        ("Z07 Z0700 Z07:00 Z070000 Z07:00:00", "-08 -0800 -08:00 -080000 -08:00:00"),
        (".0 .00 ,000 .000000 .00000000000", ".0 .01 ,012 .012345 .012345678"),
        (".9 .99 ,999 .999999 .999999999", " .01 ,012 .012345 .012345678"),
        (".000x .0001", ".012x .0002"), ("no field: ä%d\u{0}", "no field: ä%d\u{0}"), ("", ""),
    ])
    func `every field has its form`(layout: String, text: String) throws {
        #expect(try sample().format(layout) == text)
    }

    @Test func `offsets show Z only for UTC, and seconds where asked`() throws {
        let instant = try sample()
        #expect(try instant.inZone(.utc).format("Z07 Z07:00 -0700 MST") == "Z Z +0000 UTC")
        let odd = instant.inZone(try Zone(fixed: "", offsetSeconds: -(3_600 + 62)))
        #expect(try odd.format("-07:00:00 Z070000 MST") == "-01:01:02 -010102 -0101")
        let early = try #require(GoTimeValue(year: -44, month: 3, day: 15))
        #expect(try early.format("2006-01-02 06") == "-0044-03-15 00")
        let noon = try #require(GoTimeValue(year: 2_000, month: 1, day: 1, hour: 12))
        #expect(try noon.format("3PM") == "12PM")
        #expect(
            try noon.adding(GoDuration(nanoseconds: -12 * GoDuration.hour))?.format("3pm") == "12am"
        )
    }

    @Test(
        arguments: [
            ("2006-01-02T15:04:05Z07:00", "2024-02-29T12:30:00Z", 1_709_209_800, 0),
            (
                "2006-01-02T15:04:05Z07:00", "2024-02-29T12:30:00.25+01:00", 1_709_206_200,
                250_000_000
            ),
            ("2006-01-02 15:04:05", "1969-12-31 23:59:59,999", -1, 999_000_000),
            ("2006-01-02 15:04:05", "0000-01-01 00:00:00", -62_167_219_200, 0),
            ("Monday, January 2, 2006", "tuesday, FEBRUARY 29, 2000", 951_782_400, 0),
            ("2 Jan 06", "3 Mar 69", -26_265_600, 0), ("2 Jan 06", "3 Mar 68", 3_097_958_400, 0),
            ("2006 002", "2024 060", 1_709_164_800, 0),
            ("2006 __2 1", "2023  60 3", 1_677_628_800, 0),
            ("3:04PM 2006", "12:07AM 1970", 420, 0), ("3:04pm 2006", "12:07pm 1970", 43_620, 0),
            ("15:04 2006", "7:05 1970", 25_500, 0), ("Jan _2 2006", "Jan  2 1970", 86_400, 0),
            ("2006 15:04:05.000", "1970 00:00:01.005", 1, 5_000_000),
            ("2006 15:04:05.999", "1970 00:00:01", 1, 0), ("2006  15", "1970 01", 3_600, 0),
            ("2006 15:04:05.9", "1970 00:00:01.1234567899", 1, 123_456_789),
            ("2006 -070000", "1970 -010203", 3_723, 0), ("2006 Z07", "1970 +02", -7_200, 0),
            ("2006 MST", "1970 GMT+3", -10_800, 0), ("2006 MST", "1970 -03", 10_800, 0),
            ("2006 MST", "1970 CEST", 0, 0), ("2006 MST", "1970 ChST", 0, 0),
            ("2006 MST", "1970 UTC", 0, 0),
        ] as [(String, String, Int64, Int32)]
    )
    func `values are read`(layout: String, value: String, seconds: Int64, part: Int32) throws {
        let read = try GoTimeValue.parse(layout: layout, value: value)
        #expect(read.unixSeconds == seconds)
        #expect(read.nanoseconds == part)
    }

    @Test(arguments: [
        ("2006-01-02", "2024-1-02", "\"1-02\" does not fit \"01\""),
        ("2006-01-02", "2024-13-02", "month out of range"),
        ("2006-01-02", "2024-00-02", "month out"),
        ("2006-01-02", "2023-02-29", "day out of range"), ("2006-01-02", "2023-02-00", "day out"),
        ("2006-01-02", "2024-01-02x", "extra text \"x\""),
        ("2006-01-02", "2024/01/02", "fit \"-\""),
        ("2006", "20x4", "does not fit \"2006\""), ("2006", "", "does not fit"),
        ("15", "24", "hour out"),
        ("3PM", "13PM", "hour out of range"), ("3PM", "1XM", "\"XM\" does not fit \"PM\""),
        ("04", "60", "minute out"), ("05", "60", "second out"),
        ("Jan", "Foo", "\"Foo\" does not fit"),
        ("Monday", "Mon", "does not fit"), ("-0700", "+2400", "zone offset hour"),
        ("-07:00", "+01:60", "zone offset minute"), ("-0700", "0100", "does not fit \"-0700\""),
        ("Z07:00", "+0100", "does not fit"), ("MST", "Abc", "does not fit"),
        ("MST", "ABCD", "does not fit"),
        ("05.000", "01.02", "does not fit \".000\""), ("05.000", "01", "does not fit"),
        ("2006 002", "2023 366", "day of year out"), ("2006 002", "2023 000", "day of year out"),
        ("2006 002 01", "2023 060 02", "against the month"), ("06", "1", "does not fit"),
        ("2006 002 02", "2023 060 02", "against the day"),
    ])
    func `what does not fit is refused and named`(layout: String, value: String, reason: String)
        throws
    {
        let message = try #require(
            fault { _ = try GoTimeValue.parse(layout: layout, value: value) }
        )
        #expect(message.hasPrefix("time: cannot read \"\(value)\" with layout \"\(layout)\": "))
        #expect(message.contains(reason))
    }

    @Test func `offsets and abbreviations find the zone they belong to`() throws {
        let zurich = try zone("Europe/Zurich")
        func read(_ layout: String, _ value: String) throws -> GoTimeValue {
            try GoTimeValue.parse(layout: layout, value: value, in: zurich)
        }
        let plain = try read("2006-01-02 15", "2024-07-01 12")
        #expect(plain.description == "2024-07-01 12:00:00 +0200 CEST")
        let own = try read("2006-01-02 15 -07", "2024-07-01 12 +02")
        #expect(own == plain)
        #expect(own.zone.name == "Europe/Zurich")
        let foreign = try read("2006-01-02 15 -07", "2024-07-01 12 +01")
        #expect(foreign.zone.name == "")
        #expect(foreign.unixSeconds == plain.unixSeconds + 3_600)
        #expect(
            try read("2006-01-02 15 MST", "2024-07-01 12 CET").description
                == "2024-07-01 13:00:00 +0200 CEST"
        )
        #expect(try read("2006-01-02 15 MST", "2024-10-27 02 CEST").unixSeconds == 1_729_987_200)
        #expect(try read("2006-01-02 15 MST", "2024-10-27 02 CET").unixSeconds == 1_729_990_800)
    }

    @Test func `RFC 3339 with nanoseconds round trips over all years and offsets`() throws {
        var numbers = Sequence31(state: 3)
        for _ in 0..<1_000 {
            let zone = try Zone(fixed: "", offsetSeconds: (numbers.next(below: 2_759) - 1_379) * 60)
            let value = try #require(
                GoTimeValue(
                    year: numbers.next(below: 9_990) + 5,
                    month: numbers.next(below: 12) + 1,
                    day: numbers.next(below: 366),
                    second: numbers.next(below: 86_400),
                    nanosecond: numbers.next(below: 1_000_000_000),
                    zone: zone
                )
            )
            let text = try value.format(TimeConstants.rfc3339Nano)
            let read = try GoTimeValue.parse(layout: TimeConstants.rfc3339Nano, value: text)
            #expect(read == value)
            #expect(try read.format(TimeConstants.rfc3339Nano) == text)
        }
    }

    @Test func `hostile layouts and values end in an error or a value`() throws {
        let long = String(repeating: "MST", count: 400)
        #expect(fault { _ = try sample().format(long) }?.contains("1024") == true)
        #expect(fault { _ = try GoTimeValue.parse(layout: long, value: "") } != nil)
        #expect(fault { _ = try GoTimeValue.parse(layout: "", value: long) } != nil)
        #expect(
            fault { _ = try GoTimeValue.parse(layout: "2006Z07:00", value: "9999-12:00") } == nil
        )
        let late = fault {
            _ = try GoTimeValue.parse(
                layout: TimeConstants.rfc3339,
                value: "9999-12-31T23:00:00-12:00"
            )
        }
        #expect(late?.contains("year out of range") == true)
        // Random cuts and pastes of field spellings as layout and as value.
        let pieces =
            TimeConstants.layouts.map(\.layout) + ["_2006", "__2", "002", ".99", ",0", "\u{FF}"]
        var numbers = Sequence31(state: 9)
        for _ in 0..<3_000 {
            func text() -> [UInt8] {
                (0..<3).flatMap { _ in
                    let piece = Array(pieces[Int(numbers.next(below: Int64(pieces.count)))].utf8)
                    return piece.suffix(Int(numbers.next(below: Int64(piece.count + 1))))
                }
            }
            let layout = text()
            _ = fault { _ = try GoTimeValue.parse(layout: layout, value: text()) }
            let written = try sample().format(layout)
            let message = fault { _ = try GoTimeValue.parse(layout: layout, value: written) }
            #expect(message == nil || message?.hasPrefix("time: cannot read") == true)
        }
    }
}
