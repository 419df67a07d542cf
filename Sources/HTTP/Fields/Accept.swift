/// What a client would like to be answered in.
///
/// Source: RFC 9110, 12.4.2 and 12.5.1.
package struct Accept: Sendable, Equatable {
    private struct Range: Equatable {
        var type: String
        var subtype: String
        var parameters: [MediaType.Parameter]
        /// The weight in thousandths, 0...1000.
        var weight: Int

        /// How closely the range names a type: `*/*` 0, `text/*` 1, `text/html` 2, parameters more.
        var precision: Int {
            (type == "*" ? 0 : subtype == "*" ? 1 : 2) + parameters.count
        }

        func matches(_ offer: MediaType) -> Bool {
            (type == "*" || type == offer.type) && (subtype == "*" || subtype == offer.subtype)
                && parameters.allSatisfy { offer.parameters.contains($0) }
        }
    }

    private var ranges: [Range] = []
    private let isAbsent: Bool

    /// Reads all Accept fields; a range that cannot be read is left out.
    package init(_ headers: Headers) {
        let values = headers.all("Accept")
        isAbsent = values.allSatisfy(\.isEmpty)
        for value in values {
            var reader = FieldReader(value)
            while !reader.isAtEnd {
                reader.skipBlanks()
                if reader.take(UInt8(ascii: ",")) { continue }
                if let range = Accept.range(&reader) { ranges.append(range) }
                reader.skipMember()
            }
        }
    }

    /// The offer the client likes best; the first of equals.
    ///
    /// - Parameter offers: media types this server can answer in, the dearest first.
    /// - Returns: one of `offers`, or nil if the client accepts none (406). Without an Accept
    ///   field the first.
    package func best(of offers: [String]) -> String? {
        if isAbsent { return offers.first }
        var best: (offer: String, weight: Int)?
        for offer in offers {
            let weight = weight(of: offer)
            if weight > (best?.weight ?? 0) { best = (offer, weight) }
        }
        return best?.offer
    }

    /// The weight of the closest range that matches: "The most specific reference has precedence".
    private func weight(of offer: String) -> Int {
        guard let offer = MediaType(offer) else { return 0 }
        var closest: Range?
        for range in ranges where range.matches(offer) {
            if let found = closest, found.precision >= range.precision { continue }
            closest = range
        }
        return closest?.weight ?? 0
    }

    private static func range(_ reader: inout FieldReader) -> Range? {
        guard let media = MediaType(&reader), media.type != "*" || media.subtype == "*" else {
            return nil
        }
        var weight = 1000
        if let text = media.parameter("q") {
            guard let parsed = parsedWeight(text) else { return nil }
            weight = parsed
        }
        // Parameters after `q` were once extensions of Accept; they say nothing about the type.
        let parameters = media.parameters.prefix { $0.name != "q" }
        return Range(
            type: media.type,
            subtype: media.subtype,
            parameters: Array(parameters),
            weight: weight
        )
    }

    /// `0`, `0.5`, `0.125`, `1`, `1.000`: thousandths, or nil.
    private static func parsedWeight(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard let whole = bytes.first, whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1"),
            bytes.count <= 5, bytes.count == 1 || bytes[1] == UInt8(ascii: ".")
        else { return nil }
        let digits = bytes.dropFirst(2)
        guard digits.allSatisfy(ByteClass.isDigit) else { return nil }
        var weight = Int(whole - UInt8(ascii: "0")) * 1000
        for (digit, unit) in zip(digits, [100, 10, 1]) {
            weight += Int(digit - UInt8(ascii: "0")) * unit
        }
        return weight <= 1000 ? weight : nil
    }
}
