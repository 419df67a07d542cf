// Durations on the command line, written as in Lua: 30s, 100ms, 1h30m.

import ArgumentParser

/// A span of time with a unit, in whole milliseconds.
struct CommandDuration: Equatable, Sendable, ExpressibleByArgument {
    var milliseconds: Int

    var nanoseconds: UInt64 { UInt64(milliseconds) * 1_000_000 }

    /// The span as it would be typed, in seconds where it is whole seconds.
    var defaultValueDescription: String {
        milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }

    init(milliseconds: Int) {
        self.milliseconds = milliseconds
    }

    /// Parses numbers with units (`h`, `m`, `s`, `ms`) in a row; nil for anything else.
    ///
    /// A number without a unit is refused, because nobody can know which was meant. Sums over
    /// about 292 million years are refused too.
    init?(argument: String) {
        var rest = argument[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), let scale = Self.scales[String(unit)] else {
                return nil
            }
            total += value * scale
        }
        guard let milliseconds = Int(exactly: total.rounded()) else { return nil }
        self.milliseconds = milliseconds
    }

    private static let scales: [String: Double] = [
        "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000,
    ]
}
