/// What a token allows: a right, perhaps only for some processes.
///
/// Written `read`, `spawn:app.jobs:*`, `send:printer`: a right, and after the first colon an entry or
/// a name, where a `*` at the end stands for any ending.
package struct Scope: Sendable, Equatable, CustomStringConvertible {
    package let right: Right
    /// Which entries and names it is narrowed to; nil for all.
    package let pattern: Pattern?

    package init(_ right: Right, _ pattern: Pattern? = nil) {
        self.right = right
        self.pattern = pattern
    }

    /// The largest pattern: names have at most 256 bytes, as have most entries.
    private static let patternBytesMax = 512

    /// Reads one; throws a phrase that says what is wrong.
    package init(parsing text: String) throws(ScopeFault) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: ":"),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let word = String(Substring(parts[0]))
        guard let right = Right(rawValue: word) else {
            let known = Right.allCases.map(\.rawValue).joined(separator: ", ")
            throw ScopeFault("unknown scope \"\(word)\"; there are \(known)")
        }
        guard parts.count == 2 else {
            self.init(right)
            return
        }
        guard right != .admin else { throw ScopeFault("admin cannot be narrowed") }
        let target = String(Substring(parts[1]))
        guard !target.isEmpty, target.utf8.count <= Scope.patternBytesMax else {
            throw ScopeFault("\(word): expected an entry or a name after the colon")
        }
        guard !target.utf8.dropLast().contains(Pattern.star) else {
            throw ScopeFault("\(text): a * may only stand at the end")
        }
        // All of them: the same as not narrowed, also for what cannot be narrowed.
        self.init(right, target == "*" ? nil : Pattern(target))
    }

    package var description: String {
        right.rawValue + (pattern.map { ":\($0)" } ?? "")
    }
}

/// What can be allowed.
package enum Right: String, Sendable, CaseIterable {
    /// Look at processes, names, the app and the server.
    case read
    /// Start processes, and get the result of an exec.
    case spawn
    /// Put messages into mailboxes.
    case send
    /// Cancel and terminate, link, give and take names, control services.
    case control
    /// Follow the events.
    case events
    /// Everything.
    case admin
}

/// Why a text is no scope.
package struct ScopeFault: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A text, or every text with a beginning.
///
/// Byte by byte, as names are registered: to Swift's `==` two spellings of one letter are the same.
package struct Pattern: Sendable, Equatable, CustomStringConvertible {
    private let bytes: [UInt8]
    private let isPrefix: Bool

    /// A `*` at the end stands for any ending.
    package init(_ text: String) {
        isPrefix = text.utf8.last == Pattern.star
        bytes = isPrefix ? text.utf8.dropLast() : Array(text.utf8)
    }

    fileprivate static let star = UInt8(ascii: "*")

    package func matches(_ other: String) -> Bool {
        isPrefix ? other.utf8.starts(with: bytes) : other.utf8.elementsEqual(bytes)
    }

    package var description: String {
        String(decoding: bytes, as: UTF8.self) + (isPrefix ? "*" : "")
    }
}

/// How far a right goes.
package enum Extent: Sendable, Equatable {
    case none
    /// For processes whose entry, or one of whose names, fits one of these.
    case narrowed([Pattern])
    case full

    /// Whether it goes as far as something with this entry or name.
    package func covers(_ text: String) -> Bool {
        switch self {
        case .none: false
        case .narrowed(let patterns): patterns.contains { $0.matches(text) }
        case .full: true
        }
    }

    /// Whether it goes as far as a process.
    package func covers(entry: String, names: [String]) -> Bool {
        covers(entry) || names.contains(where: covers)
    }
}
