import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// A time as its userdata stores it.
private struct TimeRecord {
    var unixSeconds: Int64
    var nanoseconds: Int32
    var zone: ZoneReference
}

/// Time objects: an instant, and the zone in which it is shown.
enum TimeObject {
    fileprivate static let key = LuaKey()

    static let methods: [Member] = comparing + moving + writing + numbers + zones

    private static let operators: LibraryFunctions = [
        ("__tostring", LuaFunction { unsafe TimeObject.text(Call($0, $1), .display) }),
        ("__eq", LuaFunction { unsafe TimeObject.equal(Call($0, $1)) }),
        (
            "__lt",
            LuaFunction { unsafe TimeObject.compared(Call($0, $1)) { $0.answer($1 < $2) } }
        ),
        (
            "__le",
            LuaFunction { unsafe TimeObject.compared(Call($0, $1)) { $0.answer($1 <= $2) } }
        ),
    ]

    static let luaClass = LuaClass(key, "time", methods: .timeMethods, operators: operators)

    /// The time object at `index`, or nil for any other value.
    static func at(_ index: Int32, of thread: LuaThread) -> GoTimeValue? {
        guard let memory = unsafe thread.userdata(index, class: key) else { return nil }
        let record = unsafe memory.load(as: TimeRecord.self)
        guard
            let value = GoTimeValue(
                unixSeconds: record.unixSeconds,
                nanoseconds: Int64(record.nanoseconds),
                zone: record.zone.zone(at: index, of: thread)
            )
        else { preconditionFailure("a time that was made once can be made again") }
        return value
    }

    /// Calls `answer` with the time at 1.
    private static func with(_ call: Call, _ answer: (GoTimeValue) -> Int32) -> Int32 {
        guard let time = at(1, of: call.thread) else { return call.thread.wrongType(1, "time") }
        return answer(time)
    }

    // MARK: Comparing

    private static let comparing: [Member] = [
        Member("after") { unsafe TimeObject.compared(Call($0, $1)) { $0.answer($1 > $2) } },
        Member("before") { unsafe TimeObject.compared(Call($0, $1)) { $0.answer($1 < $2) } },
        Member("equal") { unsafe TimeObject.compared(Call($0, $1)) { $0.answer($1 == $2) } },
        Member("compare") {
            unsafe TimeObject.compared(Call($0, $1)) { call, left, right in
                call.thread.push(left < right ? -1 : left == right ? 0 : 1 as Int64)
                return 1
            }
        },
        Member("is_zero") {
            let call = unsafe Call($0, $1)
            return TimeObject.with(call) { call.answer($0.isZero) }
        },
    ]

    private static func compared(
        _ call: Call,
        _ answer: (Call, GoTimeValue, GoTimeValue) -> Int32
    ) -> Int32 {
        with(call) { time in
            guard let other = at(2, of: call.thread) else {
                return call.thread.wrongType(2, "time")
            }
            return answer(call, time, other)
        }
    }

    /// Lua asks only about two userdata; one of another class is never equal.
    private static func equal(_ call: Call) -> Int32 {
        guard let left = at(1, of: call.thread), let right = at(2, of: call.thread) else {
            return call.answer(false)
        }
        return call.answer(left == right)
    }

    // MARK: Moving

    private static let moving: [Member] = [
        Member("add") { unsafe TimeObject.moved(Call($0, $1)) { $0.adding($1) } },
        Member("sub") { unsafe TimeObject.subtract(Call($0, $1)) },
        Member("add_date") { unsafe TimeObject.addDate(Call($0, $1)) },
        Member("truncate") { unsafe TimeObject.moved(Call($0, $1)) { $0.truncated(to: $1) } },
        Member("round") { unsafe TimeObject.moved(Call($0, $1)) { $0.rounded(to: $1) } },
    ]

    private static func moved(
        _ call: Call,
        _ move: (GoTimeValue, GoDuration) -> GoTimeValue?
    ) -> Int32 {
        with(call) { time in
            var outcome: Int32?
            let duration = call.duration(2, &outcome)
            return outcome ?? call.answer(move(time, duration))
        }
    }

    /// Less another time it is a duration, less a duration a time.
    private static func subtract(_ call: Call) -> Int32 {
        with(call) { time in
            if let other = at(2, of: call.thread) { return call.answer(time.since(other)) }
            return moved(call) { time, duration in
                // The negative of the least duration is one nanosecond beyond the greatest.
                let back = GoDuration(nanoseconds: 0).subtracting(duration)
                let rest = duration.nanoseconds == .min ? 1 : 0 as Int64
                return time.adding(back)?.adding(GoDuration(nanoseconds: rest))
            }
        }
    }

    private static func addDate(_ call: Call) -> Int32 {
        with(call) { time in
            var outcome: Int32?
            let years = call.integer(2, &outcome)
            let months = call.integer(3, &outcome)
            let days = call.integer(4, &outcome)
            return outcome ?? call.answer(time.addingDate(years: years, months: months, days: days))
        }
    }

    // MARK: Writing

    private static let writing: [Member] = [
        Member("format") { unsafe TimeObject.format(Call($0, $1)) },
        Member("format_rfc3339") { unsafe TimeObject.text(Call($0, $1), .rfc3339) },
        Member("format_rfc3339_nano") { unsafe TimeObject.text(Call($0, $1), .rfc3339Nano) },
    ]

    private enum Layout {
        case display, rfc3339, rfc3339Nano

        var text: String {
            switch self {
            case .display: TimeConstants.display
            case .rfc3339: TimeConstants.rfc3339
            case .rfc3339Nano: TimeConstants.rfc3339Nano
            }
        }
    }

