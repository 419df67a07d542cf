import HTTP
import Testing

@Suite struct HeadersTests {
    @Test func `names compare without regard to ASCII case and to nothing else`() {
        for left in UInt8(0)...127 {
            for right in UInt8(0)...127 {
                let (a, b) = (UnicodeScalar(left), UnicodeScalar(right))
                let same = a.properties.lowercaseMapping == b.properties.lowercaseMapping
                #expect(Headers.same("x" + String(a), "X" + String(b)) == same)
            }
        }
        #expect(!Headers.same("a", "ab"))
        #expect(!Headers.same("K", "\u{212A}"))
    }

    @Test func `set replaces every field of the name`() {
        var headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
        headers.set("a", "4")
        #expect(headers == Headers([("b", "2"), ("a", "4")]))
        headers.remove("B")
        #expect(headers == Headers([("a", "4")]))
        #expect(headers["A"] == "4")
        #expect(headers["B"] == nil)
    }

    @Test func `a content coding is noticed`() throws {
        for (value, isEncoded) in [("gzip", true), ("identity", false), ("Identity", false)] {
            let bytes = wire("POST / HTTP/1.1⏎Host: a⏎Content-Encoding: \(value)⏎⏎")
            #expect(try #require(Transcript(bytes).heads.first).contentIsEncoded == isEncoded)
        }
        #expect(!RequestHead.plain.contentIsEncoded)
    }

    @Test func `methods of others are not known`() {
        #expect(HTTPMethod.known.allSatisfy(HTTPMethod.isKnown))
        for method in ["BREW", "get", "CONNECT", "PRI", ""] {
            #expect(!HTTPMethod.isKnown(method))
        }
    }
}

extension RequestHead {
    fileprivate static var plain: RequestHead {
        guard let head = Transcript(wire("GET / HTTP/1.0⏎⏎")).heads.first else {
            fatalError("the plainest request is refused")
        }
        return head
    }
}
