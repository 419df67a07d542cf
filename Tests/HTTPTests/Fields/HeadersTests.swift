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

    @Test func `common fields are fields like any others`() {
        let common = CommonFields([("A", "1"), ("B", "2")])
        var headers = Headers(common)
        headers.append("C", "3")
        #expect(headers == Headers([("A", "1"), ("B", "2"), ("C", "3")]))
        #expect(headers["b"] == "2" && headers["c"] == "3" && headers["d"] == nil)
        #expect(headers.count == 3 && headers.all("a") == ["1"])
        headers.set("a", "4")
        #expect(headers == Headers([("B", "2"), ("C", "3"), ("a", "4")]))
        #expect(Headers(common)["A"] == "1")
    }

    @Test func `methods of others are not known`() {
        #expect(HTTPMethod.known.allSatisfy(HTTPMethod.isKnown))
        for method in ["BREW", "get", "CONNECT", "PRI", ""] {
            #expect(!HTTPMethod.isKnown(method))
        }
    }
}
