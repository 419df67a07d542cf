internal import Yams

/// YAML text to a tree of nodes, with bounds on what a hostile text can make of it.
///
/// Yams shares what aliases point at, so the tree is never larger than the text; walking it may be,
/// which `FileReading` bounds. libyaml itself refuses more than 1,000 levels.
enum YAML {
    /// The largest file read.
    static let bytesMax = 1 << 20

    /// Parses one document; nil for a text with nothing in it.
    ///
    /// Scalars stay text: what they mean is for whoever knows the field to say.
    static func parse(_ text: String, file: String) throws(Problem) -> Node? {
        if let place = keyThatIsNoWord(text, file: file) {
            let message = "keys that are aliases, lists or mappings are not supported"
            throw Problem(place: place, message: message, isWarning: false)
        }
        do {
            return try compose(yaml: text, .basic)
        } catch let error as YamlError {
            throw problem(error, file: file)
        } catch {
            let place = AppPlace(file: file)
            throw Problem(place: place, message: "not YAML: \(error)", isWarning: false)
        }
    }

    private static func problem(_ error: YamlError, file: String) -> Problem {
        var place = AppPlace(file: file)
        let message: String
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            place.line = mark.line
            place.column = mark.column
            let start = context.map { "\($0.text) from line \($0.mark.line), " } ?? ""
            message = "not YAML: \(start)\(problem)"
        case .reader(let problem, let offset, _, let text):
            place.line = text.prefix(offset ?? 0).count { $0.isNewline } + 1
            message = "not YAML: \(problem)"
        case .duplicatedKeysInMapping(let names, let context):
            place.line = context.mark.line
            place.column = context.mark.column
            message = "\(names.joined(separator: ", ")) given more than once"
        case .memory:
            message = "not YAML: nested too deep"
        default:
            message = "not YAML: \(error)"
        }
        return Problem(place: place, message: message, isWarning: false)
    }

    /// Where a text with anchors has a key other than a word.
    ///
    /// Yams hashes keys to find duplicates, and a key built from nested aliases takes for ever to
    /// hash, so such keys are refused before it sees them. A rough look at each line is enough: what
    /// it wrongly refuses is no key an index has.
    private static func keyThatIsNoWord(_ text: String, file: String) -> AppPlace? {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return nil }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        where hasKeyThatIsNoWord(line.utf8) {
            return AppPlace(file: file, line: index + 1)
        }
        return nil
    }

    private static func hasKeyThatIsNoWord(_ text: Substring.UTF8View) -> Bool {
        let line = Array(text) + [UInt8(ascii: " ")]
        let separators = Array(" \t[{,-".utf8)
        for index in line.indices.dropLast() where line[index + 1] == UInt8(ascii: " ") {
            let before = line[..<index]
            switch line[index] {
            case UInt8(ascii: "?"):
                if before.last.map(separators.contains) ?? true { return true }
            case UInt8(ascii: ":"):
                let key = before.reversed().drop { $0 == UInt8(ascii: " ") }
                if let last = key.first, "]}".utf8.contains(last) { return true }
                let word = key.prefix { !separators.dropLast().contains($0) }
                if word.last == UInt8(ascii: "*") { return true }
            default: break
            }
        }
        return false
    }
}
