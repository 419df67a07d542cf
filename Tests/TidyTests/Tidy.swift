import Foundation

/// What a check found: where, and what is wrong.
struct Finding: CustomStringConvertible, Equatable {
    let file: String
    let line: Int
    let message: String
    var description: String { "\(file):\(line): \(message)" }
}

/// One source file as the checks read it.
struct SourceFile {
    /// From the project's root, as in `Sources/HTTP/Request.swift`.
    let path: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : ""
    }

    /// Lines with their numbers, comments cut off.
    var code: [(number: Int, text: String)] {
        lines.enumerated().map {
            (number: $0.offset + 1, text: SourceFile.withoutComment($0.element))
        }
    }

    /// The part of a line before `//` that is not inside a string literal.
    static func withoutComment(_ line: String) -> String {
        var inString = false
        var previous: Character = " "
        for index in line.indices {
            let character = line[index]
            if character == "\"" && previous != "\\" { inString.toggle() }
            if !inString && character == "/" && previous == "/" {
                return String(line[..<line.index(before: index)])
            }
            previous = character
        }
        return line
    }

    /// A line without its string literals and raw identifiers, whose words are prose or scripts.
    static func withoutLiterals(_ line: String) -> String {
        var kept = ""
        var quote: Character?
        var isEscaped = false
        for character in line {
            if let open = quote {
                if character == open, !isEscaped { quote = nil }
                isEscaped = character == "\\" && !isEscaped
            } else if character == "\"" || character == "`" {
                quote = character
                kept += " "
            } else {
                kept.append(character)
            }
        }
        return kept
    }
}

/// The project's own files, found from this file's place.
enum Project {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every file below `folder` with one of these endings.
    static func files(below folder: String, endings: [String]) -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        guard
            let walk = FileManager.default.enumerator(
                at: base,
                includingPropertiesForKeys: nil,
                options: [.skipsHiddenFiles]
            )
        else { return [] }
        var found: [SourceFile] = []
        for case let url as URL in walk where endings.contains(url.pathExtension) {
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
            let path = String(url.path.dropFirst(root.path.count + 1))
            found.append(SourceFile(path: path, text: text))
        }
        return found.sorted { $0.path < $1.path }
    }

    static let sources = files(below: "Sources", endings: ["swift"])
    static let tests = files(below: "Tests", endings: ["swift"])
}

/// What the compiler does not check.
///
/// Each takes one file, so each can be tested on a small string.
enum Tidy {
    /// Functions of the Lua API that can raise for more than memory, or that jump.
    ///
    /// Source: Lua 5.4 manual, 4.6 and 5.1, the marks `e` and `v`. `lua_next` and the raw functions
    /// are called through one place in LuaVM that says why they cannot.
    private static let raisingNames = [
        "lua_error", "lua_yield", "lua_yieldk", "lua_call", "lua_callk", "lua_gettable",
        "lua_settable", "lua_getfield", "lua_setfield", "lua_geti", "lua_seti", "lua_getglobal",
        "lua_setglobal", "lua_concat", "lua_arith", "lua_compare", "lua_len", "lua_next",
        "lua_resume", "lua_close", "lua_toclose", "lua_closeslot", "lua_gc", "lua_newstate",
    ]

    static func raisingCalls(_ file: SourceFile) -> [Finding] {
        file.code.flatMap { line -> [Finding] in
            words(line.text).filter { raisingNames.contains($0) || $0.hasPrefix("luaL_") }.map {
                Finding(
                    file: file.path,
                    line: line.number,
                    message: "\($0) may jump: call it in CLuaShim, under protection"
                )
            }
        }
    }

    /// Who may import what besides what Package.swift says.
    static func imports(_ file: SourceFile) -> [Finding] {
        let allowed: [String: [String]] = [
            "CLua": ["LuaVM"], "CLuaShim": ["LuaVM"], "CJansson": ["JSON"],
            "CLinux": ["Posix"], "CNghttp2": ["HTTP"], "COpenSSL": ["Access", "TLS"],
            "Glibc": ["Posix", "moonlet"],
            "Foundation": ["Application"], "Yams": ["Application"], "ArgumentParser": ["moonlet"],
        ]
        return file.code.compactMap { line in
            let parts = words(line.text)
            guard let keyword = parts.firstIndex(of: "import"), keyword + 1 < parts.count,
                let rooms = allowed[parts[keyword + 1]], !rooms.contains(file.target)
            else { return nil }
            return Finding(
                file: file.path,
                line: line.number,
                message: "\(file.target) may not import \(parts[keyword + 1])"
            )
        }
    }

    /// Traps that depend on luck.
    static func luck(_ file: SourceFile) -> [Finding] {
        file.code.flatMap { line in
            ["try!", "as!", "fatalError("].filter { line.text.contains($0) }.map {
                Finding(
                    file: file.path,
                    line: line.number,
                    message: "\($0): throw, or trap with preconditionFailure and a sentence"
                )
            }
        }
    }

    /// Work left over must name its issue: `TODO(#12)`.
    static func leftovers(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { offset, text in
            for mark in ["TODO", "FIXME"] where words(text).contains(mark) {
                if text.contains("\(mark)(#") { return nil }
                return Finding(
                    file: file.path,
                    line: offset + 1,
                    message: "\(mark) without an issue number"
                )
            }
            return nil
        }
    }

    /// Promises the compiler takes on trust carry their reason within three lines.
    static func uncheckedPromises(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { offset, text in
            let code = SourceFile.withoutComment(text)
            guard code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)")
            else {
                return nil
            }
            let near = file.lines[max(0, offset - 6)...min(file.lines.count - 1, offset + 3)]
            let isExplained = near.contains { line in
                line.contains("// Sendable:") || line.contains("SAFETY")
                    || line.contains("`@unchecked Sendable`:")
                    || line.contains("/// Sendable:")
            }
            return isExplained
                ? nil
                : Finding(
                    file: file.path,
                    line: offset + 1,
                    message: "an unchecked promise without `// Sendable:` or `SAFETY:`"
                )
        }
    }

    /// Tests wait for conditions.
    static func sleeps(_ file: SourceFile) -> [Finding] {
        file.code.compactMap { line in
            // What is left of a script on lines of its own has Lua's `time.sleep`, which is under test.
            let text = SourceFile.withoutLiterals(line.text).replacing("time.sleep", with: "")
            guard words(text).contains(where: { ["sleep", "usleep", "nanosleep"].contains($0) })
            else { return nil }
            return Finding(
                file: file.path,
                line: line.number,
                message: "a test waits for a condition"
            )
        }
    }

    /// The identifiers of a line.
    private static func words(_ text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    }
}
