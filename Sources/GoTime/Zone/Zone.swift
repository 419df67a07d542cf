/// What a zone's clocks show at some instant.
package struct LocalTimeType: Hashable, Sendable {
    /// Seconds east of UTC.
    package let offsetSeconds: Int
    /// Such as `CEST`; empty when the zone has no name for it.
    package let abbreviation: String
    /// Whether the zone calls it daylight saving time.
    package let isDST: Bool

    /// What a zone shows; the caller has checked the offset.
    package init(offsetSeconds: Int, abbreviation: String, isDST: Bool) {
        self.offsetSeconds = offsetSeconds
        self.abbreviation = abbreviation
        self.isDST = isDST
    }

    /// The offsets a zone may have, in seconds.
    ///
    /// Source: RFC 8536 section 3.2, "utoff".
    static let offsets = -89_999...93_599
}

/// A time zone: a name and the offsets its clocks had, have and will have.
///
/// Immutable, so one zone may serve every process. A zone is UTC, a fixed offset, or a table of
/// transitions from a TZif file; past the table a POSIX rule goes on for ever.
package final class Zone: Sendable {
    /// What `load_location` was given, or the name of a fixed zone.
    package let name: String
    /// Instants at which the local time type changes, ascending.
    private let transitions: [Int64]
    /// For each transition, the index in `types` that holds from then on.
    private let kinds: [UInt8]
    /// Never empty; the first one holds before the first transition.
    private let types: [LocalTimeType]
    private let rule: PosixRule?

    /// Coordinated Universal Time.
    package static let utc = Zone(
        name: "UTC",
        types: [LocalTimeType(offsetSeconds: 0, abbreviation: "UTC", isDST: false)]
    )

    /// The caller has checked: `types` is not empty, and every kind is an index of it.
    init(
        name: String,
        transitions: [Int64] = [],
        kinds: [UInt8] = [],
        types: [LocalTimeType],
        rule: PosixRule? = nil
    ) {
        precondition(!types.isEmpty && kinds.count == transitions.count, "the zone is complete")
        self.name = name
        self.transitions = transitions
        self.kinds = kinds
        self.types = types
        self.rule = rule
    }

    /// A zone that is always `offsetSeconds` east of UTC.
    ///
    /// Throws when the offset is not less than a day either way, or the name is longer than 64
    /// bytes (a layout repeats it as often as it likes).
    package convenience init(fixed name: String, offsetSeconds: Int64) throws(TimeFault) {
        guard abs(offsetSeconds.clamped(to: -86_400...86_400)) < 86_400 else {
            throw TimeFault("time: a zone's offset must be less than 86400 seconds either way")
        }
        guard name.utf8.count <= 64 else {
            throw TimeFault("time: a zone's name must not be longer than 64 bytes")
        }
        self.init(
            name: name,
            types: [
                LocalTimeType(
                    offsetSeconds: Int(offsetSeconds),
                    abbreviation: name,
                    isDST: false
                )
            ]
        )
    }

    /// What clocks in this zone show at an instant; any 64-bit value is fine.
    ///
    /// O(log transitions).
    package func lookup(_ unixSeconds: Int64) -> LocalTimeType {
        // The first transition that is later.
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= unixSeconds { low = middle + 1 } else { high = middle }
        }
        if low == transitions.count, let rule {
            return rule.lookup(unixSeconds.clamped(to: GoTimeValue.secondsRange))
        }
        return low == 0 ? types[0] : types[Int(kinds[low - 1])]
    }

    /// The instant at which clocks in this zone show `local`, in seconds from 1970-01-01 there.
    ///
    /// Where a clock change makes a reading occur twice or never, the offset of one side of the
    /// change is used: the offset at `local` read as UTC is the first guess, and the offset at the
    /// instant so found decides. Zones east of Greenwich so get the later offset of a reading that
    /// occurs twice, and move a skipped one forward; zones west of it do the opposite.
    /// Source: Go package time, Date ("it does not guarantee which").
    package func unixSeconds(ofLocal local: Int64) -> Int64 {
        let local = local.clamped(to: -1 << 60...1 << 60)
        let guess = local - Int64(lookup(local).offsetSeconds)
        return local - Int64(lookup(guess).offsetSeconds)
    }

    /// As `unixSeconds(ofLocal:)`, but with the offset the zone has with (or without) daylight time.
    ///
    /// The nearest such offset within a year serves, as in C's `mktime`; nil when there is none.
    func unixSeconds(ofLocal local: Int64, isDST: Bool) -> Int64? {
        let plain = unixSeconds(ofLocal: local)
        let week: Int64 = 7 * 86_400
        // The hours around a change first: there the same reading exists with and without.
        let weeks = (1...53 as ClosedRange<Int64>).flatMap { number in
            [-number * week, number * week]
        }
        let probes = [0, -7_200, 7_200] + weeks
        for probe in probes {
            let type = lookup(plain + probe)
            if type.isDST == isDST { return local - Int64(type.offsetSeconds) }
        }
        return nil
    }

    /// The offset that the abbreviation `name` means on a wall showing `local`; nil if unknown.
    func offset(named name: String, local: Int64) -> Int? {
        let candidates = types + (rule?.types ?? [])
        let inUse = candidates.first { type in
            type.abbreviation == name
                && lookup(local - Int64(type.offsetSeconds)).abbreviation == name
        }
        return (inUse ?? candidates.first { $0.abbreviation == name })?.offsetSeconds
    }
}

extension Comparable {
    func clamped(to range: ClosedRange<Self>) -> Self {
        min(max(self, range.lowerBound), range.upperBound)
    }
}
