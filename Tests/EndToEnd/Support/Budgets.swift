import Foundation

/// The file Benchmarks/budgets: a name and a limit a line.
enum Budgets {
    private static let limits: [String: Double] = {
        let file = RunningServer.root.appendingPathComponent("Benchmarks/budgets")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(
            lines.filter { $0.count >= 2 && $0[0] != "#" }.compactMap { words in
                Double(words[1]).map { (String(words[0]), $0) }
            },
            uniquingKeysWith: { first, _ in first }
        )
    }()

    /// Nil where there is no such budget.
    static func limit(_ name: String) -> Double? { limits[name] }
}
