internal import Yams

/// A configuration file: a YAML mapping of settings to words, numbers and lists.
///
/// It knows no setting; `names` come from whoever reads them. Names may be written with `_` or `-`.
package struct ConfigurationFile: Sendable {
    /// What each setting is given, by its name with `-`; lists are joined by commas.
    package private(set) var values: [String: String] = [:]
    private var places: [String: AppPlace] = [:]

    /// Where a setting stands, as `file:line`.
    package func place(of name: String) -> String? {
        places[name].map { "\($0.file):\($0.line)" }
    }

    /// Reads a file; throws all that is wrong with it, each with its line.
    ///
    /// A setting that is none of `names` is an error that names the nearest that is.
    package init(path: String, names: [String]) throws(AppProblems) {
        let log = ProblemLog()
        do throws(AppFiles.FileFault) {
            let text = try AppFiles.text(atPath: path, bytesMax: YAML.bytesMax)
            try read(text, path, names, log)
        } catch {
            log.error(error.reason, at: AppPlace(file: path))
        }
        guard !log.hasErrors else { throw AppProblems(problems: log.sorted) }
    }

    private mutating func read(
        _ text: String,
        _ path: String,
        _ names: [String],
        _ log: ProblemLog
    ) throws(AppFiles.FileFault) {
        let root: Node?
        do throws(Problem) {
            root = try YAML.parse(text, file: path)
        } catch {
            log.error(error.message, at: error.place)
            return
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            log.error(
                "expected settings, as in \"listen: 127.0.0.1:7070\"",
                at: AppPlace(file: path)
            )
            return
        }
        for (key, value) in mapping {
            let mark = key.mark ?? value.mark
            let place = AppPlace(file: path, line: mark?.line ?? 0, column: mark?.column ?? 0)
            let written = key.string ?? ""
            let name = written.replacing("_", with: "-")
            guard names.contains(name) else {
                let known = names.map { $0.replacing("-", with: "_") }
                let hint = suggestion(for: name.replacing("-", with: "_"), among: known)
                log.error("unknown setting \"\(written)\"\(hint)", at: place)
                continue
            }
            guard let word = word(value) else {
                log.error("\(written): expected a word, a number or a list of them", at: place)
                continue
            }
            values[name] = word
            places[name] = place
        }
    }

    private func word(_ value: Node) -> String? {
        if let scalar = value.scalar { return scalar.string }
        guard let items = value.sequence else { return nil }
        let words = items.compactMap { $0.scalar?.string }
        return words.count == items.count ? words.joined(separator: ",") : nil
    }
}
