import LuaLibraries
import Testing

/// One rule of SEMANTICS as a program: what `main`'s body is, and what must come out.
///
/// The result is compared as JSON, or as "error: message" after an error exit. In scope besides the
/// globals: `refused(v, err)`, which shows a refusal as `{v, kind, message}`; `raised(f)`, what `f`
/// raises, without the position; and `HOST`.
struct LuaCase: Sendable, CustomTestStringConvertible {
    let name: String
    let body: String
    let expected: String
    /// Bodies of the `main` of further entries: `app:<key>`.
    let others: [String: String]

    init(_ name: String, _ body: String, _ expected: String, with others: [String: String] = [:]) {
        self.name = name
        self.body = body
        self.expected = expected
        self.others = others
    }

    var testDescription: String { name }

    /// Runs the program and compares.
    func check(sourceLocation: SourceLocation = #_sourceLocation) {
        let result = LuaHarness(LuaCase.entries(body, others)).run()
        #expect(result == expected, "\(name)", sourceLocation: sourceLocation)
    }

    /// On the source's first line, so that the lines of a body count from 2.
    private static let prelude = """
        local HOST = "app:processes" local function refused(v, err) \
        return {tostring(v), err:kind(), err:message()} end \
        local function raised(f) \
        return (select(2, pcall(f)):gsub("^%S+:%d+: ", "")) end\u{20}
        """

    /// `app:main` and the others, each a function of a body.
    static func entries(_ body: String, _ others: [String: String] = [:]) -> [SourceEntry] {
        others.merging(["main": body]) { first, _ in first }.map { name, body in
            SourceEntry(id: "app:" + name, source: source(body))
        }
    }

    static func source(_ body: String) -> String {
        prelude + "return function(...)\n\(body)\nend"
    }
}
