import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// The harmless part of `os` (SEMANTICS 9): time, date, clock, difftime.
///
/// As in the Lua 5.4 manual, 6.9, in the C locale, except that tables are read and written raw (no
/// metamethods run), and formats have at most 128 bytes.
enum OSLibrary {
    static let members: [Member] = [
        Member("time") { unsafe OSLibrary.time(Call($0, $1)) },
        Member("date") { unsafe OSLibrary.date(Call($0, $1)) },
        Member("clock") { unsafe OSLibrary.clock(Call($0, $1)) },
        Member("difftime") { unsafe OSLibrary.difftime(Call($0, $1)) },
    ]

    private static func now(_ call: Call) -> Int64 {
        Int64(clamping: call.runtime.clock.wall() / 1_000_000_000)
    }

    // MARK: time

    private static func time(_ call: Call) -> Int32 {
        let thread = call.thread
        if thread.isNilOrNone(1) {
            thread.push(now(call))
            return 1
        }
        guard thread.kind(1) == .table else { return thread.wrongType(1, "table") }
        let table = LuaDateTable(
            year: field("year", thread),
            month: field("month", thread),
            day: field("day", thread),
            hour: field("hour", thread),
            min: field("min", thread),
            sec: field("sec", thread),
            isdst: flag("isdst", thread)
        )
        do throws(TimeFault) {
            let (seconds, fields) = try table.resolve(in: ZoneStore.local)
            write(fields, to: 1, thread)
            thread.push(seconds)
            return 1
        } catch {
            return thread.raise(error.message)
        }
    }

    private static func field(_ name: String, _ thread: LuaThread) -> LuaDateField {
        defer { thread.pop() }
        switch thread.getField(1, name) {
        case .nothing: return .missing
        case .number: return thread.integer(-1).map { .integer($0) } ?? .other
        case .string: return integer(in: thread.string(-1) ?? "").map { .integer($0) } ?? .other
        default: return .other
        }
    }

    /// The integer a numeral means, as Lua converts strings: "12", " 0x10 " and "1e1" do.
    private static func integer(in text: String) -> Int64? {
        let text = text.drop(while: \.isWhitespace)
        let end = text.lastIndex { !$0.isWhitespace }
        guard let end else { return nil }
        let numeral = text[...end]
        return Int64(numeral) ?? Double(numeral).flatMap(Int64.init(exactly:))
    }

    /// A time argument: as elsewhere in Lua's libraries, a numeral will do.
    private static func seconds(
        _ call: Call,
        _ index: Int32,
        default: Int64? = nil,
        _ outcome: inout Int32?
    ) -> Int64 {
        call.thread.string(index).flatMap(integer)
            ?? call.integer(index, default: `default`, &outcome)
    }

    private static func flag(_ name: String, _ thread: LuaThread) -> Bool? {
        defer { thread.pop() }
        return thread.getField(1, name) == .nothing ? nil : thread.boolean(-1)
    }

    private static func write(_ fields: LuaDateFields, to table: Int32, _ thread: LuaThread) {
        let numbers = [
            ("year", fields.year), ("month", fields.month), ("day", fields.day),
            ("hour", fields.hour), ("min", fields.min), ("sec", fields.sec),
            ("yday", fields.yday), ("wday", fields.wday),
        ]
        for (name, number) in numbers {
            thread.push(Int64(number))
            thread.setField(table, name)
        }
        thread.push(fields.isdst)
        thread.setField(table, "isdst")
    }

    // MARK: date

    private static func date(_ call: Call) -> Int32 {
        let thread = call.thread
        var outcome: Int32?
        let format = format(call, &outcome)
        let seconds = seconds(call, 2, default: now(call), &outcome)
        if let outcome { return outcome }
        guard GoTimeValue(unixSeconds: seconds) != nil else {
            return thread.raise("date result cannot be represented in this installation")
        }
        do throws(TimeFault) {
            let local = ZoneStore.local
            switch try LuaDate.date(format: format, unixSeconds: seconds, local: local) {
            case .text(let text): thread.push(bytes: text)
            case .fields(let fields):
                thread.pushTable(pairs: 9)
                write(fields, to: thread.top, thread)
            }
            return 1
        } catch {
            return thread.badArgument(1, error.message)
        }
    }

    private static func format(_ call: Call, _ outcome: inout Int32?) -> [UInt8] {
        if call.thread.isNilOrNone(1) { return Array("%c".utf8) }
        if let bytes = unsafe call.thread.bytes(1) { return unsafe Array(bytes) }
        return Array(call.string(1, &outcome).utf8)
    }

    // MARK: clock, difftime

    /// Seconds that this process has been running, waits left out.
    ///
    /// Other processes of the server do not count, as other programs do not for C's `clock`; it
    /// never goes backwards, whichever worker runs the process.
    private static func clock(_ call: Call) -> Int32 {
        let used = call.process.block.usedNanoseconds(at: call.runtime.clock.now())
        call.thread.push(Double(used) / 1e9)
        return 1
    }

    private static func difftime(_ call: Call) -> Int32 {
        var outcome: Int32?
        let later = seconds(call, 1, &outcome)
        let earlier = seconds(call, 2, &outcome)
        if let outcome { return outcome }
        call.thread.push(Double(Int128(later) - Int128(earlier)))
        return 1
    }
}
