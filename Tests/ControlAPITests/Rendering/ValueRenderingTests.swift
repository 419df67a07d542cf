import JSON
import Payload
import ProcessRuntime
import Testing

@testable import ControlAPI

struct ValueRenderingTests {
    private func object(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.member("before", 1)
        write(&json)
        json.member("after", 2)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// `"xx...x"` is two bytes longer than its text: at the limit it stays, one more and it goes.
    @Test(arguments: 0...40)
    func `a value is left out exactly when its JSON is over the limit`(_ count: Int) {
        let text = String(repeating: "x", count: count)
        let found = object { $0.member("result", Payload(text), atMost: 20) }
        let kept = #"{"before":1,"result":"\#(text)","after":2}"#
        let left = #"{"before":1,"result":null,"result_truncated":true,"after":2}"#
        #expect(found == (count + 2 <= 20 ? kept : left))
    }

    @Test func `a value far over the limit is left out without being written`() {
        let payload = Payload(String(repeating: "x", count: 1_000))
        let found = object { $0.member("r", payload, atMost: 20) }
        #expect(found == #"{"before":1,"r":null,"r_truncated":true,"after":2}"#)
    }

    /// Many empty tables are the values whose JSON is shortest for their payload.
    @Test func `the densest value is still judged by its JSON`() {
        var writer = PayloadWriter()
        let table = writer.beginTable(.array)
        for _ in 0..<100 {
            let inner = writer.beginTable(.array)
            writer.endTable(inner, sequence: 0, pairs: 0)
        }
        writer.endTable(table, sequence: 100, pairs: 0)
        let payload = writer.finish()
        let length = 100 * 3 + 1
        let fits = object { $0.member("r", payload, atMost: length) }
        #expect(!fits.contains("truncated"))
        #expect(object { $0.member("r", payload, atMost: length - 1) }.contains("truncated"))
    }

    @Test func `a value without a JSON form is null and says why`() {
        var writer = PayloadWriter()
        let outer = writer.beginTable()
        let key = writer.beginTable()
        writer.endTable(key, sequence: 0, pairs: 0)
        writer.write(true)
        writer.endTable(outer, sequence: 0, pairs: 1)
        let payload = writer.finish()
        for limit in [nil, 1_000] {
            let found = object { $0.member("result", payload, atMost: limit) }
            #expect(found.hasPrefix(#"{"before":1,"result":null,"result_fault":"result"#))
            #expect(found.hasSuffix(#","after":2}"#))
        }
    }

    @Test func `a long error message is cut between characters`() {
        let error = ErrorValue(message: "abc\u{E9}def")
        let found = object { $0.member("error", error, atMost: 4) }
        #expect(found.contains(#""message":"abc","message_truncated":true"#))
        #expect(object { $0.member("error", error, atMost: 5) }.contains("abc\u{E9}\","))
        #expect(!object { $0.member("error", error, atMost: 8) }.contains("truncated"))
    }

    @Test func `an app's table is an object whatever it holds`() {
        var writer = PayloadWriter()
        let empty = writer.beginTable()
        writer.endTable(empty, sequence: 0, pairs: 0)
        for payload in [Payload.nothing, writer.finish()] {
            #expect(object { $0.object("meta", payload) } == #"{"before":1,"meta":{},"after":2}"#)
        }
    }
}
