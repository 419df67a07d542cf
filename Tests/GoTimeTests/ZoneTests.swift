import GoTime
import Testing

@Suite struct ZoneTests {
    @Test(
        arguments: [
            ("Europe/Zurich", -3_786_825_600, 2_048, "LMT", false),
            ("Europe/Zurich", -2_195_942_400, 3_600, "CET", false),
            ("Europe/Zurich", -899_510_400, 7_200, "CEST", true),
            ("Europe/Zurich", 331_257_600, 3_600, "CET", false),
            ("Europe/Zurich", 1_711_846_799, 3_600, "CET", false),
            ("Europe/Zurich", 1_711_846_800, 7_200, "CEST", true),
            ("Europe/Zurich", 1_729_990_799, 7_200, "CEST", true),
            ("Europe/Zurich", 1_729_990_800, 3_600, "CET", false),
            ("Europe/Zurich", 4_103_654_400, 3_600, "CET", false),
            ("Europe/Zurich", 4_109_878_800, 7_200, "CEST", true),
            ("Europe/Zurich", 13_586_400_000, 7_200, "CEST", true),
            ("America/New_York", -2_840_140_800, -17_762, "LMT", false),
            ("America/New_York", -769_392_000, -14_400, "EPT", true),
            ("America/New_York", 1_710_053_999, -18_000, "EST", false),
            ("America/New_York", 1_710_054_000, -14_400, "EDT", true),
            ("America/New_York", 1_730_613_599, -14_400, "EDT", true),
            ("America/New_York", 1_730_613_600, -18_000, "EST", false),
            ("America/New_York", 5_696_179_200, -14_400, "EDT", true),
            ("Australia/Sydney", 1_712_419_199, 39_600, "AEDT", true),
            ("Australia/Sydney", 1_712_419_200, 36_000, "AEST", false),
            ("Australia/Sydney", 1_728_143_999, 36_000, "AEST", false),
            ("Australia/Sydney", 1_728_144_000, 39_600, "AEDT", true),
            ("Australia/Sydney", 7_258_118_400, 39_600, "AEDT", true),
            ("Australia/Sydney", 7_273_756_800, 36_000, "AEST", false),
            ("Asia/Kathmandu", 504_835_200, 19_800, "+0530", false),
            ("Asia/Kathmandu", 1_704_067_200, 20_700, "+0545", false),
            ("Europe/Dublin", 3_788_121_600, 0, "GMT", true),
            ("Europe/Dublin", 3_803_760_000, 3_600, "IST", false),
            ("Australia/Lord_Howe", 2_541_456_000, 37_800, "+1030", false),
            ("America/Nuuk", 2_848_003_200, -3_600, "-01", true),
        ] as [(String, Int64, Int, String, Bool)]
    )
    func `offsets are those of the database`(
        name: String,
        seconds: Int64,
        offset: Int,
        abbreviation: String,
        isDST: Bool
    ) throws {
        let expected = LocalTimeType(
            offsetSeconds: offset,
            abbreviation: abbreviation,
            isDST: isDST
        )
        #expect(try zone(name).lookup(seconds) == expected)
    }

    /// Instants of the years 1843 to 2286; a hash of all offsets, from Python's zoneinfo.
    @Test(arguments: [
        ("Europe/Zurich", 442_515_832), ("America/New_York", 210_229_908),
        ("Australia/Sydney", 563_817_419), ("Africa/Casablanca", 268_393_105),
        ("Pacific/Apia", 982_518_326), ("Asia/Tehran", 904_920_630),
    ])
    func `five thousand random offsets agree with another implementation`(
        name: String,
        hash: Int
    ) throws {
        let zone = try zone(name)
        var numbers = Sequence31(state: 12_345)
        var sum = 0
        for _ in 0..<5_000 {
            let seconds = numbers.next(below: 14_000_000_000) - 4_000_000_000
            sum = (sum * 31 + zone.lookup(seconds).offsetSeconds) % 1_000_000_007
            if sum < 0 { sum += 1_000_000_007 }
        }
        #expect(sum == hash)
    }

    /// Readings in a gap, in an overlap, and in neither.
    @Test(
        arguments: [
            ("Europe/Zurich", "2024-03-31 02:30", 1_711_848_600),
            ("Europe/Zurich", "2024-10-27 02:30", 1_729_992_600),
            ("America/New_York", "2024-03-10 02:30", 1_710_052_200),
            ("America/New_York", "2024-11-03 01:30", 1_730_611_800),
            ("Australia/Sydney", "2024-10-06 02:30", 1_728_145_800),
            ("Australia/Sydney", "2024-04-07 02:30", 1_712_421_000),
            ("Europe/Zurich", "2024-07-01 12:00", 1_719_828_000),
            ("Europe/Zurich", "2100-10-31 02:30", 4_128_629_400),
        ] as [(String, String, Int64)]
    )
    func `skipped and repeated readings resolve to one side`(
        name: String,
        reading: String,
        seconds: Int64
    ) throws {
        let value = try GoTimeValue.parse(
            layout: "2006-01-02 15:04",
            value: reading,
            in: zone(name)
        )
        #expect(value.unixSeconds == seconds)
    }

