import GoTime
import Testing

@Suite struct LuaDateTests {
    private func date(_ format: String, _ seconds: Int64, _ zone: Zone = .utc) throws -> String {
        let result = try LuaDate.date(format: format.utf8, unixSeconds: seconds, local: zone)
        guard case .text(let bytes) = result else { return "fields" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let all = [
        "%a|%A|%b|%B|%c|%C|%d|%D|%e|%F|%g|%G|%h|%H|%I|%j|%m|%M|%p",
        "%r|%R|%S|%T|%u|%U|%V|%w|%W|%x|%X|%y|%Y|%z|%Z|%%|%n|%t",
    ]

    @Test(
        arguments: [
            (
                "UTC", 0,
                "Thu|Thursday|Jan|January|Thu Jan  1 00:00:00 1970|19|01|01/01/70| 1|1970-01-01|70|1970|Jan|00|12|001|01|00|AM",
                "12:00:00 AM|00:00|00|00:00:00|4|00|01|4|00|01/01/70|00:00:00|70|1970|+0000|UTC|%|\n|\t"
            ),
            (
                "Europe/Zurich", 1_709_210_096,
                "Thu|Thursday|Feb|February|Thu Feb 29 13:34:56 2024|20|29|02/29/24|29|2024-02-29|24|2024|Feb|13|01|060|02|34|PM",
                "01:34:56 PM|13:34|56|13:34:56|4|08|09|4|09|02/29/24|13:34:56|24|2024|+0100|CET|%|\n|\t"
            ),
            (
                "America/New_York", 1_735_689_599,
                "Tue|Tuesday|Dec|December|Tue Dec 31 18:59:59 2024|20|31|12/31/24|31|2024-12-31|25|2025|Dec|18|06|366|12|59|PM",
                "06:59:59 PM|18:59|59|18:59:59|2|52|01|2|53|12/31/24|18:59:59|24|2024|-0500|EST|%|\n|\t"
            ),
        ] as [(String, Int64, String, String)]
    )
    func `every conversion agrees with the C library`(
        name: String,
        seconds: Int64,
        first: String,
        second: String
    ) throws {
        let zone = try zone(name)
        #expect(try date(LuaDateTests.all[0], seconds, zone) == first)
        #expect(try date(LuaDateTests.all[1], seconds, zone) == second)
    }

    @Test func `week numbers of five centuries agree with another implementation`() throws {
        var sum = 0
        for days: Int64 in stride(from: 0, to: 200_000, by: 37) {
            let fields = try date("%U %W %V %G %j", (days - 135_140) * 86_400)
                .split(separator: " ").compactMap { Int($0) }
            let weeks = fields[0] * 1_000_000 + fields[1] * 10_000 + fields[2] * 100
            sum = (sum * 31 + weeks + fields[3] % 100 + fields[4]) % 1_000_000_007
        }
        #expect(sum == 755_304_883)
    }

    @Test func `E and O are accepted exactly where C has them, and letters exactly those of C99`() {
        let letters = (0x00...0x7F as ClosedRange<UInt8>).map { String(UnicodeScalar($0)) }
        func accepted(_ prefix: String) -> String {
            letters.filter { letter in fault { _ = try date("%" + prefix + letter, 0) } == nil }
                .joined()
        }
        #expect(accepted("") == "%ABCDFGHIMRSTUVWXYZabcdeghjmnprtuwxyz")
        #expect(accepted("E") == "CXYcxy")
        #expect(accepted("O") == "HIMSUVWdemuwy")
    }

    @Test(arguments: [
        ("%Ez", "'%Ez'"), ("ok %9 x", "'%9'"), ("%", "'%'"), ("%E", "'%E'"), ("%O", "'%O'"),
        ("%Ea", "'%Ea'"), ("%d%é", "'%"),
    ])
    func `an unknown conversion is named`(format: String, named: String) throws {
        let message = try #require(fault { _ = try date(format, 0) })
        #expect(message.hasPrefix("invalid conversion specifier " + named))
    }

    @Test func `formats end at 128 bytes and times at the years of the range`() throws {
        #expect(try date(String(repeating: "%c", count: 64), 0).utf8.count == 64 * 24)
        #expect(fault { _ = try date(String(repeating: "x", count: 129), 0) } != nil)
        for seconds in [Int64.min, 1 << 62, 253_402_300_800, -377_705_116_801] {
            #expect(
                fault { _ = try date("%Y", seconds) }
                    == "date result cannot be represented in this installation"
            )
        }
        #expect(try date("%Y %C %y", -377_705_116_800) == "-9999 -100 01")
    }

    @Test func `a bang means UTC and *t gives fields`() throws {
        let sydney = try zone("Australia/Sydney")
        #expect(try date("!%H %Z", 1_704_067_200, sydney) == "00 UTC")
        #expect(try date("%H %Z", 1_704_067_200, sydney) == "11 AEDT")
        func fields(_ format: String) throws -> LuaDateFields? {
            let date = try LuaDate.date(
                format: format.utf8,
                unixSeconds: 1_704_067_201,
                local: sydney
            )
            guard case .fields(let fields) = date else { return nil }
            return fields
        }
        let local = try #require(try fields("*t"))
        #expect(
            [local.year, local.month, local.day, local.hour, local.min, local.sec] == [
                2_024, 1, 1, 11, 0, 1,
            ]
        )
        #expect((local.wday, local.yday, local.isdst) == (2, 1, true))
        let utc = try #require(try fields("!*t"))
        #expect((utc.hour, utc.isdst) == (0, false))
        #expect(try fields("*tx") == nil)
    }

