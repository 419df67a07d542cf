/// Why a value can't cross between JSON and Lua, and where inside the value the reason lies.
package struct PathFault: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Step: Sendable, Equatable {
        /// A sequence's element, counted from 1 as in Lua.
        case index(Int64)
        case key(String)
    }

    /// What is wrong, in words.
    package let detail: String
    /// From the innermost step outwards: each level adds its own on the fault's way up.
    private var stepsOutward: [Step] = []

    init(_ detail: String) {
        self.detail = detail
    }

    /// The way from the whole value to the offending one.
    package var path: [Step] { stepsOutward.reversed() }

    /// This fault as seen from the container around its value.
    func inside(_ step: Step) -> PathFault {
        var outer = self
        outer.stepsOutward.append(step)
        return outer
    }

    func inside(key bytes: UnsafeRawBufferPointer) -> PathFault {
        unsafe inside(.key(String(decoding: bytes.prefix(PathFault.keyBytesMax), as: UTF8.self)))
    }

    /// Names stand in messages; a longer one is cut there.
    static let keyBytesMax = 64

    /// The path as Lua would write it, after the name of the whole: `value.items[3]`.
    package func luaPath(root: String = "value") -> String {
        path.reduce(into: root) { text, step in
            switch step {
            case .index(let index): text += "[\(index)]"
            case .key(let key) where PathFault.isIdentifier(key): text += ".\(key)"
            case .key(let key): text += "[\"\(key)\"]"
            }
        }
    }

    /// The path as a JSON pointer, after the pointer of the whole.
    ///
    /// Source: RFC 6901, 3.
    package func pointer(root: String = "") -> String {
        path.reduce(into: root) { text, step in
            switch step {
            case .index(let index): text += "/\(index - 1)"
            case .key(let key): text += "/" + JSONPointer.escaped(key)
            }
        }
    }

    package var description: String { message(root: "value") }

    /// The whole message, such as `value.items[3]: cannot encode NaN`.
    package func message(root: String) -> String { "\(luaPath(root: root)): \(detail)" }

    private static func isIdentifier(_ key: String) -> Bool {
        let isWord = key.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard isWord, let first = key.utf8.first else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }
}

/// The text form of a place in a JSON document.
package enum JSONPointer {
    /// A name as one reference token: `~` becomes `~0` and `/` becomes `~1` (RFC 6901, 3).
    package static func escaped(_ name: String) -> String {
        var token = ""
        for character in name.unicodeScalars {
            switch character {
            case "~": token += "~0"
            case "/": token += "~1"
            default: token.unicodeScalars.append(character)
            }
        }
        return token
    }
}