    @Test func `extreme instants and readings do not trap`() throws {
        for zone in [try zone("Europe/Zurich"), try zone("America/New_York"), .utc] {
            for seconds in [Int64.min, .max, -1 << 62, 1 << 62, 0] {
                _ = zone.lookup(seconds)
                _ = zone.unixSeconds(ofLocal: seconds)
            }
        }
    }

    @Test func `only clean relative names reach the reader`() throws {
        var asked: [String] = []
        func load(_ name: String) -> String? {
            fault {
                _ = try Zone.load(name) { path in
                    asked.append(path)
                    return nil
                }
            }
        }
        for name in [
            "..", "../x", "/etc/passwd", "a//b", "a/", "a.b", "a b", "a\u{0}", "ä", "a\\b",
        ] {
            #expect(load(name)?.contains("cannot be the name") == true)
        }
        #expect(load(String(repeating: "a", count: 256)) != nil)
        #expect(asked.isEmpty)
        #expect(load("Etc/GMT+5") == "time: unknown location \"Etc/GMT+5\"")
        #expect(asked == ["Etc/GMT+5"])
        #expect(try Zone.load("", read: { _ in nil }) === Zone.utc)
        #expect(try Zone.load("UTC", read: { _ in nil }) === Zone.utc)
    }

    @Test func `fixed zones have bounds`() throws {
        let zone = try Zone(fixed: "X", offsetSeconds: 86_399)
        #expect(
            zone.lookup(0) == LocalTimeType(offsetSeconds: 86_399, abbreviation: "X", isDST: false)
        )
        for offset: Int64 in [86_400, -86_400, .min, .max] {
            #expect(fault { _ = try Zone(fixed: "X", offsetSeconds: offset) } != nil)
        }
        let long = String(repeating: "x", count: 65)
        #expect(fault { _ = try Zone(fixed: long, offsetSeconds: 0) } != nil)
    }

    @Test func `the local zone comes from TZ, else from the file, else is UTC`() throws {
        let file = try #require(zoneFile("Europe/Zurich"), "install tzdata")
        func abbreviation(_ variable: String?, _ localtime: [UInt8]?) -> String {
            Zone.local(variable: variable, localtime: localtime, read: zoneFile)
                .lookup(1_719_828_000).abbreviation
        }
        #expect(abbreviation(nil, file) == "CEST")
        #expect(abbreviation(nil, Array(file.dropLast())) == "UTC")
        #expect(abbreviation(nil, nil) == "UTC")
        #expect(abbreviation(":America/New_York", file) == "EDT")
        #expect(abbreviation("", file) == "UTC")
        #expect(abbreviation("No/Such", file) == "UTC")
        #expect(abbreviation("AAA3BBB,M3.2.0,M11.1.0", file) == "BBB")
    }

    @Test(
        arguments: [
            ("XXX3", 0, -10_800, "XXX"), ("<+0330>-3:30", 0, 12_600, "+0330"),
            // Day 60 without leap days is March 1; counted from 0 with them, it is February 29 + 1.
            ("AAA0BBB,J60/0,J61/0", 1_709_251_200, 3_600, "BBB"),
            ("AAA0BBB,J60/0,J61/0", 1_709_251_199, 0, "AAA"),
            ("AAA0BBB,59/0,60/0", 1_709_164_800, 3_600, "BBB"),
            ("AAA0BBB,59/0,60/0", 1_709_251_200, 0, "AAA"),
            // Daylight time all year: the end of one year is the start of the next.
            ("EST5EDT4,0/0,J365/25", 1_704_085_200, -14_400, "EDT"),
            ("EST5EDT4,0/0,J365/25", 1_720_000_000, -14_400, "EDT"),
            // Hours reach into other days.
            ("AAA0BBB,M3.5.0/-24,M10.5.0/167", 1_711_756_800, 3_600, "BBB"),
            ("AAA0BBB,M3.5.0/-24,M10.5.0/167", 1_711_756_799, 0, "AAA"),
        ] as [(String, Int64, Int, String)]
    )
    func `POSIX rules are followed`(
        rule: String,
        seconds: Int64,
        offset: Int,
        abbreviation: String
    ) throws {
        let zone = try Zone(name: rule, tzif: TZifFile(footer: rule, transitions: []).bytes)
        let type = zone.lookup(seconds)
        #expect(type.offsetSeconds == offset)
        #expect(type.abbreviation == abbreviation)
    }

    @Test(arguments: [
        "X3", "XXX", "XXX25", "XXX3YYY", "XXX3YYY,", "XXX3YYY,M3.2.0", "XXX3YYY,M13.1.0,M1.1.0",
        "XXX3YYY,M1.6.0,M1.1.0", "XXX3YYY,M1.1.7,M1.1.0", "XXX3YYY,J0,J1", "XXX3YYY,J366,J1",
        "XXX3YYY,366,1", "XXX3YYY,0/168,1", "XXX3:60", "<XXX3", "XXX3YYY,0,1x",
        "XXX99999999999999999999",
        "ABCDEFGHIJKLMNOPQ0",
    ])
    func `a broken rule spoils the file`(rule: String) {
        #expect(
            fault { _ = try Zone(name: "x", tzif: TZifFile(footer: rule, transitions: []).bytes) }
                == "time: the zone file of \"x\" is damaged"
        )
    }
}

