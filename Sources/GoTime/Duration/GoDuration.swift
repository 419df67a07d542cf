/// A length of time in nanoseconds, about 292 years either way.
package struct GoDuration: Hashable, Comparable, Sendable {
    /// The whole value; negative for the past.
    package var nanoseconds: Int64

    /// A duration of so many nanoseconds.
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Nanoseconds in a second.
    package static let second: Int64 = 1_000_000_000
    /// Nanoseconds in a minute.
    package static let minute: Int64 = 60 * second
    /// Nanoseconds in an hour.
    package static let hour: Int64 = 60 * minute

    /// Whole microseconds, rounded toward zero.
    package var microseconds: Int64 { nanoseconds / 1_000 }
    /// Whole milliseconds, rounded toward zero.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
    /// Seconds with their fraction.
    package var seconds: Double { inUnits(of: GoDuration.second) }
    /// Minutes with their fraction.
    package var minutes: Double { inUnits(of: GoDuration.minute) }
    /// Hours with their fraction.
    package var hours: Double { inUnits(of: GoDuration.hour) }

    /// The whole part is converted alone, so that it stays exact.
    private func inUnits(of unit: Int64) -> Double {
        let (whole, part) = nanoseconds.quotientAndRemainder(dividingBy: unit)
        return Double(whole) + Double(part) / Double(unit)
    }

    /// The nearest multiple of `unit`, halves away from zero; saturates.
    ///
    /// A `unit` of zero or less changes nothing.
    package func rounded(to unit: GoDuration) -> GoDuration {
        guard unit.nanoseconds > 0 else { return self }
        let (value, unit) = (Int128(nanoseconds), Int128(unit.nanoseconds))
        let part = value % unit
        let away = part.magnitude * 2 >= unit.magnitude ? unit * part.signum() : 0
        return GoDuration(nanoseconds: Int64(clamping: value - part + away))
    }

    /// The multiple of `unit` next to it on the side of zero.
    ///
    /// A `unit` of zero or less changes nothing.
    package func truncated(to unit: GoDuration) -> GoDuration {
        guard unit.nanoseconds > 0 else { return self }
        return GoDuration(nanoseconds: nanoseconds - nanoseconds % unit.nanoseconds)
    }

    /// The distance from zero; saturates.
    package var magnitude: GoDuration {
        GoDuration(nanoseconds: Int64(clamping: nanoseconds.magnitude))
    }

    /// The sum; saturates.
    package func adding(_ other: GoDuration) -> GoDuration {
        GoDuration(nanoseconds: Int64(clamping: Int128(nanoseconds) + Int128(other.nanoseconds)))
    }

    /// The difference; saturates.
    package func subtracting(_ other: GoDuration) -> GoDuration {
        GoDuration(nanoseconds: Int64(clamping: Int128(nanoseconds) - Int128(other.nanoseconds)))
    }

    /// Whether the left duration is shorter, or further below zero.
    package static func < (left: GoDuration, right: GoDuration) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