    @Test func `os time normalises and gives the fields back`() throws {
        let zurich = try zone("Europe/Zurich")
        let table = LuaDateTable(
            year: .integer(2_024),
            month: .integer(14),
            day: .integer(-3),
            min: .integer(-90),
            sec: .integer(3_601)
        )
        let (seconds, fields) = try table.resolve(in: zurich)
        #expect(seconds == 1_738_060_201)
        #expect([fields.year, fields.month, fields.day] == [2_025, 1, 28])
        #expect([fields.hour, fields.min, fields.sec] == [11, 30, 1])
    }

    @Test func `isdst chooses a repeated reading and shifts others`() throws {
        func seconds(_ zone: Zone, _ month: Int64, _ day: Int64, _ hour: Int64, _ isdst: Bool?)
            throws -> Int64
        {
            try LuaDateTable(
                year: .integer(2_024),
                month: .integer(month),
                day: .integer(day),
                hour: .integer(hour),
                isdst: isdst
            ).resolve(in: zone).0
        }
        let zurich = try zone("Europe/Zurich")
        #expect(try seconds(zurich, 10, 27, 2, true) == 1_729_987_200)
        #expect(try seconds(zurich, 10, 27, 2, false) == 1_729_990_800)
        #expect(try seconds(zurich, 1, 15, 12, nil) == 1_705_316_400)
        #expect(try seconds(zurich, 1, 15, 12, false) == 1_705_316_400)
        #expect(try seconds(zurich, 1, 15, 12, true) == 1_705_312_800)
        #expect(try seconds(zurich, 7, 15, 12, false) == 1_721_041_200)
        #expect(try seconds(.utc, 1, 15, 12, true) == 1_705_320_000)
    }

    @Test func `fields that are missing, no integers or too large are named`() {
        func message(_ change: (inout LuaDateTable) -> Void) -> String? {
            var table = LuaDateTable(year: .integer(2_024), month: .integer(1), day: .integer(1))
            change(&table)
            return fault { _ = try table.resolve(in: .utc) }
        }
        #expect(message { _ in } == nil)
        #expect(message { $0.year = .missing } == "field 'year' missing in date table")
        #expect(message { $0.day = .missing } == "field 'day' missing in date table")
        #expect(message { $0.hour = .other } == "field 'hour' is not an integer")
        #expect(message { $0.sec = .integer(1 << 31) } == "field 'sec' is out-of-bound")
        #expect(message { $0.year = .integer(1 << 40) } == "field 'year' is out-of-bound")
        #expect(message { $0.year = .integer(.min) } == "field 'year' is out-of-bound")
        let unrepresentable = "time result cannot be represented in this installation"
        #expect(message { $0.year = .integer(10_000) } == unrepresentable)
        #expect(message { $0.month = .integer(1 << 31) } == unrepresentable)
        #expect(message { $0.day = .integer(-1 << 31) } == unrepresentable)
    }
}
