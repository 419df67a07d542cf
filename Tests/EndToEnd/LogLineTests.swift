import Logging
import Testing

@testable import moonlet

/// Records as lines for people.
@Suite struct LogLineTests {
    private func line(_ fields: Logger.Metadata) -> String {
        let handler = LineHandler(label: "test", logLevel: .info, format: .text)
        let event = LogEvent(
            level: .info,
            message: "audit",
            metadata: fields,
            source: nil,
            file: #fileID,
            function: #function,
            line: #line
        )
        return String(decoding: handler.line(event), as: UTF8.self)
    }

    @Test func `fields follow in the order of their names`() {
        #expect(line(["who": "ci", "peer": "::1"]).hasSuffix(" INFO audit peer=::1 who=ci\n"))
    }

    @Test(arguments: [
        ("a b", #""a b""#), ("x\n2026 INFO audit who=root", #""x\n2026 INFO audit who=root""#),
        ("", #""""#), (#"say "hi""#, #""say \"hi\"""#), ("\u{1b}[2J", #""\u001b[2J""#),
    ])
    func `what a client put into a field stays in it`(value: String, shown: String) {
        #expect(line(["target": "\(value)"]).hasSuffix(" INFO audit target=\(shown)\n"))
    }

    @Test func `what a script logs as JSON stays as it is`() {
        let fields: Logger.Metadata = [
            "fields": .stringConvertible(RawJSON(bytes: Array(#"{"a": 1}"#.utf8)))
        ]
        #expect(line(fields).hasSuffix(#" fields={"a": 1}"# + "\n"))
    }
}
