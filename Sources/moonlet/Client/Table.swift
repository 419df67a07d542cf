// Aligned columns for people.

/// Rows of cells under a line of titles.
struct Table {
    private var rows: [[String]]

    /// Begins a table with these column titles.
    init(_ titles: [String]) {
        rows = [titles]
    }

    /// Adds one row; missing cells are empty.
    mutating func append(_ cells: [String]) {
        rows.append(cells.map { Self.oneLine($0) })
    }

    /// The table as lines, columns two spaces apart, with no spaces at line ends.
    var text: String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { Self.line($0, widths) }.joined(separator: "\n") + "\n"
    }

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line += cell
            if column < cells.count - 1 {
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
        }
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    /// The text with control characters escaped: what a script chose must not steer a terminal.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            return text
        }
        return text.unicodeScalars.map {
            $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0)
        }
        .joined()
    }
}

/// A number of bytes as people read it: `512 B`, `12.5 KiB`, `3.0 MiB`.
func readableBytes(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = "B"
    for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
        value /= 1024
        unit = next
    }
    guard unit != "B" else { return "\(bytes) B" }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(unit)"
}
