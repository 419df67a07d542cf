import HTTP
import Testing

@Suite struct MediaTypeTests {
    @Test func `type, subtype and parameters are told apart`() throws {
        let media = try #require(MediaType(" Text/HTML ;Charset=\"utf-8\"; ; x=\"a;\\\"b\" "))
        #expect(media.type == "text")
        #expect(media.subtype == "html")
        #expect(media.parameters.map(\.name) == ["charset", "x"])
        #expect(media.parameter("charset") == "utf-8")
        #expect(media.parameter("x") == "a;\"b")
        #expect(media.parameter("y") == nil)
    }

    @Test(arguments: [
        "", "text", "text/", "/html", "text /html", "text/ html", "text/html,", "text/html x",
        "text/html; a", "text/html; a=", "text/html; a = b", "text/html; a=\"b",
        "text/html; a=\"b\\",
        "text/html, text/plain", "te(xt/html", "text/html; =b",
    ])
    func `what is no media type is refused`(text: String) {
        #expect(MediaType(text) == nil)
    }

    @Test(arguments: [
        ("application/json", true), ("application/json; charset=utf-8", true),
        ("application/json;charset=\"UTF-8\"", true), ("APPLICATION/JSON", true),
        ("application/problem+json", true), ("application/vnd.x+JSON; v=1", true),
        ("application/json; charset=utf-16", false), ("application/json; charset=latin1", false),
        ("text/json", false), ("text/plain", false), ("application/jsonp", false),
        ("application/x-json", false), ("application/x-www-form-urlencoded", false),
        ("multipart/form-data; boundary=x", false), ("application/x-ndjson", false),
    ])
    func `JSON is recognised`(text: String, isJSON: Bool) throws {
        #expect(try #require(MediaType(text)).isJSON == isJSON)
    }

    @Test func `NDJSON is recognised`() throws {
        #expect(try #require(MediaType("application/x-ndjson; charset=utf-8")).isNDJSON)
        #expect(try #require(MediaType("application/json")).isNDJSON == false)
        #expect(try #require(MediaType("application/x-ndjson; charset=x")).isNDJSON == false)
    }
}
