/// Reads Prometheus's text format 0.0.4, and accepts nothing that is not as it should be.
///
/// As `promtool check metrics` does, it looks at names and suffixes, too: base units, `_total` for
/// counters and for nothing else, HELP and TYPE once and before the samples, no series twice, and
/// histograms whose buckets grow and end with `+Inf`.
struct PrometheusText {
    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var kinds: [String: String] = [:]
    private(set) var samples: [Sample] = []
    private var helped: Set<String> = []
    private var family = ""
    private var finished: Set<String> = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            try read(String(line))
        }
        for (name, kind) in kinds { try check(name, kind) }
    }

    subscript(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    private func fail(_ what: String) -> Fault { Fault(description: what) }

    private mutating func read(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        if line.hasPrefix("# HELP ") {
            guard words.count == 4, helped.insert(words[2]).inserted else { throw fail(line) }
            return begin(words[2])
        }
        if line.hasPrefix("# TYPE ") {
            guard words.count == 4, ["counter", "gauge", "histogram"].contains(words[3]),
                words[2] == family, kinds.updateValue(words[3], forKey: words[2]) == nil
            else { throw fail(line) }
            return
        }
        guard !line.isEmpty, !line.hasPrefix("#") else { throw fail("a stray line: \(line)") }
        let sample = try sample(line)
        guard let kind = kinds[family], !finished.contains(family) else {
            throw fail("no TYPE before: \(line)")
        }
        let suffix = String(sample.name.dropFirst(family.count))
        let allowed = kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard sample.name.hasPrefix(family), allowed.contains(suffix) else {
            throw fail("in the family of \(family): \(line)")
        }
        if samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) {
            throw fail("twice: \(line)")
        }
        if kind != "gauge", sample.value < 0 { throw fail("less than none: \(line)") }
        samples.append(sample)
    }

    private mutating func begin(_ name: String) {
        if !family.isEmpty { finished.insert(family) }
        family = name
        finished.remove(name)
    }

    /// `name{label="value",...} number`.
    private func sample(_ line: String) throws -> Sample {
        var rest = Substring(line)
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        guard let first = name.first, !first.isNumber, name.utf8.count == name.count else {
            throw fail(line)
        }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                rest = rest.dropFirst(label.count)
                guard !label.isEmpty, !label.hasPrefix("__"), rest.hasPrefix("=\"") else {
                    throw fail(line)
                }
                rest = rest.dropFirst(2)
                var value = ""
                while let next = rest.popFirst(), next != "\"" {
                    guard next == "\\" else {
                        value.append(next)
                        continue
                    }
                    guard let escaped = rest.popFirst(), "\\n\"".contains(escaped) else {
                        throw fail(line)
                    }
                    value.append(escaped == "n" ? "\n" : escaped)
                }
                guard labels.updateValue(value, forKey: String(label)) == nil else {
                    throw fail(line)
                }
                if rest.first == "," {
                    rest = rest.dropFirst()
                } else if rest.first != "}" {
                    throw fail(line)
                }
            }
            rest = rest.dropFirst()
        }
        guard rest.popFirst() == " ", let value = Double(rest == "+Inf" ? "inf" : String(rest))
        else { throw fail(line) }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private func check(_ name: String, _ kind: String) throws {
        guard helped.contains(name) else { throw fail("\(name) has no HELP") }
        guard name.hasSuffix("_total") == (kind == "counter") else {
            throw fail("\(name) is a \(kind)")
        }
        let scaled = ["_ms", "_us", "_ns", "_milliseconds", "_kilobytes", "_kb", "_percent"]
        if let unit = scaled.first(where: { name.contains($0) }) {
            throw fail("\(name): \(unit) is no base unit")
        }
        if kind == "histogram" { try checkHistogram(name) }
    }

    private func checkHistogram(_ name: String) throws {
        let buckets = samples.filter { $0.name == name + "_bucket" }
        let series = Set(
            buckets.map { bucket in bucket.labels.filter { $0.key != "le" } }
        )
        for labels in series {
            let own = buckets.filter { bucket in
                bucket.labels.filter { $0.key != "le" } == labels
            }
            let bounds = own.map {
                Double($0.labels["le"] == "+Inf" ? "inf" : $0.labels["le"] ?? "")
            }
            guard !bounds.contains(nil), bounds.last == .infinity,
                zip(bounds, bounds.dropFirst()).allSatisfy({ $0.0 ?? 0 < $0.1 ?? 0 }),
                zip(own, own.dropFirst()).allSatisfy({ $0.0.value <= $0.1.value })
            else { throw fail("\(name): buckets of \(labels)") }
            guard self[name + "_count", labels] == own.last?.value,
                self[name + "_sum", labels] != nil
            else { throw fail("\(name): count and sum of \(labels)") }
        }
    }
}
