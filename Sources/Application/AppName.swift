/// The rules for names in an app.
enum AppName {
    static let bytesMax = 128

    /// Whether `text` may be a namespace or a name: letters, digits, `_`, `-` and `.`, no dot first.
    static func isName(_ text: String) -> Bool {
        guard (1...bytesMax).contains(text.utf8.count), text.utf8.first != UInt8(ascii: ".") else {
            return false
        }
        return text.utf8.allSatisfy { isWordByte($0) || "-.".utf8.contains($0) }
    }

    static let nameRule = "letters, digits, \"_\", \"-\" and \".\", at most \(bytesMax)"

    /// Whether `text` is `namespace:name`.
    static func isID(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        return isName(String(text[..<colon])) && isName(String(text[text.index(after: colon)...]))
    }

    /// Whether Lua code can write `text` as the name of a global.
    static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { return false }
        return text.utf8.count <= bytesMax && text.utf8.allSatisfy(isWordByte)
            && !luaKeywords.contains(text)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Source: Lua 5.4 manual, 3.1.
    private static let luaKeywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
        "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]

    /// The modules an entry may ask for; each is also what `require` finds first (SEMANTICS 3).
    static let builtInModules = [
        "process", "channel", "errors", "time", "json", "logger", "coroutine", "ctx", "os",
        "string", "table", "math", "utf8",
    ]
}
