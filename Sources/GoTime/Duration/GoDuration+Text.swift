/// Durations as text: `1h30m0s`, `1.5s`, `-100ms`.

extension GoDuration: CustomStringConvertible {
    /// Hours, minutes and seconds from one second up; below it, the largest unit that fits.
    ///
    /// Zero is `0s`; fractions carry no trailing zeros. Source: Go package time, Duration.String.
    package var description: String {
        let size = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch size {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(size)ns"
        case ..<1_000_000: return sign + decimal(size, per: 1_000) + "µs"
        case ..<1_000_000_000: return sign + decimal(size, per: 1_000_000) + "ms"
        default: break
        }
        let (minutes, rest) = size.quotientAndRemainder(dividingBy: UInt64(GoDuration.minute))
        var text = sign
        if minutes >= 60 { text += "\(minutes / 60)h" }
        if minutes > 0 { text += "\(minutes % 60)m" }
        return text + decimal(rest, per: 1_000_000_000) + "s"
    }

    /// `value / unit` with every decimal that matters; `unit` is a power of ten.
    private func decimal(_ value: UInt64, per unit: UInt64) -> String {
        let (whole, part) = value.quotientAndRemainder(dividingBy: unit)
        guard part > 0 else { return String(whole) }
        // The unit's leading 1 holds the place of the fraction's leading zeros.
        var digits = String(unit + part).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}

extension GoDuration {
    /// Reads a signed sequence of decimal numbers, each with a unit: `1h30m`, `-1.5s`, `.5ms`.
    ///
    /// Units are ns, us, µs (either mu), ms, s, m, h; a lone `0` needs none. Decimals below a
    /// nanosecond are dropped. Throws when the text is no such sequence, or when its value does
    /// not fit in 64 bits of nanoseconds; the message names what is wrong.
    /// Source: Go package time, ParseDuration.
    package init(parsing text: some Collection<UInt8>) throws(TimeFault) {
        let text = Array(text)
        var rest = text[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        guard !rest.isEmpty else {
            throw TimeFault("time: invalid duration \(quoted(text)): there is no number")
        }
        guard !rest.elementsEqual("0".utf8) else {
            self.init(nanoseconds: 0)
            return
        }
        var total: UInt64 = 0
        while !rest.isEmpty {
            do throws(TermFault) {
                let (sum, overflow) = total.addingReportingOverflow(try takeTerm(&rest))
                guard !overflow, sum <= Int64.min.magnitude else { throw TermFault.tooLarge }
                total = sum
            } catch {
                throw TimeFault("time: invalid duration \(quoted(text)): \(error.reason)")
            }
        }
        guard isNegative || total < Int64.min.magnitude else {
            throw TimeFault(
                "time: invalid duration \(quoted(text)): \(TermFault.tooLarge.reason)"
            )
        }
        self.init(nanoseconds: Int64(truncatingIfNeeded: isNegative ? 0 &- total : total))
    }

    /// Reads a duration from a Swift string; see the other initialiser.
    package init(_ text: String) throws(TimeFault) {
        try self.init(parsing: text.utf8)
    }
}

/// What is wrong with one number-and-unit of a duration.
private enum TermFault: Error {
    case noNumber(ArraySlice<UInt8>)
    case noUnit
    case unknownUnit(ArraySlice<UInt8>)
    case tooLarge

    var reason: String {
        switch self {
        case .noNumber(let rest): "expected a number at \(quoted(rest))"
        case .noUnit: "a number has no unit (ns, us, ms, s, m or h)"
        case .unknownUnit(let unit): "unknown unit \(quoted(unit)) (use ns, us, ms, s, m or h)"
        case .tooLarge: "it is longer than 292 years"
        }
    }
}

/// Takes one number with its unit off the front of `rest`; nanoseconds.
private func takeTerm(_ rest: inout ArraySlice<UInt8>) throws(TermFault) -> UInt64 {
    let start = rest
    let digits = rest.prefix { $0.isDigit }
    rest = rest.dropFirst(digits.count)
    var fraction = rest.prefix(0)
    if rest.first == UInt8(ascii: ".") {
        fraction = rest.dropFirst().prefix { $0.isDigit }
        rest = rest.dropFirst(1 + fraction.count)
    }
    guard !digits.isEmpty || !fraction.isEmpty else { throw .noNumber(start) }

    let name = rest.prefix { !$0.isDigit && $0 != UInt8(ascii: ".") }
    rest = rest.dropFirst(name.count)
    guard !name.isEmpty else { throw .noUnit }
    guard let unit = unitNanoseconds(String(decoding: name, as: UTF8.self)) else {
        throw .unknownUnit(name)
    }
    var whole: UInt64 = 0
    for byte in digits {
        let (tens, tooMany) = whole.multipliedReportingOverflow(by: 10)
        let (sum, carried) = tens.addingReportingOverflow(UInt64(byte.digit))
        guard !tooMany, !carried else { throw .tooLarge }
        whole = sum
    }
    let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
    // 19 digits fit in 64 bits; what follows them is far below a nanosecond. The product is at most
    // one unit, so neither the conversion nor the sum can overflow when `product` is in range.
    var numerator: UInt64 = 0
    var denominator = 1.0
    for byte in fraction.prefix(19) {
        numerator = numerator * 10 + UInt64(byte.digit)
        denominator *= 10
    }
    let part = UInt64(Double(numerator) * (Double(unit) / denominator))
    guard !overflow, product <= Int64.min.magnitude else { throw .tooLarge }
    return product + part
}

private func unitNanoseconds(_ name: String) -> UInt64? {
    switch name {
    case "ns": 1
    case "us", "\u{B5}s", "\u{3BC}s": 1_000
    case "ms": 1_000_000
    case "s": UInt64(GoDuration.second)
    case "m": UInt64(GoDuration.minute)
    case "h": UInt64(GoDuration.hour)
    default: nil
    }
}
