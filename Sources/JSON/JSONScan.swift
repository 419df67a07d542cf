/// One pass over a document's bytes before jansson sees them.
///
/// It counts brackets outside strings, and it finds the integers that need more than 64 bits.
/// It does not judge the grammar: jansson does, and stops at the first fault, up to
/// which both read the same tokens.
struct JSONScan {
    /// Offsets just past each integer literal that does not fit `Int64`, in rising order.
    private(set) var wideIntegerEnds: [Int] = []
    private var depth = 0
    private var containers = 0

    /// Scans all of `text`.
    ///
    /// Throws for a byte order mark, a zero byte outside strings, nesting deeper than
    /// `limits.depthMax` and more containers than `limits.containersMax`. Linear in `text.count`.
    init(_ text: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONFault) {
        if text.count >= 3, unsafe text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF {
            throw unsafe JSONFault("byte order mark before the value", position: 1, in: text)
        }
        var index = 0
        while index < text.count {
            switch unsafe text[index] {
            case UInt8(ascii: "\""):
                index = unsafe JSONScan.endOfString(text, from: index + 1)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                index += 1
                try unsafe open(at: index, in: text, limits)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                index += 1
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                index = unsafe number(text, from: index)
            case 0:
                // jansson takes a zero byte after the value for the end of the input.
                throw unsafe JSONFault("zero byte in the text", position: index + 1, in: text)
            default:
                index += 1
            }
        }
    }

    private mutating func open(
        at position: Int,
        in text: UnsafeRawBufferPointer,
        _ limits: JSONLimits
    ) throws(JSONFault) {
        depth += 1
        containers += 1
        if depth > limits.depthMax {
            let detail = "nested deeper than \(limits.depthMax)"
            throw unsafe JSONFault(detail, position: position, in: text)
        }
        if containers > limits.containersMax {
            let detail = "more than \(limits.containersMax) objects and arrays"
            throw unsafe JSONFault(detail, position: position, in: text)
        }
    }

    /// The offset after the closing quote of the string whose content starts at `start`.
    private static func endOfString(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index < text.count {
            switch unsafe text[index] {
            case UInt8(ascii: "\""): return index + 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return text.count
    }

    /// Steps over a number, and notes it if it is an integer past 64 bits.
    private mutating func number(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        let negative = unsafe text[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        var magnitude: UInt64 = 0
        var overflows = false
        while index < text.count, case let digit = unsafe text[index] &- UInt8(ascii: "0"),
            digit <= 9
        {
            let (product, wide) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, wider) = product.addingReportingOverflow(UInt64(digit))
            magnitude = sum
            overflows = overflows || wide || wider
            index += 1
        }
        let end = index
        while index < text.count, JSONScan.isFractionOrExponent(unsafe text[index]) {
            index += 1
        }
        let magnitudeMax = negative ? UInt64(Int64.max) + 1 : UInt64(Int64.max)
        if end == index, overflows || magnitude > magnitudeMax {
            wideIntegerEnds.append(end)
        }
        return index
    }

    private static func isFractionOrExponent(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    // MARK: Integers past 64 bits

    /// What makes an integer literal a real number to jansson, and leaves its value alone.
    private static let realSuffix: [UInt8] = [UInt8(ascii: "e"), UInt8(ascii: "0")]

    /// A copy of `text` in which each integer past 64 bits is written as a real number.
    ///
    /// jansson refuses such integers ("too big integer"), and its option to read every integer as a
    /// real would lose the exact ones.
    func rewritten(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(text.count + wideIntegerEnds.count * JSONScan.realSuffix.count)
        var from = 0
        for end in wideIntegerEnds {
            unsafe copy.append(contentsOf: text[from..<end])
            copy.append(contentsOf: JSONScan.realSuffix)
            from = end
        }
        unsafe copy.append(contentsOf: text[from...])
        return copy
    }

    /// The position in the original that `position` in the rewritten copy stands for.
    func originalPosition(_ position: Int) -> Int {
        var shift = 0
        for end in wideIntegerEnds where end + shift < position {
            shift += JSONScan.realSuffix.count
        }
        return max(position - shift, 0)
    }
}
