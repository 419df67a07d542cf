import Logging
import Testing

@testable import moonlet

/// Records as lines for people.
@Suite struct LogLineTests {
    private func line(_ fields: Logger.Metadata, _ message: Logger.Message = "audit") -> String {
        let handler = LineHandler(label: "test", logLevel: .info, format: .text)
        let event = LogEvent(
            level: .info,
            message: message,
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

    @Test(arguments: [
        ("a\u{9B}2Jb", #"a\u009b2Jb"#), ("\u{80}\u{9F}", #"\u0080\u009f"#),
        ("a\u{2028}b\u{2029}", #"a\u2028b\u2029"#), ("\u{202E}txt", #"\u202etxt"#),
        ("\u{61C}\u{200E}\u{200F}", #"\u061c\u200e\u200f"#),
        ("\u{202A}\u{2066}\u{2069}", #"\u202a\u2066\u2069"#),
        ("\u{1B}[2J\u{7F}", #"\x1b[2J\u007f"#),
        ("caf\u{E9} \u{1F319}\t.", "caf\u{E9} \u{1F319}\t."),
        ("\u{A0}\u{2027}\u{202F}", "\u{A0}\u{2027}\u{202F}"),
    ])
    func `no character of a text moves the cursor or turns the line round`(
        text: String,
        shown: String
    ) {
        #expect(line([:], "\(text)").hasSuffix(" INFO \(shown)\n"))
        guard text.utf8.allSatisfy({ $0 >= 0x80 }) else { return }
        #expect(line(["name": "\(text)"]).hasSuffix(" name=\"\(shown)\"\n"))
    }

    @Test func `what a script logs as JSON stays as it is`() {
        let fields: Logger.Metadata = [
            "fields": .stringConvertible(RawJSON(bytes: Array(#"{"a": 1}"#.utf8)))
        ]
        #expect(line(fields).hasSuffix(#" fields={"a": 1}"# + "\n"))
        let wild: Logger.Metadata = [
            "fields": .stringConvertible(RawJSON(bytes: Array("{\"a\": \"\u{9B}2J\"}".utf8)))
        ]
        #expect(line(wild).hasSuffix(#" fields={"a": "\u009b2J"}"# + "\n"))
    }
}
