/// Something in an app's folder that is not as it should be.
package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    package var place: AppPlace
    /// What was found and what was expected.
    package var message: String
    /// Whether the app loads all the same.
    package var isWarning: Bool

    /// Relative to the app's folder.
    package var file: String { place.file }
    package var line: Int { place.line }

    package var description: String {
        "\(place): \(isWarning ? "warning" : "error"): \(message)"
    }
}

/// Why an app did not load: all that was found, warnings too, sorted by place.
package struct AppProblems: Error, Sendable, CustomStringConvertible {
    package var problems: [Problem]

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// Where everyone who reads a part of an app notes what is wrong with it.
final class ProblemLog {
    private(set) var problems: [Problem] = []

    func error(_ message: String, at place: AppPlace) {
        problems.append(Problem(place: place, message: message, isWarning: false))
    }

    func warning(_ message: String, at place: AppPlace) {
        problems.append(Problem(place: place, message: message, isWarning: true))
    }

    /// Sorted by place, and by message where two share one.
    var sorted: [Problem] {
        problems.sorted { ($0.place, $0.message) < ($1.place, $1.message) }
    }

    var hasErrors: Bool { problems.contains { !$0.isWarning } }
}
