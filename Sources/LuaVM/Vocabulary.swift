import CLuaShim

/// Which names a program's sources mention: what they cannot name, they cannot reach.
///
/// Scripts have no `load`, so a global is reached by its name in the source, or through the table of
/// globals (`_G`, `_ENV`); a module also through `require`, which opens what is missing. So an idle
/// process holds only what its program can use. Members of modules and objects are reached by names
/// put together too: those left out are found when they are asked for.
package struct Vocabulary: Sendable {
    /// Every word of the sources, be it in code, a string or a comment; nil where all is reached.
    private let words: Set<String>?

    /// Everything may be reached.
    package static let everything = Vocabulary(words: nil)

    private init(words: Set<String>?) {
        self.words = words
    }

    /// The words of these sources.
    package init(sources: [String]) {
        var words = Set<String>()
        for source in sources {
            for word in source.utf8.split(whereSeparator: { !Self.isPartOfName($0) }) {
                words.insert(String(decoding: word, as: UTF8.self))
            }
        }
        self.init(words: words.contains("_G") || words.contains("_ENV") ? nil : words)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Whether `name` is a word of the sources.
    package func mentions(_ name: String) -> Bool {
        words?.contains(name) ?? true
    }

    /// Lends the words to C, which asks `mentionsName` about them; nil where all is reached.
    func withNames<R>(_ action: (UnsafeRawPointer?) -> R) -> R {
        guard let words else { return action(nil) }
        return unsafe withUnsafePointer(to: words) { unsafe action(UnsafeRawPointer($0)) }
    }
}

/// Whether the words that `withNames` lent contain `name`.
func mentionsName(_ words: UnsafeRawPointer?, _ name: UnsafePointer<CChar>) -> Bool {
    guard let words = unsafe words else { return true }
    let set = unsafe words.assumingMemoryBound(to: Set<String>.self)
    return unsafe set.pointee.contains(String(cString: name))
}
