/// The parts of a layout: pieces of the reference time `Mon Jan 2 15:04:05 MST 2006` (-0700).
///
/// Whatever is not one of these pieces stands for itself. Source: Go package time, "Constants".
enum LayoutField: Equatable, Sendable {
    case longYear, shortYear
    case longMonth, shortMonth, month, paddedMonth
    case longWeekday, shortWeekday
    case day, spacedDay, paddedDay
    case spacedYearDay, paddedYearDay
    case hour24, hour12, paddedHour12
    case minute, paddedMinute
    case second, paddedSecond
    case upperPM, lowerPM
    case abbreviation
    case offset(OffsetStyle)
    /// `.000` (exactly so many digits) or `.999` (as many as needed), after a dot or a comma.
    case fraction(separator: UInt8, digits: Int, isTrimmed: Bool)
}

/// How an offset from UTC is written.
struct OffsetStyle: Equatable, Sendable {
    /// `Z07`: UTC itself is the letter Z.
    var usesZ = false
    var hasColon = false
    var hasMinutes = true
    var hasSeconds = false
}

/// Layouts and the values read with them are short; a bound keeps hostile ones cheap.
let layoutBytesMax = 1_024

/// One step through a layout: the plain text before a field, the field, and what follows.
struct LayoutStep {
    let literal: ArraySlice<UInt8>
    /// Nil at the end of the layout.
    let field: LayoutField?
    /// How the layout spells the field.
    let spelling: ArraySlice<UInt8>
    let rest: ArraySlice<UInt8>

    /// Finds the first field in `layout`.
    init(_ layout: ArraySlice<UInt8>) {
        for start in layout.indices {
            let tail = layout[start...]
            guard let (field, length) = LayoutStep.field(at: tail) else { continue }
            literal = layout[..<start]
            self.field = field
            spelling = tail.prefix(length)
            rest = tail.dropFirst(length)
            return
        }
        (literal, field) = (layout, nil)
        spelling = layout.suffix(0)
        rest = layout.suffix(0)
    }

    private static func field(at tail: ArraySlice<UInt8>) -> (LayoutField, Int)? {
        guard let first = tail.first else { return nil }
        if first == UInt8(ascii: ".") || first == UInt8(ascii: ",") { return fraction(at: tail) }
        // `_2006` is an underscore and a year.
        if tail.starts(with: "_2006".utf8) { return nil }
        for entry in spellings where entry.text[0] == first && tail.starts(with: entry.text) {
            let next = tail.dropFirst(entry.text.count).first
            // `Jan` in `Janet` and `Mon` in `Monty` are words.
            if entry.endsWord, next?.isLower == true { continue }
            return (entry.field, entry.text.count)
        }
        return nil
    }

    private static func fraction(at tail: ArraySlice<UInt8>) -> (LayoutField, Int)? {
        let digits = tail.dropFirst()
        guard
            let separator = tail.first,
            let digit = digits.first,
            digit == UInt8(ascii: "0") || digit == UInt8(ascii: "9")
        else { return nil }
        let run = digits.prefix { $0 == digit }.count
        // Another digit right behind makes it something else, such as a date.
        guard digits.dropFirst(run).first?.isDigit != true else { return nil }
        let isTrimmed = digit == UInt8(ascii: "9")
        return (.fraction(separator: separator, digits: run, isTrimmed: isTrimmed), run + 1)
    }

    private struct Spelling {
        let text: [UInt8]
        let field: LayoutField
        let endsWord: Bool

        init(_ text: String, _ field: LayoutField, endsWord: Bool = false) {
            self.text = Array(text.utf8)
            self.field = field
            self.endsWord = endsWord
        }
    }

    /// Of spellings that begin alike, the longer come first.
    private static let spellings: [Spelling] =
        [
            Spelling("January", .longMonth), Spelling("Jan", .shortMonth, endsWord: true),
            Spelling("Monday", .longWeekday), Spelling("Mon", .shortWeekday, endsWord: true),
            Spelling("MST", .abbreviation),
            Spelling("01", .paddedMonth), Spelling("02", .paddedDay),
            Spelling("03", .paddedHour12), Spelling("04", .paddedMinute),
            Spelling("05", .paddedSecond), Spelling("06", .shortYear),
            Spelling("002", .paddedYearDay),
            Spelling("15", .hour24), Spelling("1", .month),
            Spelling("2006", .longYear), Spelling("2", .day),
            Spelling("__2", .spacedYearDay), Spelling("_2", .spacedDay),
            Spelling("3", .hour12), Spelling("4", .minute), Spelling("5", .second),
            Spelling("PM", .upperPM), Spelling("pm", .lowerPM),
        ] + offsetSpellings(usesZ: false) + offsetSpellings(usesZ: true)

    private static func offsetSpellings(usesZ: Bool) -> [Spelling] {
        let styles: [(String, OffsetStyle)] = [
            ("07:00:00", OffsetStyle(usesZ: usesZ, hasColon: true, hasSeconds: true)),
            ("070000", OffsetStyle(usesZ: usesZ, hasSeconds: true)),
            ("07:00", OffsetStyle(usesZ: usesZ, hasColon: true)),
            ("0700", OffsetStyle(usesZ: usesZ)),
            ("07", OffsetStyle(usesZ: usesZ, hasMinutes: false)),
        ]
        return styles.map { Spelling((usesZ ? "Z" : "-") + $0, .offset($1)) }
    }
}
