/// Puts the text of each program in the place of what the YAML says about it.
struct Sources {
    let files: AppFiles
    let log: ProblemLog
    /// Texts by path: entries may share a file.
    private var texts: [String: Result<String, AppFiles.FileFault>] = [:]

    /// The largest program read, in bytes; compiling takes time that grows with the square of it.
    static let bytesMax = 512 << 10

    private static let scheme = "file://"

    init(_ files: AppFiles, _ log: ProblemLog) {
        self.files = files
        self.log = log
    }

    /// Fills in the entry's source; false, and a problem, where there is none to be had.
    mutating func fill(_ entry: inout AppEntry) -> Bool {
        let written = entry.sourceText
        do throws(AppFiles.FileFault) {
            if written.hasPrefix(Sources.scheme) {
                try read(&entry, path: String(written.dropFirst(Sources.scheme.count)))
            } else {
                try Sources.check(program: written)
            }
            return true
        } catch {
            let shown = written.utf8.count <= 200 && !written.contains("\n") ? " \(written)" : ""
            log.error("\"\(entry.id)\": source\(shown): \(error.reason)", at: entry.sourcePlace)
            return false
        }
    }

    private mutating func read(
        _ entry: inout AppEntry,
        path: String
    ) throws(AppFiles.FileFault) {
        let folder = AppFiles.folder(of: entry.place.file)
        let relative = try files.resolve(path, from: folder)
        let text = texts[relative] ?? load(relative)
        texts[relative] = text
        entry.sourceText = Sources.withoutFirstLineForShell(try text.get())
        entry.sourcePath = relative
        entry.sourceLineOffset = 0
    }

    private func load(_ relative: String) -> Result<String, AppFiles.FileFault> {
        Result { () throws(AppFiles.FileFault) in
            try files.text(of: relative, bytesMax: Sources.bytesMax)
        }
    }

    private static func check(program: String) throws(AppFiles.FileFault) {
        guard program.utf8.count <= bytesMax else {
            throw AppFiles.FileFault("larger than \(bytesMax / 1024) KiB")
        }
        guard !program.utf8.starts(with: [0x1B, 0x4C, 0x75, 0x61]) else {
            throw AppFiles.FileFault("found Lua bytecode, expected source text")
        }
        guard !program.utf8.contains(0) else {
            throw AppFiles.FileFault("a zero byte in what should be text")
        }
        let looksLikePath = program.hasSuffix(".lua") && !program.contains { $0.isWhitespace }
        guard !looksLikePath else {
            throw AppFiles.FileFault(
                "this is read as a program; for a file, write file://\(program)"
            )
        }
    }

    /// The text as Lua's own loader would take it from a file: without a byte order mark, and with
    /// a first line for the shell (`#!`) left empty so that line numbers hold.
    ///
    /// Source: Lua 5.4 manual, `luaL_loadfilex`: "The first line in the file is ignored if it
    /// starts with a #".
    static func withoutFirstLineForShell(_ text: String) -> String {
        var rest = Substring(text)
        if rest.unicodeScalars.first == "\u{FEFF}" { rest.unicodeScalars.removeFirst() }
        guard rest.utf8.first == UInt8(ascii: "#") else { return String(rest) }
        return String(rest.drop { !$0.isNewline })
    }
}
