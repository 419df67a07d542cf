/// Writes metrics as Prometheus reads them, family by family.
///
/// Source: Prometheus, "Exposition formats", text format 0.0.4.
struct Exposition {
    enum Kind: String {
        case counter, gauge, histogram
    }

    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []
    private var name = ""

    /// Begins a family; its samples follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        write("# HELP \(name) \(Exposition.escaped(help, quote: false))\n")
        write("# TYPE \(name) \(kind.rawValue)\n")
    }

    /// Writes a sample of the family begun last.
    mutating func sample(
        _ value: some BinaryInteger,
        _ labels: [(String, String)] = [],
        suffix: String = ""
    ) {
        line(labels, suffix, String(value))
    }

    mutating func sample(
        _ value: Double,
        _ labels: [(String, String)] = [],
        suffix: String = ""
    ) {
        line(labels, suffix, value == .infinity ? "+Inf" : "\(value)")
    }

    /// Writes a family of one sample.
    mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, .counter, help)
        sample(value)
    }

    mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, .gauge, help)
        sample(value)
    }

    private mutating func line(_ labels: [(String, String)], _ suffix: String, _ value: String) {
        write(name + suffix)
        if !labels.isEmpty {
            let pairs = labels.map { "\($0)=\"\(Exposition.escaped($1, quote: true))\"" }
            write("{" + pairs.joined(separator: ",") + "}")
        }
        write(" " + value + "\n")
    }

    private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