@Suite struct TZifTests {
    @Test(arguments: ["Europe/Zurich", "America/New_York", "Australia/Sydney"])
    func `a file cut short at any byte is refused`(name: String) throws {
        let bytes = try #require(zoneFile(name), "install tzdata")
        for length in 0..<bytes.count {
            #expect(fault { _ = try Zone(name: name, tzif: Array(bytes.prefix(length))) } != nil)
        }
    }

    @Test func `any byte may have any value without a trap`() throws {
        let good = TZifFile(footer: "CET-1CEST,M3.5.0,M10.5.0/3", transitions: [0, 86_400]).bytes
        var readable = 0
        for index in good.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = good
                bytes[index] = value
                guard let zone = try? Zone(name: "x", tzif: bytes) else { continue }
                readable += 1
                for seconds in [Int64.min, -1, 0, 86_399, 86_400, 4_102_444_800, .max] {
                    _ = zone.lookup(seconds)
                }
            }
        }
        #expect(readable > good.count)
        #expect(readable < good.count * 256)
    }

    @Test func `version 1 files are read from their 32-bit block`() throws {
        let file = TZifFile(version: 0, footer: "", transitions: [-100, 100])
        let zone = try Zone(name: "x", tzif: file.bytes)
        #expect(
            [-101, -100, 99, 100].map { zone.lookup($0).abbreviation } == [
                "CET", "CEST", "CEST", "CET",
            ]
        )
    }

    @Test func `the first type holds before the table and the footer after it`() throws {
        let file = TZifFile(footer: "ABC-5", transitions: [-1 << 40, 100])
        let zone = try Zone(name: "x", tzif: file.bytes)
        #expect(zone.lookup((-1 << 40) - 1).abbreviation == "CET")
        #expect(zone.lookup(99).abbreviation == "CEST")
        #expect(zone.lookup(100).abbreviation == "ABC")
        let silent = try Zone(name: "x", tzif: TZifFile(footer: "", transitions: [0]).bytes)
        #expect(silent.lookup(.max).abbreviation == "CEST")
    }

    @Test func `counts and tables must agree`() {
        let bad: [TZifFile] = [
            TZifFile(transitions: [100, 100]), TZifFile(transitions: [100, 99]),
            TZifFile(transitions: [0], kind: 2), TZifFile(transitions: [], typeCount: 0),
            TZifFile(transitions: [], abbreviations: [0x43, 0x45, 0x54]),
            TZifFile(transitions: [], abbreviations: []), TZifFile(transitions: [], offset: 93_600),
            TZifFile(transitions: [], offset: .min), TZifFile(version: 0x31, transitions: []),
        ]
        for file in bad {
            #expect(fault { _ = try Zone(name: "x", tzif: file.bytes) } != nil)
        }
        #expect(fault { _ = try Zone(name: "x", tzif: TZifFile(transitions: []).bytes) } == nil)
    }
}

/// A zone file made by hand: two types, CET and CEST, that take turns from the second on.
struct TZifFile {
    var version: UInt8 = 0x32
    var footer = ""
    var transitions: [Int64]
    var kind: UInt8?
    var typeCount: Int32 = 2
    var offset: Int32 = 3_600
    var abbreviations = Array("CET\0CEST\0".utf8)

    var bytes: [UInt8] {
        guard version != 0 else { return block(timeBytes: 4) }
        return block(timeBytes: 4) + block(timeBytes: 8) + Array("\n\(footer)\n".utf8)
    }

    private func bigEndian(_ value: Int64, _ bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private func block(timeBytes: Int) -> [UInt8] {
        let counts = [
            0, 0, 0, Int64(transitions.count), Int64(typeCount), Int64(abbreviations.count),
        ]
        var bytes = Array("TZif".utf8) + [version] + Array(repeating: 0, count: 15)
        bytes += counts.flatMap { bigEndian($0, 4) }
        bytes += transitions.flatMap { bigEndian($0, timeBytes) }
        bytes += transitions.indices.map { kind ?? UInt8(1 - $0 % 2) }
        bytes += bigEndian(Int64(offset), 4) + [0, 0] + bigEndian(7_200, 4) + [1, 4]
        return bytes + abbreviations
    }
}