    private static func text(_ call: Call, _ layout: Layout) -> Int32 {
        with(call) { time in write(call, time, layout.text.utf8) }
    }

    private static func format(_ call: Call) -> Int32 {
        with(call) { time in
            guard let layout = unsafe call.thread.bytes(2) else {
                return call.thread.wrongType(2, "string")
            }
            return unsafe write(call, time, layout)
        }
    }

    private static func write(
        _ call: Call,
        _ time: GoTimeValue,
        _ layout: some Collection<UInt8>
    ) -> Int32 {
        do throws(TimeFault) {
            call.thread.push(bytes: try time.format(layout))
            return 1
        } catch {
            return call.fail(.invalid, error.message)
        }
    }

    // MARK: Numbers

    private static let numbers: [Member] = [
        Member("unix") { unsafe TimeObject.number(Call($0, $1)) { $0.unixSeconds } },
        Member("unix_milli") { unsafe TimeObject.number(Call($0, $1)) { $0.unixMilliseconds } },
        Member("unix_micro") { unsafe TimeObject.number(Call($0, $1)) { $0.unixMicroseconds } },
        Member("unix_nano") { unsafe TimeObject.unixNano(Call($0, $1)) },
        Member("year") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.year) } },
        Member("month") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.month) } },
        Member("day") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.day) } },
        Member("hour") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.hour) } },
        Member("minute") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.minute) } },
        Member("second") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.second) } },
        Member("nanosecond") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.nanoseconds) } },
        Member("weekday") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.weekday) } },
        Member("year_day") { unsafe TimeObject.number(Call($0, $1)) { Int64($0.yearDay) } },
        Member("iso_week") {
            unsafe TimeObject.several(Call($0, $1)) { time in
                let (year, week) = time.civil.isoWeek
                return [year, week]
            }
        },
        Member("date") {
            unsafe TimeObject.several(Call($0, $1)) { time in
                let date = time.civil.date
                return [date.year, date.month, date.day]
            }
        },
        Member("clock") {
            unsafe TimeObject.several(Call($0, $1)) { time in
                let civil = time.civil
                return [civil.hour, civil.minute, civil.second]
            }
        },
    ]

    private static func number(_ call: Call, _ value: (GoTimeValue) -> Int64) -> Int32 {
        with(call) { time in
            call.thread.push(value(time))
            return 1
        }
    }

    private static func several(_ call: Call, _ values: (GoTimeValue) -> [Int]) -> Int32 {
        with(call) { time in
            let values = values(time)
            for value in values { call.thread.push(Int64(value)) }
            return Int32(values.count)
        }
    }

    private static func unixNano(_ call: Call) -> Int32 {
        with(call) { time in
            guard let value = time.unixNanoseconds else {
                return call.fail(
                    .invalid,
                    "time: only years 1678 to 2262 have a 64-bit number of nanoseconds"
                )
            }
            call.thread.push(value)
            return 1
        }
    }

    // MARK: Zones

    private static let zones: [Member] = [
        Member("in_location") { unsafe TimeObject.inLocation(Call($0, $1)) },
        Member("in_local") { unsafe TimeObject.shown(Call($0, $1)) { $0.inZone(ZoneStore.local) } },
        Member("utc") { unsafe TimeObject.shown(Call($0, $1)) { $0.inZone(.utc) } },
        Member("location") {
            let call = unsafe Call($0, $1)
            return TimeObject.with(call) { call.answer($0.zone) }
        },
        Member("zone") { unsafe TimeObject.zone(Call($0, $1)) },
    ]

    private static func shown(_ call: Call, _ change: (GoTimeValue) -> GoTimeValue) -> Int32 {
        with(call) { time in call.answer(change(time)) }
    }

    private static func inLocation(_ call: Call) -> Int32 {
        with(call) { time in
            guard let zone = LocationObject.at(2, of: call.thread) else {
                return call.thread.wrongType(2, "location")
            }
            return call.answer(time.inZone(zone))
        }
    }

    private static func zone(_ call: Call) -> Int32 {
        with(call) { time in
            let type = time.localType
            call.thread.push(type.abbreviation)
            call.thread.push(Int64(type.offsetSeconds))
            return 2
        }
    }
}

extension LuaProcess {
    /// Pushes a Time object for `wall` (nanoseconds since 1970), in the local zone.
    func pushTime(_ wall: UInt64, _ thread: LuaThread) {
        let time = GoTimeValue(unixNanoseconds: Int64(clamping: wall), zone: ZoneStore.local)
        push(time, thread)
    }

    fileprivate func push(_ time: GoTimeValue, _ thread: LuaThread) {
        let zone = ZoneReference(of: time.zone)
        let memory = unsafe thread.pushUserdata(
            bytes: MemoryLayout<TimeRecord>.size,
            values: zone.isFixed ? 1 : 0,
            class: TimeObject.key
        )
        unsafe memory.storeBytes(
            of: TimeRecord(
                unixSeconds: time.unixSeconds,
                nanoseconds: time.nanoseconds,
                zone: zone
            ),
            as: TimeRecord.self
        )
        if zone.isFixed {
            thread.push(time.zone.name)
            thread.setUserValue(-2, 1)
        }
    }
}

extension Call {
    /// The answer: the time, or an error where a computation left the calendar.
    func answer(_ time: GoTimeValue?) -> Int32 {
        guard let time else {
            return fail(.invalid, "time: the result is outside the years -9999 to 9999")
        }
        process.push(time, thread)
        return 1
    }
}
