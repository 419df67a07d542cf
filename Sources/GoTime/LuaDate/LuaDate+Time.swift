/// `os.time(table)`: from fields to an instant.

/// One field of the table as the binding found it.
package enum LuaDateField: Equatable, Sendable {
    case missing
    case integer(Int64)
    /// A value that is not, and does not convert to, an integer.
    case other
}

/// The table given to `os.time`, already read.
package struct LuaDateTable: Sendable {
    /// Any year; the result decides.
    package var year: LuaDateField
    /// 1 for January.
    package var month: LuaDateField
    /// 1 for the first.
    package var day: LuaDateField
    /// Noon when missing.
    package var hour: LuaDateField
    /// Zero when missing.
    package var min: LuaDateField
    /// Zero when missing.
    package var sec: LuaDateField
    /// Nil when missing: then the zone decides.
    package var isdst: Bool?

    /// A table with these fields.
    package init(
        year: LuaDateField,
        month: LuaDateField,
        day: LuaDateField,
        hour: LuaDateField = .missing,
        min: LuaDateField = .missing,
        sec: LuaDateField = .missing,
        isdst: Bool? = nil
    ) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.min, self.sec) = (hour, min, sec)
        self.isdst = isdst
    }

    /// The instant, and the fields brought into their ranges, which Lua writes back to the table.
    ///
    /// Fields may lie outside their usual ranges and carry over. Throws, in Lua's words, when a
    /// field is missing, no integer, or beyond a C `int`, and when the result leaves the years
    /// -9999 to 9999. Source: Lua 5.4 manual, os.time.
    package func resolve(in zone: Zone) throws(TimeFault) -> (Int64, LuaDateFields) {
        let local = GoTimeValue.localSeconds(
            year: try integer(year, "year", bias: 1_900),
            month: try integer(month, "month", bias: 1),
            day: try integer(day, "day"),
            hour: try integer(hour, "hour", default: 12),
            minute: try integer(min, "min", default: 0),
            second: try integer(sec, "sec", default: 0)
        )
        guard
            let local,
            let value = GoTimeValue(unixSeconds: instant(local, zone), zone: zone)
        else {
            throw TimeFault("time result cannot be represented in this installation")
        }
        return (value.unixSeconds, LuaDateFields(value))
    }

    private func instant(_ local: Int64, _ zone: Zone) -> Int64 {
        let plain = zone.unixSeconds(ofLocal: local)
        guard let isdst else { return plain }
        return zone.unixSeconds(ofLocal: local, isDST: isdst) ?? plain
    }

    /// A field's value; `bias` is what C's `struct tm` takes off before it must fit an `int`.
    private func integer(
        _ field: LuaDateField,
        _ name: String,
        default: Int64? = nil,
        bias: Int64 = 0
    ) throws(TimeFault) -> Int64 {
        switch field {
        case .integer(let value):
            let (biased, overflow) = value.subtractingReportingOverflow(bias)
            guard !overflow, Int32(exactly: biased) != nil else {
                throw TimeFault("field '\(name)' is out-of-bound")
            }
            return value
        case .missing:
            guard let `default` else { throw TimeFault("field '\(name)' missing in date table") }
            return `default`
        case .other:
            throw TimeFault("field '\(name)' is not an integer")
        }
    }
}
