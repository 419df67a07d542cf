import GoTime
import Testing

@Suite struct GoDurationTests {
    @Test(
        arguments: [
            ("0", 0), ("0s", 0), ("-0", 0), ("+5s", 5_000_000_000), ("-5s", -5_000_000_000),
            ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("100ms", 100_000_000),
            ("-2m", -120_000_000_000), ("10ns", 10), ("11us", 11_000), ("12µs", 12_000),
            ("12μs", 12_000), ("13ms", 13_000_000), (".5s", 500_000_000), ("5.s", 5_000_000_000),
            ("1.004s", 1_004_000_000), ("39h9m14.425s", 140_954_425_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9007199254740993ns", 9_007_199_254_740_993),
            ("9223372036854775807ns", Int64.max), ("-9223372036854775808ns", Int64.min),
            ("9223372036s854ms775us807ns", Int64.max), ("-9223372036.854775808s", Int64.min),
            ("0.0000000000000000000000000000000001h", 0), ("1.9999ns", 1),
        ] as [(String, Int64)]
    )
    func `Go-style text is read`(text: String, nanoseconds: Int64) throws {
        #expect(try GoDuration(text).nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        ("", "no number"), ("-", "no number"), ("3", "has no unit"), ("s", "expected a number"),
        (".s", "expected a number"), ("1x", "unknown unit \"x\""),
        ("1hour", "unknown unit \"hour\""),
        ("1s ", "unknown unit \"s \""), (" 1s", "expected a number"), ("1h-2m", "unknown unit"),
        ("--1s", "expected a number"), ("1e999h", "unknown unit \"e\""),
        ("9223372036854775808ns", "longer than"), ("-9223372036854775809ns", "longer than"),
        ("9223372036s854ms775us808ns", "longer than"), ("3000000h", "longer than"),
        ("99999999999999999999999s", "longer than"), ("18446744073709551615.9h", "longer than"),
        ("9223372036854775807ns9223372036854775807ns9ns", "longer than"),
    ])
    func `what is no duration is refused with the reason`(text: String, reason: String) throws {
        let message = try #require(fault { _ = try GoDuration(text) })
        #expect(message.hasPrefix("time: invalid duration \"\(text)\": "))
        #expect(message.contains(reason))
    }

    @Test func `a long invalid text is cut in the message`() throws {
        let message = try #require(
            fault { _ = try GoDuration(String(repeating: "x\n\"", count: 9_999)) }
        )
        #expect(message.utf8.count < 400)
        #expect(!message.contains("\n"))
    }

    @Test(
        arguments: [
            (0, "0s"), (1, "1ns"), (1_100, "1.1µs"), (2_200_000, "2.2ms"), (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"), (3_300_000_000, "3.3s"), (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"), (5_400_000_000_000, "1h30m0s"),
            (18_367_001_000_000, "5h6m7.001s"), (480_000_000_001, "8m0.000000001s"),
            (-100_000_000, "-100ms"), (3_600_000_000_000, "1h0m0s"),
            (Int64.max, "2562047h47m16.854775807s"), (Int64.min, "-2562047h47m16.854775808s"),
        ] as [(Int64, String)]
    )
    func `durations are written as Go writes them`(nanoseconds: Int64, text: String) throws {
        #expect(GoDuration(nanoseconds: nanoseconds).description == text)
        #expect(try GoDuration(text).nanoseconds == nanoseconds)
    }

    @Test func `text round trips at every magnitude`() throws {
        var numbers = Sequence31(state: 1)
        for shift in 0..<63 {
            for _ in 0..<20 {
                let bits = numbers.next(below: 1 << 31) << 32 ^ numbers.next(below: 1 << 31) << 8
                let value = GoDuration(nanoseconds: bits >> shift * (shift % 2 == 0 ? 1 : -1))
                #expect(try GoDuration(value.description) == value)
            }
        }
    }

    @Test func `accessors convert units`() throws {
        let value = try GoDuration("-1h30m0.0015s")
        #expect(try GoDuration("-1h30m").hours == -1.5)
        #expect(value.minutes == -90.000025)
        #expect(value.seconds == -5_400.0015)
        #expect(value.milliseconds == -5_400_001)
        #expect(value.microseconds == -5_400_001_500)
    }

    @Test(arguments: [
        ("1ns", "1h15m30.918273645s", "1h15m30.918273645s"),
        ("1µs", "1h15m30.918274s", "1h15m30.918273s"), ("1ms", "1h15m30.918s", "1h15m30.918s"),
        ("1s", "1h15m31s", "1h15m30s"), ("2s", "1h15m30s", "1h15m30s"),
        ("1m", "1h16m0s", "1h15m0s"), ("10m", "1h20m0s", "1h10m0s"), ("1h", "1h0m0s", "1h0m0s"),
        ("24h", "0s", "0s"), ("0s", "1h15m30.918273645s", "1h15m30.918273645s"),
        ("-1s", "1h15m30.918273645s", "1h15m30.918273645s"),
    ])
    func `rounding and truncating go to multiples of a unit`(
        unit: String,
        rounded: String,
        truncated: String
    ) throws {
        let value = try GoDuration("1h15m30.918273645s")
        let opposite = GoDuration(nanoseconds: -value.nanoseconds)
        let unit = try GoDuration(unit)
        #expect(value.rounded(to: unit).description == rounded)
        #expect(value.truncated(to: unit).description == truncated)
        #expect(opposite.rounded(to: unit).nanoseconds == -(try GoDuration(rounded).nanoseconds))
        #expect(
            opposite.truncated(to: unit).nanoseconds == -(try GoDuration(truncated).nanoseconds)
        )
    }

    @Test func `arithmetic saturates at both ends`() {
        let (least, most) = (GoDuration(nanoseconds: .min), GoDuration(nanoseconds: .max))
        let hour = GoDuration(nanoseconds: GoDuration.hour)
        #expect(most.rounded(to: hour) == most)
        #expect(least.rounded(to: hour) == least)
        #expect(least.magnitude == most)
        #expect(most.adding(hour) == most)
        #expect(least.subtracting(hour) == least)
        #expect(GoDuration(nanoseconds: 3).rounded(to: GoDuration(nanoseconds: 2)).nanoseconds == 4)
        #expect(
            GoDuration(nanoseconds: -3).rounded(to: GoDuration(nanoseconds: 2)).nanoseconds == -4
        )
    }
}
