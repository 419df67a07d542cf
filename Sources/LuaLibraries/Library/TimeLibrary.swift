import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// The `time` module (SEMANTICS 10): makers of times, durations, locations and timers.
///
/// The computing is GoTime's; here values go from Lua to it and back. Times, durations and locations
/// are userdata that hold plain numbers: they cannot be changed, need no finalizer, and can be
/// compared, but not sent to another process.
enum TimeLibrary {
    private static let functions: [Member] = [
        Member("now") { unsafe TimeLibrary.now(Call($0, $1)) },
        Member("date") { unsafe TimeLibrary.date(Call($0, $1)) },
        Member("unix") { unsafe TimeLibrary.unix(Call($0, $1)) },
        Member("parse") { unsafe TimeLibrary.parse(Call($0, $1)) },
        Member("parse_duration") { unsafe TimeLibrary.parseDuration(Call($0, $1)) },
        Member("load_location") { unsafe TimeLibrary.loadLocation(Call($0, $1)) },
        Member("fixed_zone") { unsafe TimeLibrary.fixedZone(Call($0, $1)) },
        Member("sleep") { unsafe TimerLibrary.sleep(Call($0, $1)) },
        Member("after") { unsafe TimerLibrary.after(Call($0, $1)) },
        Member("timer") { unsafe TimerLibrary.make(Call($0, $1), .timer) },
        Member("ticker") { unsafe TimerLibrary.make(Call($0, $1), .ticker) },
    ]

    /// What the module offers.
    static let members =
        functions
        + TimeConstants.layouts.map { Member($0.name, .string($0.layout)) }
        + TimeConstants.units.map { Member($0.name, .integer($0.nanoseconds)) }
        + (TimeConstants.months + TimeConstants.weekdays).map {
            Member($0.name, .integer($0.number))
        }
        + [
            Member("utc", .made { $0.push(.utc) }),
            Member("localtz", .made { $0.push(ZoneStore.local) }),
        ]

    // MARK: Times

    private static func now(_ call: Call) -> Int32 {
        call.process.pushTime(call.runtime.clock.wall(), call.thread)
        return 1
    }

    /// `date(y, m, d [, h, mi, s, ns [, L]])`; without a location in the local zone.
    private static func date(_ call: Call) -> Int32 {
        var outcome: Int32?
        let year = call.integer(1, &outcome)
        let month = call.integer(2, &outcome)
        let day = call.integer(3, &outcome)
        let hour = call.integer(4, default: 0, &outcome)
        let minute = call.integer(5, default: 0, &outcome)
        let second = call.integer(6, default: 0, &outcome)
        let nanosecond = call.integer(7, default: 0, &outcome)
        let zone = call.location(8, &outcome) ?? ZoneStore.local
        if let outcome { return outcome }
        return call.answer(
            GoTimeValue(
                year: year,
                month: month,
                day: day,
                hour: hour,
                minute: minute,
                second: second,
                nanosecond: nanosecond,
                zone: zone
            )
        )
    }

    private static func unix(_ call: Call) -> Int32 {
        var outcome: Int32?
        let seconds = call.integer(1, &outcome)
        let nanoseconds = call.integer(2, default: 0, &outcome)
        if let outcome { return outcome }
        return call.answer(
            GoTimeValue(unixSeconds: seconds, nanoseconds: nanoseconds, zone: ZoneStore.local)
        )
    }

    private static func parse(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let layout = unsafe thread.bytes(1) else { return thread.wrongType(1, "string") }
        guard let text = unsafe thread.bytes(2) else { return thread.wrongType(2, "string") }
        var outcome: Int32?
        let zone = call.location(3, &outcome)
        if let outcome { return outcome }
        do throws(TimeFault) {
            return call.answer(
                try unsafe GoTimeValue.parse(
                    layout: layout,
                    value: text,
                    in: zone,
                    local: ZoneStore.local
                )
            )
        } catch {
            return call.fail(.invalid, error.message)
        }
    }

    // MARK: Durations

    /// Takes anything that means a duration, so that an integer can become an object too.
    private static func parseDuration(_ call: Call) -> Int32 {
        var outcome: Int32?
        let duration = call.duration(1, &outcome)
        return outcome ?? call.answer(duration)
    }

    // MARK: Locations

    private static func loadLocation(_ call: Call) -> Int32 {
        guard let name = call.thread.string(1) else { return call.thread.wrongType(1, "string") }
        do throws(ZoneStore.LoadFault) {
            return call.answer(try ZoneStore.load(name))
        } catch {
            return call.fail(error.kind, error.message)
        }
    }

    private static func fixedZone(_ call: Call) -> Int32 {
        guard let name = call.thread.string(1) else { return call.thread.wrongType(1, "string") }
        var outcome: Int32?
        let seconds = call.integer(2, &outcome)
        if let outcome { return outcome }
        do throws(TimeFault) {
            return call.answer(try Zone(fixed: name, offsetSeconds: seconds))
        } catch {
            return call.fail(.invalid, error.message)
        }
    }
}

extension Call {
    /// The integer argument `index`, or the outcome of a type error in `outcome`.
    ///
    /// With a default it may be left out. What `outcome` holds already stays, so that arguments read
    /// in their order complain about the first.
    func integer(
        _ index: Int32,
        default: Int64? = nil,
        _ outcome: inout Int32?
    ) -> Int64 {
        if outcome != nil { return 0 }
        if let value = thread.integer(index) { return value }
        if let `default`, thread.isNilOrNone(index) { return `default` }
        outcome =
            thread.kind(index) == .number
            ? thread.badArgument(index, "number has no integer representation")
            : thread.wrongType(index, "integer")
        return 0
    }
}
