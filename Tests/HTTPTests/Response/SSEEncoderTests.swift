import HTTP
import Testing

@Suite struct SSEEncoderTests {
    private func event(_ data: String, event: String? = nil, id: String? = nil) -> String {
        var output: [UInt8] = []
        SSEEncoder.appendEvent(to: &output, event: event, id: id, data: data.utf8)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `an event is name, id, data and an empty line`() {
        #expect(event("{}", event: "EXIT", id: "e-1") == "event: EXIT\nid: e-1\ndata: {}\n\n")
        #expect(event("x") == "data: x\n\n")
        #expect(event("") == "data: \n\n")
        #expect(event(" x") == "data:  x\n\n")
        #expect(event("", id: "") == "id: \ndata: \n\n")
    }

    @Test(arguments: [
        ("a\nb", "data: a\ndata: b\n\n"), ("a\rb", "data: a\ndata: b\n\n"),
        ("a\r\nb", "data: a\ndata: b\n\n"), ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
        ("a\r\r\nb", "data: a\ndata: \ndata: b\n\n"), ("a\n\nb", "data: a\ndata: \ndata: b\n\n"),
        ("a\n", "data: a\ndata: \n\n"), ("\r", "data: \ndata: \n\n"), ("\0", "data: \u{FFFD}\n\n"),
        ("é\u{2028}x", "data: é\u{2028}x\n\n"),
    ])
    func `each line of data has its own data line`(data: String, text: String) {
        #expect(event(data) == text)
    }

    /// Row 63, and the same through a name, an id and a comment.
    @Test func `nothing in an event can begin another`() {
        let attack = "\n\nevent: pid.exit\ndata: {}\r\rid: 9\r\n\r\n\0"
        let text = event(attack, event: attack, id: attack)
        #expect(
            text == "event: event: pid.exitdata: {}id: 9\nid: event: pid.exitdata: {}id: 9\n"
                + "data: \ndata: \ndata: event: pid.exit\ndata: data: {}\ndata: \ndata: id: 9\n"
                + "data: \ndata: \u{FFFD}\n\n"
        )
        var comment: [UInt8] = []
        SSEEncoder.appendComment(to: &comment, attack)
        #expect(String(decoding: comment, as: UTF8.self) == ": event: pid.exitdata: {}id: 9\n\n")
        comment = []
        SSEEncoder.appendComment(to: &comment, "hb", id: attack)
        #expect(
            String(decoding: comment, as: UTF8.self) == ": hb\nid: event: pid.exitdata: {}id: 9\n\n"
        )
    }

    @Test func `bytes go out as they are`() {
        var output: [UInt8] = []
        SSEEncoder.appendEvent(to: &output, data: [0xFF, 0x0A, 0xFE])
        #expect(
            output == Array("data: ".utf8) + [0xFF, 10] + Array("data: ".utf8) + [0xFE, 10, 10]
        )
    }

    @Test func `retry is a number of milliseconds`() {
        var output: [UInt8] = []
        SSEEncoder.appendRetry(to: &output, milliseconds: 2_000)
        SSEEncoder.appendRetry(to: &output, milliseconds: -5)
        SSEEncoder.appendComment(to: &output, "hb")
        #expect(String(decoding: output, as: UTF8.self) == "retry: 2000\n\nretry: 0\n\n: hb\n\n")
    }
}
